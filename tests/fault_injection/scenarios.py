"""Scenarios of the fault matrix: the operations and their preparations.

The command "karbor-trove-manage checkpoint accept" counts as an operation.
"""

import dataclasses
from typing import Any
import uuid

from tests.fault_injection import environment as environments
from tests.fault_injection import timeouts
from tests.functional import api_tenant as tenants

Environment = environments.Environment


@dataclasses.dataclass
class Scenario:
    """An operation that is prepared but not started.

    :param hook: the kind of the operation: 'protect', 'restore', 'verify',
        'delete' or 'accept'.
    :param checkpoint: the checkpoint of the operation.
    :param parameters: parameters of all databases.
    :param each: parameters of single databases, by id.
    :param options: options of the provider besides timeouts.OPTIONS.
    :param longest: maximum duration of the operation in seconds.
    :param fresh: True if Karbor has no service token, as after its start.
    :param others: further checkpoints that the preparation created.
    :param left_out: the database that the checkpoint or the restore leaves
        out. None if all databases are included.
    :param at_once: True if the operation works on all databases at the same
        time. False if it works on one database at a time.
    """

    hook: str
    checkpoint: Any
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    each: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    longest: float = timeouts.LONGEST
    fresh: bool = False
    others: list[Any] = dataclasses.field(default_factory=list)
    left_out: Any = None
    at_once: bool = False

    @property
    def databases(self) -> list[Any]:
        """The databases of the checkpoint that are not left out."""
        return environments.list_resources(self.checkpoint, self.left_out)


def _protect(environment: Environment) -> Scenario:
    return Scenario('protect', environment.new_checkpoint(), fresh=True)


def _protect_incremental(environment: Environment) -> Scenario:
    return Scenario('protect', environment.new_checkpoint(),
                    {'incremental': 'True'})


def _protect_for_test_restores(environment: Environment) -> Scenario:
    return Scenario('protect', environment.new_checkpoint(),
                    options={'verify_level': 'restore'},
                    longest=timeouts.LONGEST_WITH_RECORDING)


def _protect_and_skip(environment: Environment) -> Scenario:
    broken = environment.get_database(environments.BROKEN)
    return Scenario(
        'protect', environment.new_checkpoint(broken, environment.resource),
        options={'unprotectable_databases': 'skip'}, left_out=broken)


def _protect_at_once(environment: Environment) -> Scenario:
    """Prepare a protect operation that waits for two backups together.

    Each backup takes a second longer, so that the operation waits for both
    backups when it polls.
    """
    return Scenario(
        'protect', environment.new_checkpoint(
            environment.resource, environment.get_database('customers')),
        {'backup_name': 'slow-backup-1'}, at_once=True)


def _accept(environment: Environment) -> Scenario:
    """Prepare a checkpoint that failed, and whose backup is complete now."""
    scenario = _protect_and_skip(environment)
    checkpoint = scenario.checkpoint
    result = environment.run(
        'protect', checkpoint, {'backup_name': 'slow-backup-1'},
        **scenario.options, backup_timeout=0.1)
    assert 'raised' in result, 'the backup was complete in time'
    # Karbor sets this status after a failed operation.
    checkpoint.status = 'error'
    checkpoint.commit()
    backup_id = environment.read_record(checkpoint).backup_id
    tenants.wait_for(lambda: environment.list_backups()[
        backup_id]['status'] == 'COMPLETED')
    return dataclasses.replace(scenario, hook='accept')


def _restore(environment: Environment) -> Scenario:
    return Scenario('restore', environment.survivor, {
        'restore_name': f'without-database-{uuid.uuid4()}'}, fresh=True)


def _restore_one(environment: Environment) -> Scenario:
    """Prepare a restore of one of two databases."""
    left_out = environment.get_database('customers')
    return Scenario(
        'restore', environment.create_checkpoint(
            resources=(left_out, environment.resource)),
        {'restore_name': f'without-database-{uuid.uuid4()}'},
        {left_out.id: {'restore_skip': 'True'}}, left_out=left_out)


def _verify(environment: Environment) -> Scenario:
    return Scenario('verify', environment.survivor, fresh=True)


def _verify_data(environment: Environment) -> Scenario:
    options = {'verify_level': 'data'}
    return Scenario('verify', environment.create_checkpoint(**options),
                    options=options)


def _test_restore(environment: Environment) -> Scenario:
    options = {'verify_level': 'restore', **timeouts.OF_TEST_RESTORES}
    return Scenario('verify', environment.create_checkpoint(**options),
                    options=options, longest=timeouts.LONGEST_TEST_RESTORE)


def _verify_and_sweep(environment: Environment) -> Scenario:
    """Prepare a verification that also runs a deferred deletion."""
    deleted = environment.create_checkpoint()
    environment.journal.write(dataclasses.replace(
        environment.journal.read(deleted.id),
        deleted_at='2026-01-01T00:00:00', reason='Trove was unavailable'))
    return Scenario('verify', environment.survivor, others=[deleted])


def _delete(environment: Environment) -> Scenario:
    return Scenario('delete', environment.create_checkpoint(), fresh=True)


def _delete_a_parent(environment: Environment) -> Scenario:
    """Prepare the deletion of a checkpoint whose backup has a child."""
    parent = environment.create_checkpoint()
    child = environment.create_checkpoint({'incremental': 'True'})
    child_id = environment.read_record(child).backup_id
    assert environment.list_backups()[child_id]['parent_id'] == (
        environment.read_record(parent).backup_id)
    return Scenario('delete', parent, others=[child])


def _delete_among_others(environment: Environment) -> Scenario:
    """Prepare the deletion of a parent, with a newer full backup."""
    scenario = _delete_a_parent(environment)
    scenario.others.append(environment.create_checkpoint())
    return scenario


#: The functions that prepare the scenarios, by their names in the matrix.
SCENARIOS = {
    'protect': _protect,
    'protect, incremental': _protect_incremental,
    'protect, for test restores': _protect_for_test_restores,
    'protect, skip': _protect_and_skip,
    'protect, two at once': _protect_at_once,
    'accept': _accept,
    'restore': _restore,
    'restore, one left out': _restore_one,
    'verify': _verify,
    'verify, the data': _verify_data,
    'verify, by a test restore': _test_restore,
    'verify, while a deletion waits': _verify_and_sweep,
    'delete': _delete,
    'delete, of a parent': _delete_a_parent,
}

_BANK_SUFFIX = ', bank in Swift'
#: Scenarios with a bank in Swift. They have cases only for the requests to the
#: bank.
IN_SWIFT = [operation + _BANK_SUFFIX for operation in (
    'protect', 'protect, incremental', 'accept', 'restore', 'verify',
    'delete', 'delete, of a parent')]
SCENARIOS.update((name, SCENARIOS[name.removesuffix(_BANK_SUFFIX)])
                 for name in IN_SWIFT)


#: The deletion of a backup with one child, and with a newer full backup of
#: another checkpoint. Trove lists the newer backup first, then the child, and
#: then the parent.
DELETE_AMONG_OTHERS = 'delete, of a parent, among others'
#: Scenarios that are not in the matrix.
_OTHER_SCENARIOS = {DELETE_AMONG_OTHERS: _delete_among_others}


def prepare(operation: str, environment: Environment) -> Scenario:
    """Prepare a scenario, with the kind of bank that it needs.

    :param operation: the name of the scenario.
    :raises AssertionError: the preparation failed.
    """
    environment.use_bank(environments.SWIFT if operation in IN_SWIFT
                         else environments.FILES)
    return {**SCENARIOS, **_OTHER_SCENARIOS}[operation](environment)


#: Scenarios with few cases, because another scenario sends most of the same
#: requests. The other scenario has the cases for the common requests.
COVERED_BY = {
    'protect, incremental, bank in Swift': 'protect, bank in Swift',
    'accept, bank in Swift': 'protect, bank in Swift',
    'protect, skip': 'protect',
    'delete, of a parent, bank in Swift': 'delete, bank in Swift',
    'protect, for test restores': 'protect',
    'verify, the data': 'verify',
    'verify, by a test restore': 'verify, the data',
}

#: Scenarios that have cases only for some of their requests. The kinds of
#: these requests match one of the patterns, which have the wildcards of a
#: shell. All other scenarios have cases for all of their requests.
ONLY = {
    # The poll that reads both backups. The other requests of the two databases
    # may have another order in each run.
    'protect, two at once': ('trove GET /backups',),
    'restore, one left out': ('trove POST /instances',),
    # The command writes the omission and the indices.
    'accept, bank in Swift': ('swift PUT /karbor//checkpoints/*',
                              'swift PUT /karbor//indices/*'),
}
