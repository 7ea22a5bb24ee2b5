# SPDX-License-Identifier: Apache-2.0

"""The table of everything that a user may choose for a restored instance.

A new option needs a row in this table and an attribute of
models.InstanceRequest. The published schema, the parser, the request to Trove
and the reason text in Karbor's record of the restore then support the option.

The options "skip" and "description" have no row, because the request does not
contain them. schemas.py defines these two options.

An option with `copied_from` also needs an attribute of models.Instance, which
trove/serialization.py parses and bank/record.py stores.
"""

import dataclasses
from typing import Dict, Optional

from karbor_trove.parameters import fields

#: The beginning of the name of each parameter.
PREFIX = 'restore_'
#: In the option "name", the name of the original instance replaces this text.
NAME_PLACEHOLDER = '{name}'


@dataclasses.dataclass(frozen=True)
class RestoreOption:
    """One value that a user may choose for a restored instance.

    The name of the option is its key in OPTIONS. An attribute of
    InstanceRequest has the same name.
    """

    field: fields.Field
    #: The title and the description in the published schema.
    title: str
    description: str
    #: The effect if the user passes nothing, in words.
    default: str
    #: The name of the option in the reason text of a restore. None if the
    #: reason text does not list the option.
    label: Optional[str]
    #: The attribute of models.Instance whose recorded value is requested if
    #: the user passes nothing. None if no value is requested in that case.
    copied_from: Optional[str] = None
    #: Whether the recorded value has to be allowed by the field as well.
    is_copy_checked: bool = False
    #: The attribute of models.Instance with which the reason text compares
    #: the user's value. None if this attribute is `copied_from`, or if Trove
    #: does not return the original instance's value to the user.
    compared_with: Optional[str] = None


#: The options that are used most often come first, because the dashboard shows
#: the options in this order.
OPTIONS: Dict[str, RestoreOption] = {
    'name': RestoreOption(
        fields.TEXT, 'Restore Name',
        'The name of the restored database instance. One line of 1 to 255 '
        'characters with a letter or a digit (A-Z, a-z, 0-9) among them. '
        'The name of the original replaces "{name}".',
        'the name of the original', None, 'name', is_copy_checked=True),
    'flavor_id': RestoreOption(
        fields.TEXT, 'Flavor (id)',
        'The id of the flavor of the restored database instance.',
        'as recorded', 'flavor', 'flavor_id', is_copy_checked=True),
    'volume_size': RestoreOption(
        fields.GIGABYTES, 'Volume Size (GB)',
        'The size of its volume, a whole number of GB, at least that of the '
        'backup.', 'as recorded', 'volume size', 'volume_size',
        is_copy_checked=True),
    'net_id': RestoreOption(
        fields.ID, 'Network (id)', 'The id of its network.', 'as recorded',
        'network', 'network_id', is_copy_checked=True),
    'volume_type': RestoreOption(
        dataclasses.replace(fields.TEXT, needs='volume_size'),
        'Volume Type (name)', 'The type of its volume.',
        "the cloud's default", 'volume type'),
    'subnet_id': RestoreOption(
        fields.ID, 'Subnet (id)', 'The id of its subnet, in the network. '
        'Needs Trove Victoria (14.0.0) or newer.', "the network's choice",
        'subnet'),
    'ip_address': RestoreOption(
        dataclasses.replace(fields.ADDRESS, needs='subnet_id'),
        'IP Address (IPv4)', 'Its IPv4 address, together with a subnet.',
        "the subnet's choice", 'address'),
    'availability_zone': RestoreOption(
        fields.TEXT, 'Availability Zone (name)', 'Its availability zone.',
        "the cloud's default", 'availability zone'),
    'configuration_id': RestoreOption(
        fields.CONFIGURATION, 'Configuration Group (id, none or recreate)',
        'The id of its configuration group, "none" for no group, or '
        '"recreate" for the recorded group. If the recorded group was '
        'deleted, "recreate" creates a new group with the recorded values.',
        'as recorded', 'configuration group', 'configuration_id'),
    'datastore_version': RestoreOption(
        fields.TEXT, 'Datastore Version (name or id)',
        'The name or the id of the version of its datastore, which has to '
        'understand the backup.', 'as recorded', 'datastore version',
        'datastore_version', is_copy_checked=True),
    'is_public': RestoreOption(
        fields.BOOLEAN, 'Public (True or False)',
        'Whether it can be reached from outside: True or False.',
        'as recorded', 'public', 'is_public'),
    'allowed_cidrs': RestoreOption(
        fields.NETWORKS, 'Allowed Networks (like 192.0.2.0/24, ...)',
        'The IPv4 networks that may reach it, like 192.0.2.0/24, separated '
        'by commas. Host bits are set to zero.', 'as recorded',
        'allowed networks', 'allowed_cidrs'),
    'region_name': RestoreOption(
        fields.TEXT, 'Region (name)', 'Its region.', 'that of the backup',
        'region', compared_with='region'),
    'locality': RestoreOption(
        fields.LOCALITY, 'Locality (like anti-affinity)',
        'Whether its later replicas share its machine: affinity, '
        'anti-affinity, soft-affinity or soft-anti-affinity.', 'neither',
        'locality', compared_with='locality'),
}
