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

"""Reason text of a successful restore."""

from typing import List, Sequence

from karbor_trove.trove import models

# Option of the request, attribute of the original instance, words. The
# request has a value for each of these.
_RECORDED = (
    ('flavor_id', 'flavor_id', 'flavor'),
    ('volume_size', 'volume_size', 'volume size'),
    ('net_id', 'network_id', 'network'),
    ('datastore_version', 'datastore_version', 'datastore version'),
    ('configuration_id', 'configuration_id', 'configuration group'),
    ('is_public', 'is_public', 'public'),
    ('allowed_cidrs', 'allowed_cidrs', 'allowed networks'),
)
# These are recorded too, but the request has them only if the user chose one.
_RECORDED_OPTIONAL = (('region_name', 'region', 'region'),
                      ('locality', 'locality', 'locality'))
# Trove does not return these for the original instance.
_NOT_RECORDED = (
    ('volume_type', 'volume type'), ('subnet_id', 'subnet'),
    ('ip_address', 'address'), ('availability_zone', 'availability zone'))


def list_changes(request: models.InstanceRequest,
                 original: models.Instance) -> List[str]:
    """Return what differs from the original, as far as it is known."""
    changes = []
    for option, attribute, words in (*_RECORDED, *(
            row for row in _RECORDED_OPTIONAL
            if getattr(request, row[0]) is not None)):
        restored_value = _format(getattr(request, option))
        original_value = _format(getattr(original, attribute))
        if restored_value != original_value:
            changes.append('%s %s instead of %s'
                           % (words, restored_value, original_value))
    return changes + ['%s %s' % (words, getattr(request, option))
                      for option, words in _NOT_RECORDED
                      if getattr(request, option) is not None]


def restore_summary(instance: models.Instance, seconds: float,
                    request: models.InstanceRequest, original: models.Instance,
                    description: str, unchecked: Sequence[str] = ()) -> str:
    """Return the reason text, one fact a line. The description comes last.

    :param instance: the restored instance.
    :param seconds: from the request until the database was up.
    :param description: the user's text for this restore. "" if there is none.
    :param unchecked: what the preflight checks could not check.
    """
    lines = ['%s%s is up after %.1f s, from backup %s' % (
        instance.name, ' at %s' % ', '.join(instance.addresses)
        if instance.addresses else '', seconds, request.backup_id)]
    changes = list_changes(request, original)
    if changes:
        lines.append('changed: ' + ', '.join(changes))
    lines.extend(unchecked)
    if description:
        lines.append(description)
    return '\n'.join(lines)


def _format(value: object) -> str:
    if isinstance(value, tuple):
        return ' '.join(value) or 'any'
    return 'none' if value is None else str(value)
