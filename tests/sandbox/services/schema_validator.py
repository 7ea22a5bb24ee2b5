"""Validation of request bodies with Trove's own code, without a running Trove.

Usage: python -m tests.sandbox.services.schema_validator

Each line of the input is a JSON array: ["instances", BODY] for a request that
creates an instance, or ["backups", BODY] for a request that creates a backup.
For each line, the program prints a line with null if the body is valid, or
with Trove's error message as a JSON string. It ends at the end of its input.
It needs neither a database nor a network.
"""

import json
import sys
from typing import Any

from trove.backup import service as backups
from trove.common import exception
from trove.common import utils
from trove.instance import service as instances

CONTROLLERS = {'backups': backups.BackupController(),
               'instances': instances.InstanceController()}


def _validate_locality(locality: Any) -> None:
    if hasattr(utils, 'validate_locality'):
        utils.validate_locality(locality)
    # Trove 18 has this check inside of the function that creates an instance.
    elif locality and locality not in ('affinity', 'anti-affinity'):
        raise exception.BadRequest(f'Invalid locality {locality!r}.')


def validate(kind: str, body: Any) -> 'str | None':
    """Return Trove's error message for the body of a create request.

    None if the body is valid. Checks that need a database are left out.

    :param kind: 'instances' or 'backups'.
    """
    try:
        CONTROLLERS[kind].validate_request('create', {'body': body})
        _validate_locality(body.get('instance', {}).get('locality'))
    except exception.BadRequest as e:
        return str(e)
    return None


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(validate(*json.loads(line))), flush=True)


if __name__ == '__main__':
    main()
