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

"""What a user reads of a restore that succeeded."""

from typing import List, Sequence

from karbor_trove.trove import models

# What is recorded of the original and can be chosen anew.
_COMPARED = (
    ('flavor_id', 'flavor_id', 'flavor'),
    ('volume_size', 'volume_size', 'volume size'),
    ('net_id', 'network_id', 'network'),
    ('datastore_version', 'datastore_version', 'datastore version'),
    ('configuration_id', 'configuration_id', 'configuration group'),
    ('is_public', 'is_public', 'public'),
    ('allowed_cidrs', 'allowed_cidrs', 'allowed networks'),
)
# What is recorded too, but only asked for where it was chosen.
_CHOSEN = (('region_name', 'region', 'region'),
           ('locality', 'locality', 'locality'))
# What Trove does not tell of the original.
_NEW = (('volume_type', 'volume type'), ('subnet_id', 'subnet'),
        ('ip_address', 'address'), ('availability_zone', 'availability zone'))


def list_changes(request: models.InstanceRequest,
                 original: models.Instance) -> List[str]:
    """Name what differs from the original, as far as that is known."""
    found = []
    for asked, recorded, words in (*_COMPARED, *(
            one for one in _CHOSEN if getattr(request, one[0]) is not None)):
        now = _shown(getattr(request, asked))
        then = _shown(getattr(original, recorded))
        if now != then:
            found.append('%s %s instead of %s' % (words, now, then))
    return found + ['%s %s' % (words, getattr(request, asked))
                    for asked, words in _NEW
                    if getattr(request, asked) is not None]


def restore_summary(instance: models.Instance, seconds: float,
                    request: models.InstanceRequest, original: models.Instance,
                    description: str, unchecked: Sequence[str] = ()) -> str:
    """Say what came of a restore, a line each; the user's words come last.

    :param seconds: from the request until the database was up.
    :param description: the user's, "" for none.
    :param unchecked: what could not be found out before the restore began.
    """
    lines = ['%s%s is up after %.1f s, from backup %s' % (
        instance.name, ' at %s' % ', '.join(instance.addresses)
        if instance.addresses else '', seconds, request.backup_id)]
    changed = list_changes(request, original)
    if changed:
        lines.append('changed: ' + ', '.join(changed))
    lines.extend(unchecked)
    if description:
        lines.append(description)
    return '\n'.join(lines)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ' '.join(value) or 'any'
    return 'none' if value is None else str(value)
