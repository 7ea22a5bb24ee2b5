# SPDX-License-Identifier: Apache-2.0

"""JSON schemas that Karbor publishes for plans, restores and verifications.

The dashboard builds its forms from these schemas. A form has inputs for
strings and booleans only. The title is the label of the input, and the
description is the tooltip of the input. The dashboard sends every default,
even a default of null. Karbor's API rejects null [karbor-dashboard 1.5.1,
karbor/api/v1/plans.py of Karbor 1.6.0]. So every property has type string or
boolean, a title and a description, and no default.
"""

from typing import Any, Dict

from karbor_trove.parameters import restore_options


def _schema(title: str, properties: Dict[str, Any]) -> Dict[str, Any]:
    return {'title': 'Database Instance Protection ' + title,
            'type': 'object', 'properties': properties}


def _string(title: str, description: str) -> Dict[str, str]:
    return {'type': 'string', 'title': title, 'description': description}


def _boolean(title: str, description: str) -> Dict[str, str]:
    return {**_string(title, description), 'type': 'boolean'}


def _restore_properties() -> Dict[str, Any]:
    """Return the properties of the restore schema in the order of the form.

    The properties that are used most often come first.
    """
    options = {
        restore_options.PREFIX + name: _string(
            option.title, '%s Left empty: %s.' % (option.description,
                                                  option.default))
        for name, option in restore_options.OPTIONS.items()}
    return {
        'restore_name': options.pop('restore_name'),
        'restore_skip': _boolean(
            'Leave Out',
            'Whether to leave the database instance out of the restore. The '
            'other database instances of the checkpoint are restored.'),
        'restore_description': _string(
            'Restore Description',
            'The description of the restored database instance. Trove has no '
            'place for it: it is shown with the restore, as the reason of '
            'its status.'),
        **options}


# Karbor's specification requires the name and the description. The form of
# the dashboard accepts no empty value for the two properties. So their
# descriptions do not say what an empty value means.
OPTIONS = {
    **_schema('Options', {
        'backup_name': _string(
            'Backup Name',
            'The name of the database instance backup. One line of 1 to 255 '
            'characters with a letter or a digit (A-Z, a-z, 0-9) among '
            'them.'),
        'description': _string(
            'Description',
            'The description of the database instance backup. One line of 1 '
            'to 255 characters with a letter or a digit (A-Z, a-z, 0-9) among '
            'them.'),
        'incremental': _boolean(
            'Incremental',
            'Whether to back up only what changed since the newest backup of '
            'the instance by the same provider. The operator sets how often a '
            'full backup is made instead.'),
    }),
    'required': ['backup_name', 'description'],
}
VERIFY = _schema('Verify', {})
SAVED_INFO = _schema('Saved Info', {})
RESTORE = _schema('Restore', _restore_properties())
