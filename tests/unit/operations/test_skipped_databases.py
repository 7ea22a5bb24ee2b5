"""Checkpoints that leave out the databases that cannot be backed up."""

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import omissions
from karbor_trove.bank import resource_status
from karbor_trove.bank import storage
from tests.fake_trove import fixtures
from tests.fake_trove import karbor_records

TYPE = fixtures.RESOURCE_TYPE
FAILURES = (exception.CreateResourceFailed, exception.RestoreResourceFailed,
            exception.VerifyResourceFailed)


class Plan:
    """Databases that are protected together, night after night."""

    def __init__(self, make_plugin, new_checkpoint, fake_trove, context,
                 build_resource, count):
        self._make_plugin = make_plugin
        self._new_checkpoint = new_checkpoint
        self._trove = fake_trove
        self._context = context
        self._build_resource = build_resource
        self.ids = [fake_trove.add_instance() for _ in range(count)]

    def protect(self, **options):
        """Return the checkpoint, and the errors of the databases by id."""
        checkpoint = self._new_checkpoint()
        checkpoint.resource_graph = graph.build_graph(
            list(map(self._build_resource, self.ids)), lambda node: [])
        return checkpoint, self.run('protect', checkpoint, **options)

    def run(self, kind, checkpoint, record=None, level='backup', **options):
        """Run an operation on all databases, and return the errors by id."""
        plugin = self._make_plugin(
            poll_interval=1, verify_level=level,
            **{'unprotectable_databases': 'skip', **options})
        resources = list(map(self._build_resource, self.ids))
        operations = [getattr(plugin, 'get_%s_operation' % kind)(resource)
                      for resource in resources]
        errors = {}
        for hook in 'on_prepare_begin', 'on_main':
            for resource, operation in zip(resources, operations):
                arguments = dict(checkpoint=checkpoint, resource=resource,
                                 context=self._context, parameters={})
                if record is not None:
                    arguments.update({kind: record, 'new_resources': {}})
                try:
                    if resource.id not in errors:
                        getattr(operation, hook)(**arguments)
                except FAILURES as error:
                    errors[resource.id] = error
        return errors

    def list_statuses(self, checkpoint):
        return [checkpoint.get_resource_bank_section(id_).get_object('status')
                for id_ in self.ids]

    def read_reason(self, checkpoint, id_):
        """Return why a checkpoint left out a database."""
        section = checkpoint.get_resource_bank_section(id_)
        omission = omissions.read(section, id_)
        assert omission.checkpoint_id == checkpoint.id
        assert omission.reason == resource_status.read_failure_reason(section)
        return omission.reason

    def delete(self, checkpoint):
        assert not self.run('delete', checkpoint)

    def list_backups(self, id_):
        return [backup['id'] for backup in self._trove.backups.values()
                if backup['instance_id'] == id_]


@pytest.fixture
def new_plan(make_plugin, new_checkpoint, fake_trove, context,
             build_resource):
    return lambda count=3: Plan(make_plugin, new_checkpoint, fake_trove,
                                context, build_resource, count)


@pytest.fixture
def plan(new_plan):
    return new_plan()


def break_status(trove, id_):
    trove.instances[id_].update(status='ERROR', fault='No valid host')


def join_cluster(trove, id_):
    trove.instances[id_]['cluster_id'] = 'ring'


def delete_instance(trove, id_):
    del trove.instances[id_]


UNPROTECTABLE = {
    'has the status ERROR: No valid host': break_status,
    'has the status SHUTDOWN':
        lambda trove, id_: trove.lose_server(id_),
    'is a member of cluster ring': join_cluster,
    'cannot be found': delete_instance,
    'was deleted before its backup began':
        lambda trove, id_: trove.start_deletion(id_, 60)}


@pytest.mark.parametrize('reason', UNPROTECTABLE)
def test_database_that_cannot_be_backed_up_is_left_out(
        plan, fake_trove, context, caplog, reason):
    out = plan.ids[1]
    UNPROTECTABLE[reason](fake_trove, out)
    checkpoint, errors = plan.protect()
    assert not errors
    assert plan.list_statuses(checkpoint) == ['available', 'error',
                                              'available']
    assert reason in plan.read_reason(checkpoint, out)
    assert {backup['instance_id'] for backup in fake_trove.backups.values()
            } == {plan.ids[0], plan.ids[2]}
    [warning] = [record.getMessage() for record in caplog.records
                 if record.levelname == 'WARNING'
                 and 'has no backup' in record.getMessage()]
    assert reason in warning and out in warning


@pytest.mark.parametrize('level', ['backup', 'data', 'restore'])
def test_verification_reports_only_the_left_out_database(
        plan, fake_trove, context, level):
    break_status(fake_trove, plan.ids[1])
    checkpoint, _ = plan.protect(level=level)
    verify = karbor_records.new(karbor_records.Verification, context,
                                checkpoint.id)
    assert not plan.run('verify', checkpoint, verify, level=level)
    assert [verify.resources_status['%s#%s' % (TYPE, id_)]
            for id_ in plan.ids] == ['available', 'error', 'available']
    assert verify.resources_reason['%s#%s' % (TYPE, plan.ids[1])] == (
        'not verified: ' + plan.read_reason(checkpoint, plan.ids[1]))


def test_restore_restores_the_others(plan, fake_trove, context):
    break_status(fake_trove, plan.ids[1])
    checkpoint, _ = plan.protect()
    restore = karbor_records.new(karbor_records.Restore, context,
                                 checkpoint.id)
    assert not plan.run('restore', checkpoint, restore)
    assert len(fake_trove.find_requests('POST', '/instances')) == 2
    assert restore.resources_status.pop('%s#%s' % (TYPE, plan.ids[1])
                                        ) == 'error'
    assert set(restore.resources_status.values()) == {'available'}
    assert restore.resources_reason['%s#%s' % (TYPE, plan.ids[1])] == (
        'not restored: ' + plan.read_reason(checkpoint, plan.ids[1]))


def test_deletion_leaves_nothing_of_an_omission(plan, fake_trove, bank):
    break_status(fake_trove, plan.ids[1])
    checkpoint, _ = plan.protect()
    plan.delete(checkpoint)
    assert not fake_trove.backups
    section = checkpoint.get_resource_bank_section(plan.ids[1])
    assert set(section.list_objects()) == {'status', 'worker'}
    assert not storage.list_keys(bank.get_sub_section('/karbor-trove/'))


def test_checkpoint_that_would_leave_out_all_databases_fails(
        plan, fake_trove):
    for id_, reason in zip(plan.ids, UNPROTECTABLE):
        UNPROTECTABLE[reason](fake_trove, id_)
    checkpoint, errors = plan.protect()
    assert [reason in str(errors[id_]) for id_, reason
            in zip(plan.ids, UNPROTECTABLE)] == [True] * 3
    assert not fake_trove.find_requests('POST')
    assert not omissions.read(
        checkpoint.get_resource_bank_section(plan.ids[0]), plan.ids[0])


@pytest.mark.parametrize('reason', UNPROTECTABLE)
def test_checkpoint_of_one_database_fails(new_plan, fake_trove, reason):
    plan = new_plan(1)
    UNPROTECTABLE[reason](fake_trove, plan.ids[0])
    _, errors = plan.protect()
    assert reason.replace('cannot be found', 'was deleted') in str(
        errors[plan.ids[0]]) or reason in str(errors[plan.ids[0]])


def test_quota_that_does_not_suffice_for_the_others_is_refused(
        plan, fake_trove):
    break_status(fake_trove, plan.ids[1])
    fake_trove.quotas['backups'] = 1
    _, errors = plan.protect()
    assert errors.keys() == set(plan.ids)
    for error in errors.values():
        assert 'this protect needs 2 and 1 of 1 are left' in str(error)
    assert 'No valid host' in str(errors[plan.ids[1]])
    assert not fake_trove.backups


def test_quota_that_suffices_for_the_others_is_accepted(plan, fake_trove):
    break_status(fake_trove, plan.ids[1])
    fake_trove.quotas['backups'] = 2
    assert not plan.protect()[1]


def test_outage_leaves_out_nothing(plan, fake_trove):
    fake_trove.fail('*', '*', 'refused', times=None)
    _, errors = plan.protect(ready_timeout=100)
    assert len(errors) == 3


def test_failed_backup_fails_the_checkpoint(plan, fake_trove):
    fake_trove.next_backup('FAILED')
    checkpoint, errors = plan.protect()
    assert list(errors) == [plan.ids[0]]
    assert not omissions.read(
        checkpoint.get_resource_bank_section(plan.ids[0]), plan.ids[0])


def test_refuse_is_the_default(plan, fake_trove):
    break_status(fake_trove, plan.ids[1])
    _, errors = plan.protect(unprotectable_databases='refuse')
    assert len(errors) == 3
    assert not fake_trove.find_requests('POST')


@pytest.fixture
def change_before_backup(fake_trove):
    """Return a function that sets what happens before the first backup.

    The fake Trove then checks the request as usual.
    """
    actions = []
    create = fake_trove._on_backups.create

    def act_and_create(project_id, body):
        while actions:
            actions.pop()(fake_trove, body['backup']['instance'])
        return create(project_id, body)

    fake_trove._on_backups.create = act_and_create
    return actions.append


@pytest.mark.parametrize('change, reason', [
    (break_status, 'has the status ERROR'),
    (delete_instance, 'was deleted before its backup began'),
    (join_cluster, 'part of a cluster')])
def test_database_that_changes_before_its_backup_is_left_out(
        plan, fake_trove, change_before_backup, bank, change, reason):
    change_before_backup(change)
    checkpoint, errors = plan.protect()
    assert not errors
    assert reason in plan.read_reason(checkpoint, plan.ids[0])
    assert len(fake_trove.backups) == 2
    section = checkpoint.get_resource_bank_section(plan.ids[0])
    assert 'metadata' not in section.list_objects()
    assert not backup_journal.BackupJournal(
        bank, plan.ids[0]).list_entries()


@pytest.mark.parametrize('option', ['skip', 'refuse'])
def test_database_of_a_datastore_without_backups(plan, fake_trove, option):
    fake_trove.fail('POST', '/backups', 501)
    checkpoint, errors = plan.protect(unprotectable_databases=option)
    assert list(errors) == (plan.ids[:1] if option == 'refuse' else [])
    if option == 'skip':
        assert 'HTTP 501' in plan.read_reason(checkpoint, plan.ids[0])


def test_last_database_that_would_be_left_out_fails_the_checkpoint(
        plan, fake_trove):
    fake_trove.fail('POST', '/backups', 501, times=3)
    checkpoint, errors = plan.protect()
    assert list(errors) == plan.ids[2:]
    assert str(errors[plan.ids[2]]).count('HTTP 501') == 3


def test_request_that_trove_answers_with_404_fails_if_the_instance_exists(
        plan, fake_trove):
    fake_trove.fail('POST', '/backups', 404)
    _, errors = plan.protect()
    assert list(errors) == plan.ids[:1]


def test_corrupt_omission_has_the_reason_of_the_failure(plan, fake_trove):
    break_status(fake_trove, plan.ids[1])
    checkpoint, _ = plan.protect()
    section = checkpoint.get_resource_bank_section(plan.ids[1])
    reason = omissions.find_left_out_reason(section, plan.ids[1])
    section.update_object('omission', '{"rea')
    assert omissions.find_left_out_reason(section, plan.ids[1]) == reason


# Retention.


def test_last_backup_stays_while_later_checkpoints_leave_the_database_out(
        plan, fake_trove, clock, bank):
    broken = plan.ids[1]
    nights = [plan.protect()[0] for _ in range(2)]
    [_, last] = plan.list_backups(broken)
    break_status(fake_trove, broken)
    for _ in range(40):
        clock.sleep(86400)
        checkpoint, errors = plan.protect()
        assert not errors
        nights.append(checkpoint)
        if len(nights) > 3:
            plan.delete(nights.pop(0))
    assert plan.list_backups(broken) == [last]
    assert len(fake_trove.backups) == 1 + 2 * 3
    [entry] = backup_journal.BackupJournal(bank, broken).list_entries()
    assert entry.reason.startswith(
        'it is the last complete backup of the instance, and later '
        'checkpoints left the instance out')
    assert '--backup ' + last in entry.reason

    # The instance is repaired.
    fake_trove.instances[broken]['status'] = 'ACTIVE'
    clock.sleep(86400)
    plan.protect()
    assert last not in plan.list_backups(broken)
    assert len(plan.list_backups(broken)) == 1


def test_last_backup_is_deleted_with_the_last_checkpoint_that_left_it_out(
        plan, fake_trove, clock):
    good, _ = plan.protect()
    break_status(fake_trove, plan.ids[1])
    nights = []
    for _ in range(2):
        clock.sleep(86400)
        nights.append(plan.protect()[0])
    plan.delete(good)
    plan.delete(nights[0])
    assert plan.list_backups(plan.ids[1])
    plan.delete(nights[1])
    assert not fake_trove.backups


def test_newest_checkpoint_is_deleted_first(plan, fake_trove, clock):
    good = []
    for _ in range(3):
        good.append(plan.protect()[0])
        clock.sleep(86400)
    backups = plan.list_backups(plan.ids[1])
    break_status(fake_trove, plan.ids[1])
    plan.protect()
    for checkpoint in reversed(good):
        plan.delete(checkpoint)
    assert plan.list_backups(plan.ids[1]) == backups[2:]


def test_backup_after_the_omission_is_deleted(plan, fake_trove, clock):
    break_status(fake_trove, plan.ids[1])
    plan.protect()
    clock.sleep(86400)
    fake_trove.instances[plan.ids[1]]['status'] = 'ACTIVE'
    checkpoint, _ = plan.protect()
    plan.delete(checkpoint)
    assert not plan.list_backups(plan.ids[1])


def test_backup_is_kept_if_the_newer_one_cannot_be_restored(
        plan, fake_trove, clock):
    good, _ = plan.protect()
    [backup] = plan.list_backups(plan.ids[1])
    clock.sleep(86400)
    plan.protect()
    [newer] = set(plan.list_backups(plan.ids[1])) - {backup}
    fake_trove.backups[newer]['status'] = 'FAILED'
    break_status(fake_trove, plan.ids[1])
    clock.sleep(86400)
    plan.protect()
    plan.delete(good)
    assert backup in plan.list_backups(plan.ids[1])


def test_bank_requests_of_a_delete_do_not_grow_with_the_omissions(
        plan, fake_trove, clock, bank, monkeypatch):
    plugin = bank._plugin
    calls = []
    for name in 'get_object', 'list_objects', 'update_object':
        original = getattr(plugin, name)
        monkeypatch.setattr(
            plugin, name, lambda *args, original=original, **kw: (
                calls.append(args), original(*args, **kw))[1])

    def count_delete(nights):
        checkpoint, _ = plan.protect()
        fake_trove.instances[plan.ids[1]]['status'] = 'ERROR'
        for _ in range(nights):
            clock.sleep(86400)
            plan.protect()
        calls.clear()
        plan.delete(checkpoint)
        count = len(calls)
        fake_trove.instances[plan.ids[1]]['status'] = 'ACTIVE'
        clock.sleep(86400)
        return count

    # A sweep checks five markers at most.
    for _ in range(6):
        plan.protect()
    assert count_delete(2) == count_delete(15)
