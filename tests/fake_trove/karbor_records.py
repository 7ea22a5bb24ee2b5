"""Karbor's records of a restore and of a verification, without a database.

Everything but save() is Karbor's own.
"""

import typing
import uuid

from karbor import context as karbor_context
from karbor import objects

objects.register_all()


class _Recorded:
    """Keeps what each save() would have written."""

    saved: typing.List[typing.Dict[str, typing.Any]]

    def save(self) -> None:
        changes = self.karbor_obj_get_changes()  # type: ignore
        if changes:
            self.saved.append({key: dict(value) if isinstance(value, dict)
                               else value for key, value in changes.items()})
            self.obj_reset_changes()  # type: ignore


class Restore(_Recorded, objects.Restore):
    """A restore's record; its fields are what has been saved or will be."""


class Verification(_Recorded, objects.Verification):
    """A verification's record, in the same way."""


def new(kind: type, context: karbor_context.RequestContext,
        checkpoint_id: str, **fields: typing.Any) -> typing.Any:
    """A record as Karbor hands it to a plugin's hook."""
    record = kind(context=context, id=str(uuid.uuid4()),
                  project_id=str(uuid.UUID(context.project_id)),
                  provider_id=str(uuid.uuid4()), checkpoint_id=checkpoint_id,
                  status='started', parameters={}, **fields)
    record.obj_reset_changes()
    record.saved = []
    return record
