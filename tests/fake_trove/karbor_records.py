"""Karbor's records of restores and verifications, without a database.

Only the method save() differs from Karbor's own classes.
"""

import re
import typing
import uuid

from karbor import context as karbor_context
from karbor import objects

objects.register_all()


class _SaveRecorder:
    """Base class whose save() records the changes instead of writing them."""

    #: The changes that each save() would have written, in order.
    saved: typing.List[typing.Dict[str, typing.Any]]

    def save(self) -> None:
        changes = self.karbor_obj_get_changes()  # type: ignore
        if changes:
            self.saved.append({key: dict(value) if isinstance(value, dict)
                               else value for key, value in changes.items()})
            self.obj_reset_changes()  # type: ignore


class Restore(_SaveRecorder, objects.Restore):
    """The record of a restore. Its fields may have unsaved changes."""


class Verification(_SaveRecorder, objects.Verification):
    """The record of a verification. Its fields may have unsaved changes."""


def split_reason(reason: str) -> typing.List[str]:
    """Return the sentences of a reason in Karbor's record."""
    return re.split(';?\n', reason)


def new(kind: type, context: karbor_context.RequestContext,
        checkpoint_id: str, **fields: typing.Any) -> typing.Any:
    """Return a new record, as Karbor passes it to a hook of a plugin.

    :param kind: Restore or Verification.
    :param fields: further fields of the record.
    """
    record = kind(context=context, id=str(uuid.uuid4()),
                  project_id=str(uuid.UUID(context.project_id)),
                  provider_id=str(uuid.uuid4()), checkpoint_id=checkpoint_id,
                  status='started', parameters={}, **fields)
    record.obj_reset_changes()
    record.saved = []
    return record
