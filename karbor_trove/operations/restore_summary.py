# SPDX-License-Identifier: Apache-2.0

"""The reason text that Karbor shows for a successful restore."""

from typing import Any, List, Mapping, Sequence

from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models


def list_changes(request: models.InstanceRequest,
                 original: models.Instance) -> List[str]:
    """Return how the restored instance differs from the original instance.

    Trove does not return some values of the original instance, such as its
    availability zone. If the request has such a value, this value counts as a
    difference.

    :param request: the request that created the restored instance.
    :param original: the original instance, as recorded in the bank.
    :returns: phrases, such as "flavor 2 instead of 1" or "availability zone
        az1".
    """
    changes = []
    for name, option in restore_options.OPTIONS.items():
        value = getattr(request, name)
        # If the request has no value, Trove chooses a value, unless a recorded
        # value is copied.
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
                     notes: Sequence[str] = (), unchecked: Sequence[str] = ()
                     ) -> str:
    """Return the reason text of a restore, one fact per line.

    The most important fact comes first, and the user's description comes last.
    One line lists what differs from the original instance.

    :param instance: the restored instance.
    :param seconds: the seconds from the request until the database was up. The
        wait in the request queue is not included.
    :param request: the request that created the restored instance.
    :param original: the original instance, as recorded in the bank.
    :param description: the user's text for this restore. "" if there is no
        text.
    :param notes: sentences that come before the differences.
    :param unchecked: sentences about what the preflight checks could not
        check.
    """
    lines = ['%s%s is up after %.1f s, from backup %s' % (
        instance.name, ' at %s' % ', '.join(instance.addresses)
        if instance.addresses else '', seconds, request.backup_id)]
    lines.extend(notes)
    changes = list_changes(request, original)
    if changes:
        lines.append('changed: ' + ', '.join(changes))
    lines.extend(unchecked)
    if description:
        lines.append(description)
    return '\n'.join(lines)


def describe_plan(plan: Mapping[str, Any], original: karbor_types.Resource,
                  instance: models.Instance) -> List[str]:
    """Return how to change a plan that names a deleted original instance.

    Without this change, the next checkpoint of the plan fails or leaves the
    instance out.

    :param plan: the plan as it was when the checkpoint was created.
    :param original: the original instance. Trove does not have it any more.
    :param instance: the restored instance, which can replace the original one
        in the plan.
    :returns: a list with one sentence. The list is empty if the plan does not
        name the original instance. For example, a plan of a whole project
        names no instances.
    """
    if not any(resource.get('id') == original.id
               for resource in plan.get('resources') or ()):
        return []
    return ['plan %s still names instance %s, which Trove does not have: '
            'replace it with "karbor plan-update %s --resources %s=%s=%s", '
            'followed by the other resources of the plan' % (
                plan['id'], original.id, plan['id'], instance.id,
                original.type, _plan_name(instance))]


def _plan_name(instance: models.Instance) -> str:
    # Karbor's client splits the value of --resources at "," and "=".
    name = instance.name or ''
    return name if ids.is_path_part(name) else instance.id


def _format(value: object) -> str:
    if isinstance(value, tuple):
        return ' '.join(value) or 'any'
    return 'none' if value is None else str(value)
