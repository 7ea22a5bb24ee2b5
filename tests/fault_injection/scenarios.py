"""What is prepared for each operation, and then done."""

import dataclasses
from typing import Any
import uuid

from tests.fault_injection import environment as lanes
from tests.fault_injection import timeouts


@dataclasses.dataclass
class Scene:
    """An operation that is about to begin.

    :param options: of the provider, beside those that all have.
    :param longest: seconds that it may take.
    :param fresh: whether Karbor has just started, and asks Keystone too.
    :param others: checkpoints made for it, beside the one it is about.
    """

    hook: str
    checkpoint: Any
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    longest: float = timeouts.LONGEST
    fresh: bool = False
    others: list[Any] = dataclasses.field(default_factory=list)


def _protect(lane: lanes.Lane) -> Scene:
    return Scene('protect', lane.new_checkpoint(), fresh=True)


def _protect_incremental(lane: lanes.Lane) -> Scene:
    return Scene('protect', lane.new_checkpoint(), {'incremental': 'True'})


def _protect_for_test_restores(lane: lanes.Lane) -> Scene:
    return Scene('protect', lane.new_checkpoint(),
                 options={'verify_level': 'restore'},
                 longest=timeouts.LONGEST_WITH_RECORDING)


def _restore(lane: lanes.Lane) -> Scene:
    return Scene('restore', lane.survivor, {
        'restore_name': f'without-database-{uuid.uuid4()}'}, fresh=True)


def _verify(lane: lanes.Lane) -> Scene:
    return Scene('verify', lane.survivor, fresh=True)


def _verify_data(lane: lanes.Lane) -> Scene:
    options = {'verify_level': 'data'}
    return Scene('verify', lane.protected(**options), options=options)


def _test_restore(lane: lanes.Lane) -> Scene:
    options = {'verify_level': 'restore', **timeouts.OF_TEST_RESTORES}
    return Scene('verify', lane.protected(**options), options=options,
                 longest=timeouts.LONGEST_TEST_RESTORE)


def _verify_and_sweep(lane: lanes.Lane) -> Scene:
    deleted = lane.protected()
    lane.journal.write(dataclasses.replace(
        lane.journal.read(deleted.id), deleted_at='2026-01-01T00:00:00',
        reason='Trove was away'))
    return Scene('verify', lane.survivor, others=[deleted])


def _delete(lane: lanes.Lane) -> Scene:
    return Scene('delete', lane.protected(), fresh=True)


def _delete_a_parent(lane: lanes.Lane) -> Scene:
    parent = lane.protected()
    child = lane.protected({'incremental': 'True'})
    assert lane.backups()[lane.kept(child).backup_id]['parent_id'] == (
        lane.kept(parent).backup_id)
    return Scene('delete', parent, others=[child])


#: Name in the matrix -> how it is prepared.
SCENES = {
    'protect': _protect,
    'protect, incremental': _protect_incremental,
    'protect, for test restores': _protect_for_test_restores,
    'restore': _restore,
    'verify': _verify,
    'verify, the data': _verify_data,
    'verify, by a test restore': _test_restore,
    'verify, while a deletion waits': _verify_and_sweep,
    'delete': _delete,
    'delete, of a parent': _delete_a_parent,
}

_WITH_A_BANK = ', bank in Swift'
#: The operations of which the requests to the bank have cells.
IN_SWIFT = [operation + _WITH_A_BANK for operation in (
    'protect', 'protect, incremental', 'restore', 'verify', 'delete',
    'delete, of a parent')]
SCENES.update((name, SCENES[name.removesuffix(_WITH_A_BANK)])
              for name in IN_SWIFT)


def prepare(operation: str, lane: lanes.Lane) -> Scene:
    """Prepare an operation, with a bank where it has to be."""
    lane.use_bank(lanes.SWIFT if operation in IN_SWIFT else lanes.FILES)
    return SCENES[operation](lane)


#: Operation -> the one that has the cells of all requests that both make.
LIKE = {
    'protect, incremental, bank in Swift': 'protect, bank in Swift',
    'delete, of a parent, bank in Swift': 'delete, bank in Swift',
    'protect, for test restores': 'protect',
    'verify, the data': 'verify',
    'verify, by a test restore': 'verify, the data',
}
