# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Karbor's flat strings in, typed requests out.

Karbor checks the names of parameters only: neither their values, nor that a
required one is there, and the dashboard sends "" for a field left empty
[api/v1 of Karbor 1.6.0; karbor-dashboard 1.5.1].
"""

import re
from typing import Any, Mapping, Optional

from karbor_trove import errors
from karbor_trove import record
from karbor_trove import values

# What Trove takes as a name or a description, else it answers 400; it does
# not mind a line's end [non_empty_string in trove/common/apischema.py].
_LIMIT = 255
_ALLOWED = re.compile(r'.*[0-9A-Za-z].*\n?')


def backup_request(parameters: Mapping[str, Any], checkpoint_id: str,
                   instance_id: str, storage_driver: Optional[str] = None,
                   swift_container: Optional[str] = None
                   ) -> values.BackupRequest:
    """Say what backup a protect asks for.

    :param parameters: Karbor's, of this resource; a name or a description
        that is absent, None or "" is made from the two ids.
    :param storage_driver: as the operator set it; None: Trove's own.
    :param swift_container: likewise.
    :raises errors.Refused: Trove would not take the name or the description.
    """
    return values.BackupRequest(
        instance_id=instance_id,
        name=(_text(parameters, 'backup_name')
              or 'karbor-%s-%s' % (checkpoint_id, instance_id)),
        description=(_text(parameters, 'description')
                     or 'Karbor checkpoint %s of database instance %s'
                     % (checkpoint_id, instance_id)),
        storage_driver=storage_driver,
        swift_container=swift_container)


def instance_request(parameters: Mapping[str, Any], kept: record.Record,
                     checkpoint_id: str) -> values.InstanceRequest:
    """Say what instance a restore asks for.

    :param parameters: Karbor's, of this resource; a name that is absent, None
        or "" is the original's, or made from the two ids where the bank does
        not know that.
    :param kept: see record.load_backup().
    :raises errors.Refused: Trove would not take the name.
    """
    return values.InstanceRequest(
        name=(_text(parameters, 'restore_name') or kept.instance.name
              or '%s@%s' % (checkpoint_id, kept.instance.id)),
        backup_id=str(kept.backup_id),
        original=kept.instance)


def is_incremental(parameters: Mapping[str, Any]) -> bool:
    """Tell whether the plan wants a backup that hangs on the last one.

    :param parameters: Karbor's; absent, None and "" mean no.
    :raises errors.Refused: it is neither true nor false.
    """
    given = parameters.get('incremental')
    value = '' if given is None else str(given).lower()
    if value not in ('', 'true', 'false'):
        raise errors.Refused('incremental %r is not allowed: True or False'
                             % given)
    return value == 'true'


def restore_description(parameters: Mapping[str, Any]) -> str:
    """Give the user's words about the restored instance, or "".

    They go to Karbor's own record, which takes any text.
    """
    return str(parameters.get('restore_description') or '')


def _text(parameters: Mapping[str, Any], key: str) -> Optional[str]:
    given = parameters.get(key)
    if given is None or given == '':
        return None
    value = str(given)
    if len(value) > _LIMIT or not _ALLOWED.fullmatch(value):
        raise errors.Refused(
            '%s %r is not allowed: one line of 1 to %d characters, with a '
            'letter or a digit (A-Z, a-z, 0-9) among them' % (
                key, value, _LIMIT))
    return value
