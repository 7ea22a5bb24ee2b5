# SPDX-License-Identifier: Apache-2.0

"""Checks of ids, which become parts of URLs and of paths in the bank.

Karbor's API takes any text as the id of a resource, even "../../x" [1.6.0].
"""

import re
import uuid

from karbor_trove import errors

_PATH_PART = re.compile(r'[0-9A-Za-z][0-9A-Za-z_.@-]*')


def is_uuid(value: object) -> bool:
    """Return True if a value is a UUID in lower case with dashes.

    Trove's ids of instances and backups have this form. Karbor's ids of
    checkpoints, restores and verifications have it too.
    """
    try:
        return str(uuid.UUID(str(value))) == value
    except ValueError:
        return False


def check_uuid(value: object, kind: str) -> str:
    """Check that a value is a UUID in lower case with dashes.

    :param kind: the kind of the object with this id, for the error message.
        For example "database instance".
    :returns: the value.
    :raises errors.Rejected: the value is not such a UUID.
    """
    if not is_uuid(value):
        raise errors.Rejected(
            '%s is not the id of a %s, which is a UUID in lower case with '
            'dashes' % (_quote(value), kind))
    return str(value)


def is_same_project(project_id: str, other_id: str) -> bool:
    """Return True if two ids belong to the same project.

    Some programs write the id of a project with dashes, others without dashes.
    So dashes are ignored.
    """
    return project_id.replace('-', '') == other_id.replace('-', '')


def is_path_part(value: object) -> bool:
    """Return True if a value can be a single part of a path.

    Such a value is a text of ASCII letters, digits and the characters "_.@-".
    It begins with a letter or a digit.
    """
    return isinstance(value, str) and bool(_PATH_PART.fullmatch(value))


def check_path_part(value: object, kind: str) -> str:
    """Check that an id can be a single part of a path.

    See is_path_part() for the allowed characters. Use this function for an id
    that need not be a UUID with dashes. For example, the ids of Keystone have
    no dashes.

    :param kind: the kind of the object with this id, for the error message.
        For example "project".
    :returns: the id.
    :raises errors.Rejected: the id cannot be a part of a path.
    """
    if not is_path_part(value):
        raise errors.Rejected(
            '%s is not the id of a %s, which has only letters, digits and '
            'the characters "_.@-"' % (_quote(value), kind))
    return str(value)


def _quote(value: object) -> str:
    # A user may pass any text. A message has at most 80 characters of the
    # text, all of them ASCII.
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + '...'
