# SPDX-License-Identifier: Apache-2.0

"""JSON schemas that Karbor publishes for plans, restores and verifications.

The dashboard builds its forms from them. It shows an input for strings and
booleans only. The title is the label and the description is the tooltip. It
sends every default, also null, which Karbor's API rejects [karbor-dashboard
1.5.1, karbor/api/v1/plans.py of Karbor 1.6.0]. So every property has type
string or boolean, a title and a description, and no default.
"""

from typing import Any, Dict

from karbor_trove.parameters import restore_options

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
RESTORE: Dict[str, Any] = {
    'title': 'Database Instance Protection Restore',
    'type': 'object',
    'properties': {
        **{restore_options.PREFIX + name: {
            'type': 'string',
            'title': option.title,
            'description': '%s Left empty: %s.' % (option.description,
                                                   option.default),
        } for name, option in restore_options.OPTIONS.items()},
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
