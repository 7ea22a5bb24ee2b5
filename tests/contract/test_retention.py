"""Karbor's operation retention_protect with each bank plugin."""

import calendar
import datetime
import itertools
import os
import types

from karbor.api import common
from karbor import resource as karbor_resource
from karbor.services.operationengine.operations import retention_operation
from karbor.services.protection import graph
from karbor.services.protection import manager
from oslo_utils import timeutils
import pytest

from karbor_trove.bank import backup_journal
from tests.contract import conftest
from tests.fake_trove import fixtures

PLAN = {'id': '0ed3ba0f-0d0c-4b44-9a2c-6f6d8a0ed3ba', 'name': 'nightly',
        'provider_id': conftest.PROVIDER_ID, 'resources': []}
NIGHTS = range(1, 41)


class Checkpoints:
    """The part of karborclient that the operation uses, without HTTP.

    It calls the code of Karbor's API and of its protection service.
    """

    def __init__(self, registry, context):
        self._provider = registry.show_provider(conftest.PROVIDER_ID)
        self._service = types.SimpleNamespace(provider_registry=registry)
        self._context = context
        #: The number of the night by the id of its checkpoint.
        self.nights = {}

    def create(self, provider_id, plan_id, extra_info):
        checkpoint = self._provider.get_checkpoint_collection().create(
            dict(PLAN, project_id=self._context.project_id))
        self.nights[checkpoint.id] = len(self.nights) + 1

    def finish(self):
        """Complete the newest checkpoint, as the service does later."""
        checkpoint = self._provider.get_checkpoint([*self.nights][-1])
        self._run_flow('protect', checkpoint)
        checkpoint.status = 'available'
        checkpoint.commit()

    def list(self, provider_id, search_opts, limit, sort):
        [(key, direction)] = sort.items()
        parameters = {'sort': '%s:%s' % (key, direction)}
        if limit is not None:
            parameters['limit'] = limit
        marker, limit, _ = common.get_pagination_params(parameters)
        sort_keys, sort_dirs = common.get_sort_params(parameters)
        return [types.SimpleNamespace(**checkpoint) for checkpoint
                in manager.ProtectionManager.list_checkpoints(
                    self._service, self._context, provider_id, marker, limit,
                    sort_keys, sort_dirs, search_opts)]

    def delete(self, provider_id, checkpoint_id):
        checkpoint = self._provider.get_checkpoint(checkpoint_id)
        self._run_flow('delete', checkpoint)
        checkpoint.delete()

    def _run_flow(self, operation, checkpoint):
        """Do nothing, because the checkpoints have no resources."""


class DatabaseCheckpoints(Checkpoints):
    """Checkpoints whose databases are backed up in Karbor's own flow."""

    def __init__(self, registry, context, run_flow, instance_ids):
        super().__init__(registry, context)
        self._run = run_flow
        self._resources = [karbor_resource.Resource(
            fixtures.RESOURCE_TYPE, id_, 'orders') for id_ in instance_ids]

    @property
    def bank(self):
        return self._provider.bank

    def _run_flow(self, operation, checkpoint):
        if operation == 'protect':
            checkpoint.resource_graph = graph.build_graph(
                self._resources, lambda node: [])
        self._run(operation, checkpoint, provider=self._provider)


class Operation(retention_operation.RetentionProtectOperation):
    """Karbor's operation, without its log in a database."""

    def __init__(self, checkpoints):
        self._checkpoints = checkpoints

    def _create_karbor_client(self, user_id, project_id):
        return types.SimpleNamespace(checkpoints=self._checkpoints)

    def _update_log_when_operation_finished(self, log_ref, state):
        pass


@pytest.fixture
def run_nights(load_providers, store, context, clock, monkeypatch):
    """Return a function that runs the operation in many nights.

    It returns the nights whose checkpoints exist after each night. Each
    directory lists its oldest file first. A file system may use any order.
    """
    walk = os.walk

    def walk_in_order(*arguments, **options):
        for directory, folders, names in walk(*arguments, **options):
            folders.sort()
            names.sort()
            yield directory, folders, names

    def run(bank, max_backups, new_checkpoints=Checkpoints):
        checkpoints = new_checkpoints(load_providers(
            bank=bank, options='unprotectable_databases = skip\n'
            'poll_interval = 0.1'), context)
        operation = Operation(checkpoints)
        for night in NIGHTS:
            clock.sleep(86400)
            now = (datetime.datetime(2026, 1, 1, 2)
                   + datetime.timedelta(days=night))
            monkeypatch.setattr(timeutils, 'utcnow', lambda now=now: now)
            seconds = calendar.timegm(now.timetuple())
            monkeypatch.setattr(timeutils, 'utcnow_ts',
                                lambda seconds=seconds: seconds)
            operation._run(
                {'provider_id': conftest.PROVIDER_ID, 'plan_id': PLAN['id'],
                 'max_backups': max_backups},
                {'project_id': context.project_id}, log_ref=None)
            checkpoints.finish()
            yield sorted(
                checkpoints.nights[checkpoint.id] for checkpoint
                in checkpoints.list(conftest.PROVIDER_ID,
                                    {'plan_id': PLAN['id']}, None,
                                    {'created_at': 'asc'}))

    monkeypatch.setattr(os, 'walk', walk_in_order)
    return run


@pytest.mark.parametrize('max_backups', [1, 3])
@pytest.mark.parametrize('bank', ['karbor-trove-swift-bank-plugin',
                                  'karbor-trove-fs-bank-plugin'])
def test_newest_checkpoints_are_left_after_each_night(
        run_nights, bank, max_backups):
    # Karbor deletes surplus checkpoints while the new one is being created,
    # and does not count the new one.
    assert list(run_nights(bank, max_backups)) == [
        list(range(max(1, night - max_backups), night + 1))
        for night in NIGHTS]


@pytest.mark.parametrize('bank', ['karbor-trove-swift-bank-plugin',
                                  'karbor-trove-fs-bank-plugin'])
def test_last_backup_of_a_broken_database_is_left_after_forty_nights(
        run_nights, run_flow, fake_trove, bank):
    good, broken = [fake_trove.add_instance() for _ in range(2)]
    made = []

    def new_checkpoints(registry, context):
        made.append(DatabaseCheckpoints(registry, context, run_flow,
                                        [good, broken]))
        return made[0]

    def list_nights(instance_id):
        """Return the nights of the backups that Trove has."""
        return sorted((backup['created'] - start) // 86400
                      for backup in fake_trove.backups.values()
                      if backup['instance_id'] == instance_id)

    start = fake_trove.clock.now()
    for night, nights_left in enumerate(run_nights(
            bank, 3, new_checkpoints), 1):
        assert nights_left == list(range(max(1, night - 3), night + 1))
        assert list_nights(good) == nights_left
        assert list_nights(broken) == [
            left for left in range(1, 41) if left <= night and (
                left == 5 and night < 39
                or left in nights_left and not 5 < left < 39)]
        if night == 5:
            fake_trove.instances[broken].update(status='ERROR')
        if night == 38:
            [entry] = backup_journal.BackupJournal(
                made[0].bank, broken).list_entries()
            assert '--backup ' + entry.backup_id in entry.reason
            assert fake_trove.backups[entry.backup_id]['status'] == (
                'COMPLETED')
            fake_trove.instances[broken].update(status='ACTIVE')


@pytest.mark.parametrize('bank', ['karbor-swift-bank-plugin',
                                  'karbor-fs-bank-plugin'])
def test_karbors_own_bank_plugin_still_deletes_the_newest_checkpoints(
        run_nights, bank):
    """The documentation warns of this. Change it if the test fails.

    The operation keeps the first three checkpoints of a list that it requests
    in descending order. Karbor's plugins return ascending order in Swift, and
    the order of the directory in a file system [list_objects in bank_plugins,
    1.6.0].
    """
    assert list(run_nights(bank, 3)) == [
        sorted({*range(1, min(night, 4)), night}) for night in NIGHTS]


@pytest.mark.parametrize('banks', itertools.permutations([
    'karbor-swift-bank-plugin', 'karbor-trove-swift-bank-plugin']),
    ids=' then '.join)
def test_provider_file_can_name_the_other_plugin_of_swift(
        load_providers, store, context, banks):
    first, second = [Checkpoints(load_providers(bank=bank), context)
                     for bank in banks]
    first.create(conftest.PROVIDER_ID, PLAN['id'], None)
    first.finish()
    second.create(conftest.PROVIDER_ID, PLAN['id'], None)
    second.finish()
    for checkpoints in first, second:
        assert {checkpoint.id for checkpoint in checkpoints.list(
            conftest.PROVIDER_ID, {}, None, {'created_at': 'desc'})} == {
                *first.nights, *second.nights}
