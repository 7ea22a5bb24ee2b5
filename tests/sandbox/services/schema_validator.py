"""What Trove's API makes of bodies.

Run by python -m tests.sandbox.services.schema_validator.

A line of JSON comes in for each, ["instances", {...}] or ["backups", {...}],
and one goes out: null, or Trove's own words against it. It ends with its
input. Nothing else of Trove is there: neither a database nor a network.
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


def judge(kind: str, body: Any) -> 'str | None':
    """Do what comes before anything is looked up; return the refusal."""
    try:
        CONTROLLERS[kind].validate_request('create', {'body': body})
        utils.validate_locality(body.get('instance', {}).get('locality'))
    except exception.BadRequest as refusal:
        return str(refusal)
    return None


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(judge(*json.loads(line))), flush=True)


if __name__ == '__main__':
    main()
