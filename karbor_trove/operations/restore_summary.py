# SPDX-License-Identifier: Apache-2.0

"""Reason text of a successful restore."""

from typing import List, Sequence

from karbor_trove.parameters import restore_options
from karbor_trove.trove import models


def list_changes(request: models.InstanceRequest,
                 original: models.Instance) -> List[str]:
    """Return the differences from the original that are known."""
    changes = []
    for name, option in restore_options.OPTIONS.items():
        value = getattr(request, name)
        # Without a value Trove chooses one, unless a recorded one is copied.
        if option.label is None or value is None and not option.copied_from:
            continue
        attribute = option.copied_from or option.compared_with
        if attribute is None:
            changes.append('%s %s' % (option.label, value))
        elif _format(value) != _format(getattr(original, attribute)):
            changes.append('%s %s instead of %s' % (
                option.label, _format(value),
                _format(getattr(original, attribute))))
    return changes


def describe_restore(instance: models.Instance, seconds: float,
                     request: models.InstanceRequest,
                     original: models.Instance, description: str,
                     unchecked: Sequence[str] = ()) -> str:
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
