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

"""The schemas that Karbor publishes for its users.

The dashboard builds its forms from them: it shows an input for a string or a
boolean only, uses the title as the label and the description as the tooltip,
and posts every default, a null one too, which Karbor's API then refuses
[karbor-dashboard 1.5.1, karbor/api/v1/plans.py of Karbor 1.6.0]. So there are
no other types here, no property without a title and a description, and no
default.
"""

from typing import Any, Dict

OPTIONS: Dict[str, Any] = {
    'title': 'Database Instance Protection Options',
    'type': 'object',
    'properties': {
        'backup_name': {
            'type': 'string',
            'title': 'Backup Name',
            'description': 'The name of the database instance backup. One '
                           'line of 1 to 255 characters with a letter or a '
                           'digit (A-Z, a-z, 0-9) among them. Left empty: a '
                           'name that tells the checkpoint and the instance.',
        },
        'description': {
            'type': 'string',
            'title': 'Description',
            'description': 'The description of the database instance backup. '
                           'One line of 1 to 255 characters with a letter or '
                           'a digit (A-Z, a-z, 0-9) among them. Left empty: '
                           'one that tells the checkpoint and the instance.',
        },
        'incremental': {
            'type': 'boolean',
            'title': 'Incremental',
            'description': 'Whether to back up only what changed since the '
                           'newest backup of the instance by the same '
                           'provider. The operator sets how often a full '
                           'backup is made all the same.',
        },
    },
    'required': ['backup_name', 'description'],
}
VERIFY: Dict[str, Any] = {
    'title': 'Database Instance Protection Verify',
    'type': 'object',
    'properties': {},
}
SAVED_INFO: Dict[str, Any] = {
    'title': 'Database Instance Protection Saved Info',
    'type': 'object',
    'properties': {},
}


def _text(title: str, description: str, else_: str) -> Dict[str, str]:
    return {'type': 'string', 'title': title,
            'description': '%s Left empty: %s.' % (description, else_)}


RESTORE: Dict[str, Any] = {
    'title': 'Database Instance Protection Restore',
    'type': 'object',
    'properties': {
        'restore_name': {
            'type': 'string',
            'title': 'Restore Name',
            'description': 'The name of the restored database instance. One '
                           'line of 1 to 255 characters with a letter or a '
                           'digit (A-Z, a-z, 0-9) among them. Left empty: '
                           'the name of the original.',
        },
        'restore_flavor_id': _text(
            'Flavor', 'The id of the flavor of the restored database '
            'instance.', 'as recorded'),
        'restore_volume_size': _text(
            'Volume Size', 'The size of its volume, a whole number of GB, at '
            'least that of the backup.', 'as recorded'),
        'restore_volume_type': _text(
            'Volume Type', 'The type of its volume.', "the cloud's default"),
        'restore_net_id': _text(
            'Network', 'The id of its network.', 'as recorded'),
        'restore_subnet_id': _text(
            'Subnet', 'The id of its subnet, in the network. Needs Trove '
            'Victoria (14.0.0) or newer.', "the network's choice"),
        'restore_ip_address': _text(
            'IP Address', 'Its IPv4 address, together with a subnet.',
            "the subnet's choice"),
        'restore_availability_zone': _text(
            'Availability Zone', 'Its availability zone.',
            "the cloud's default"),
        'restore_configuration_id': _text(
            'Configuration Group', 'The id of its configuration group, or '
            '"none" for none.', 'as recorded'),
        'restore_datastore_version': _text(
            'Datastore Version', 'The name or the id of the version of its '
            'datastore, which has to understand the backup.', 'as recorded'),
        'restore_is_public': _text(
            'Public', 'Whether it can be reached from outside: True or '
            'False.', 'as recorded'),
        'restore_allowed_cidrs': _text(
            'Allowed Networks', 'The IPv4 networks that may reach it, like '
            '192.0.2.0/24, separated by commas.', 'as recorded'),
        'restore_region_name': _text(
            'Region', 'Its region.', 'that of the backup'),
        'restore_locality': _text(
            'Locality', 'Whether its later replicas share its machine: '
            'affinity or anti-affinity.', 'neither'),
        'restore_description': {
            'type': 'string',
            'title': 'Restore Description',
            'description': 'The description of the restored database '
                           'instance. Trove has no place for it: it is '
                           'shown with the restore, as the reason of its '
                           'status.',
        },
    },
}
