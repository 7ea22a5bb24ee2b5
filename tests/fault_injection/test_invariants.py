"""Tests of single invariants without a sandbox."""

import contextlib
import types

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import bank_plugin
import pytest

from karbor_trove.bank import restore_journal
from karbor_trove.bank import verification_journal
from tests.fault_injection import invariants
from tests.fault_injection import scenarios
from tests.functional import api_tenant as tenants
from tests.unit.simulation import in_memory_bank

_DATABASE_ID = '11111111-1111-4111-8111-111111111111'
_CREATED_ID = '22222222-2222-4222-8222-222222222222'
_OTHER_ID = '33333333-3333-4333-8333-333333333333'


@pytest.fixture
def environment():
    """A replacement of environment.Environment with an empty bank."""
    return types.SimpleNamespace(
        database_ids=[_DATABASE_ID],
        bank=bank_plugin.Bank(in_memory_bank.BankPlugin(lambda: None)))


def _protect(*database_ids):
    """Return the scenario of a protect operation on these databases."""
    return scenarios.Scenario('protect', types.SimpleNamespace(resource_graph=[
        types.SimpleNamespace(value=karbor_resource.Resource(
            tenants.TYPE, id_, id_)) for id_ in database_ids]))


def _build_record(id_, instance_id):
    """Return a replacement of Karbor's record of a failed operation."""
    return types.SimpleNamespace(id=id_, resources_status={
        '%s#%s' % (tenants.TYPE, instance_id): 'error'})


def test_an_instance_is_lost_if_only_an_earlier_restore_has_an_entry(
        environment):
    journal = restore_journal.RestoreJournal(environment.bank, _DATABASE_ID)
    journal.write(restore_journal.RestoreEntry(_DATABASE_ID, 'earlier'))
    result = {'restore': _build_record('this', _DATABASE_ID)}
    with pytest.raises(AssertionError, match='the instance is lost'):
        invariants.check_every_restored_instance_is_known(
            environment, {_CREATED_ID}, result)
    journal.write(restore_journal.RestoreEntry(_DATABASE_ID, 'this'))
    invariants.check_every_restored_instance_is_known(
        environment, {_CREATED_ID}, result)


def test_an_instance_in_the_record_of_its_restore_needs_no_entry(environment):
    invariants.check_every_restored_instance_is_known(
        environment, {_CREATED_ID},
        {'restore': _build_record('this', _CREATED_ID)})


def test_a_temporary_instance_is_lost_if_only_an_earlier_entry_exists(
        environment):
    journal = verification_journal.VerificationJournal(
        environment.bank, _DATABASE_ID)
    result = {'verify': _build_record('this', _DATABASE_ID)}
    invariants.check_temporary_instance_is_in_journal(
        environment, set(), result)
    journal.write(verification_journal.TemporaryInstanceEntry(
        'earlier', None, None, '2026-01-01T00:00:00'))
    with pytest.raises(AssertionError, match='the temporary instance is lost'):
        invariants.check_temporary_instance_is_in_journal(
            environment, {_CREATED_ID}, result)
    journal.write(verification_journal.TemporaryInstanceEntry(
        'this', None, None, '2026-01-01T00:00:00'))
    invariants.check_temporary_instance_is_in_journal(
        environment, {_CREATED_ID}, result)


@pytest.mark.parametrize('hook, parameters, status, left_out_status, holds', [
    ('restore', {'restore_skip': 'True'}, 'available', 'undefined', True),
    ('restore', {'restore_skip': 'True'}, 'available', 'error', False),
    ('restore', {'restore_skip': 'True'}, 'restoring', 'undefined', False),
    ('restore', {}, 'available', 'error', True),
    ('restore', {}, 'available', 'undefined', False),
    ('verify', {}, 'available', 'error', True),
    ('verify', {}, 'available', 'undefined', False),
    ('verify', {}, 'error', 'error', False),
])
def test_a_successful_operation_has_no_other_status_in_its_record(
        hook, parameters, status, left_out_status, holds):
    left_out = karbor_resource.Resource(tenants.TYPE, '1', 'customers')
    scenario = scenarios.Scenario(
        hook, None, each={left_out.id: parameters}, left_out=left_out)
    record = types.SimpleNamespace(
        resources_status={tenants.TYPE + '#1': left_out_status,
                          tenants.TYPE + '#2': status},
        resources_reason={tenants.TYPE + '#1': 'left out',
                          tenants.TYPE + '#2': 'a reason'})
    with (contextlib.nullcontext() if holds
          else pytest.raises(AssertionError)):
        invariants.check_end(None, scenario, {hook: record}, False)


@pytest.mark.parametrize('statuses, holds', [
    (['available', 'error'], True), (['error', 'available'], False),
    (['error', 'error'], False), (['available', 'available'], False)])
def test_the_status_of_each_database_matches_its_exception(
        environment, statuses, holds):
    statuses = dict(zip((_DATABASE_ID, _OTHER_ID), statuses))
    environment.get_status = (
        lambda checkpoint, resource: statuses[resource.id])
    error = exception.CreateResourceFailed(
        name='backup', reason='a reason', resource_id=_OTHER_ID,
        resource_type=tenants.TYPE)
    with (contextlib.nullcontext() if holds
          else pytest.raises(AssertionError)):
        invariants.check_end(
            environment, _protect(_DATABASE_ID, _OTHER_ID),
            {'raised': [error]}, False)


@pytest.mark.parametrize('created, holds', [
    ([_DATABASE_ID, _OTHER_ID], True), ([_OTHER_ID], True),
    ([_OTHER_ID, _OTHER_ID], False),
    ([_DATABASE_ID, _OTHER_ID, _OTHER_ID], False),
    ([_CREATED_ID], False)])
def test_each_database_has_at_most_one_new_backup(
        environment, created, holds):
    environment.list_backups = lambda: {
        'earlier': {'instance_id': _DATABASE_ID},
        **{str(number): {'instance_id': id_}
           for number, id_ in enumerate(created)}}
    with (contextlib.nullcontext() if holds
          else pytest.raises(AssertionError, match='more than one backup')):
        invariants.check_nothing_was_created_twice(
            environment, _protect(_DATABASE_ID, _OTHER_ID), {'earlier'},
            set(), [], 0)


@pytest.mark.parametrize('lost_id', [None, _DATABASE_ID, _OTHER_ID])
def test_backups_of_all_databases_of_a_checkpoint_are_needed(
        environment, lost_id):
    ids = {_DATABASE_ID: 'first', _OTHER_ID: 'second'}
    environment.read_record = lambda checkpoint, resource: (
        types.SimpleNamespace(backup_id=ids[resource.id]))
    environment.list_backups = lambda: {
        backup_id: {'status': 'COMPLETED'} for id_, backup_id in ids.items()
        if id_ != lost_id}
    environment.list_object_ids = lambda: set(ids.values())
    checkpoint = _protect(*ids).checkpoint
    with (pytest.raises(AssertionError, match='not in Trove') if lost_id
          else contextlib.nullcontext()):
        invariants.check_live_checkpoints(environment, [checkpoint])
