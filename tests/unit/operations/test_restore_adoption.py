"""Restores whose request got no response, and instances of the same name."""

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from tests.fake_trove import fixtures
from tests.fake_trove import karbor_records

LOST = [('refused', False), ('reset', False), ('timeout', False),
        (500, False), (503, False), (429, False), ('reset', True),
        ('timeout', True), (503, True)]


@pytest.fixture
def resources(fake_trove, build_resource, make_plugin, checkpoint, context):
    """Two instances that the checkpoint has backups of.

    They had the same name when they were backed up.
    """
    resources = [build_resource(fake_trove.add_instance(name='again'))
                 for _ in range(2)]
    checkpoint.resource_graph = graph.build_graph(
        resources, lambda node: [])
    plugin = make_plugin(poll_interval=1)
    for resource in resources:
        operation = plugin.get_protect_operation(resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint, resource, context, {})
    for resource, name in zip(resources, ('orders', 'stock')):
        fake_trove.instances[resource.id]['name'] = name
    return resources


@pytest.fixture
def run(resources, make_plugin, checkpoint, context, restore):
    """Return a function that restores a resource in the flow of all."""
    plugin = make_plugin(poll_interval=1)
    parameters = {}
    operations = [plugin.get_restore_operation(resource)
                  for resource in resources]

    def run_main(number):
        operations[number].on_main(
            checkpoint, resources[number], context, parameters,
            restore=restore, new_resources=run_main.new_resources)
    run_main.new_resources = {}
    for operation, resource in zip(operations, resources):
        operation.on_prepare_begin(checkpoint, resource, context, parameters,
                                   restore=restore)
    return run_main


@pytest.fixture
def run_elsewhere(resources, make_plugin, checkpoint, context):
    """Return a function that restores a resource in a flow of its own.

    It stands for another process of karbor-protection.
    """
    def run(number, name='again'):
        parameters = {'restore_name': name}
        other = karbor_records.new(karbor_records.Restore, context,
                                   checkpoint.id)
        other.parameters = {fixtures.RESOURCE_TYPE: parameters}
        new_resources = {}
        make_plugin(poll_interval=1).get_restore_operation(
            resources[number]).on_main(
            checkpoint, resources[number], context, parameters,
            restore=other, new_resources=new_resources)
        return new_resources[resources[number].id]
    return run


@pytest.fixture
def list_restores(bank, resources):
    """Return a function that lists the entries of the restore journals."""
    return lambda: [entry for resource in resources
                    for entry in restore_journal.RestoreJournal(
                        bank, resource.id).list_entries()]


@pytest.fixture
def list_markers(bank):
    return lambda: list(bank.list_objects('/karbor-trove-restores'))


@pytest.mark.parametrize('result, after', LOST)
def test_restore_never_uses_the_instance_of_its_sibling(
        run, resources, fake_trove, before_post, result, after):
    def restore_sibling():
        run(1)
        fake_trove.fail('POST', '/instances', result, after=after)

    before_post(restore_sibling)
    if after:
        run(0)
        assert len(set(run.new_resources.values())) == 2
    else:
        with pytest.raises(exception.RestoreResourceFailed,
                           match='It may still be created'):
            run(0)
        assert list(run.new_resources) == [resources[1].id]


@pytest.mark.parametrize('result, after', LOST)
@pytest.mark.parametrize('number', [0, 1])
def test_restore_never_uses_the_instance_of_another_process(
        run, run_elsewhere, resources, fake_trove, before_post, result,
        after, number):
    created = []

    def restore_elsewhere():
        created.append(run_elsewhere(number))
        fake_trove.fail('POST', '/instances', result, after=after)

    before_post(restore_elsewhere)
    if after:
        run(0)
        assert {run.new_resources[resources[0].id]}.isdisjoint(created)
    else:
        with pytest.raises(exception.RestoreResourceFailed,
                           match='It may still be created'):
            run(0)
        assert not run.new_resources


def test_trace_of_a_restore_is_deleted_with_the_last_of_its_name(
        run, run_elsewhere, before_post, list_restores, list_markers):
    before_post(lambda: run_elsewhere(1))
    run(0)
    assert not list_restores()
    assert not list_markers()


@pytest.mark.parametrize('name, count', [('again', 1), ('other', 0)])
def test_restore_leaves_a_trace_only_for_an_open_restore_of_its_name(
        run, run_elsewhere, before_post, list_restores, fake_trove, name,
        count):
    traces = []

    def restore_elsewhere():
        run_elsewhere(1, name)
        traces.extend(entry.created_id for entry in list_restores()
                      if entry.created_id)

    before_post(restore_elsewhere)
    run(0)
    assert len(traces) == count
    assert set(traces) <= set(fake_trove.instances)


@pytest.mark.parametrize('fields', [
    {'worker': {'host': 'elsewhere', 'pid': 1, 'started': '1'},
     'time_before_request': '2025-12-31T22:00:00'},
    {'worker': dict(worker_process.current(), pid=0)}])
def test_restore_leaves_no_trace_for_a_restore_that_has_ended(
        run, resources, bank, list_restores, fields):
    journal = restore_journal.RestoreJournal(bank, resources[1].id)
    ended = restore_journal.RestoreEntry(resources[1].id, 'ended', 'again',
                                         **fields)
    journal.write(ended)
    run(0)
    assert list_restores() == [ended]


def test_marker_of_a_closed_restore_is_deleted_by_the_next(
        run, run_elsewhere, resources, bank, list_markers, list_restores):
    journal = restore_journal.RestoreJournal(bank, resources[1].id)
    journal.write(restore_journal.RestoreEntry(
        resources[1].id, 'closed', 'again'))
    journal.delete('closed')
    assert len(list_markers()) == 1
    run(0)
    assert not list_markers() and not list_restores()


def test_trace_stays_while_a_restore_of_its_name_is_open(
        run, run_elsewhere, resources, bank, before_post, list_restores):
    """Three restores: the second one to end leaves a trace as well."""
    journal = restore_journal.RestoreJournal(bank, resources[1].id)
    open_entry = restore_journal.RestoreEntry(
        resources[1].id, 'open', 'again', worker=worker_process.current())
    journal.write(open_entry)
    before_post(lambda: run_elsewhere(1))
    run(0)
    entries = list_restores()
    assert len(entries) == 3
    assert [entry for entry in entries if not entry.created_id] == [
        open_entry]


def test_trace_in_the_bank_has_to_name_an_instance(
        run, resources, bank, fake_trove):
    bank.update_object(
        '/karbor-trove/%s/restores/x' % resources[1].id,
        {'name': 'again', 'created_id': '../../x', 'version': 1})
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    with pytest.raises(exception.RestoreResourceFailed, match='restore x of'):
        run(0)


def test_restore_does_not_use_an_instance_that_an_open_restore_may_own(
        run, resources, fake_trove, bank, restore):
    journal = restore_journal.RestoreJournal(bank, resources[1].id)
    journal.write(restore_journal.RestoreEntry(
        resources[1].id, 'the-other', 'again'))
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    with pytest.raises(
            exception.RestoreResourceFailed, match='but restore the-other of '
            'instance %s may have created it' % resources[1].id):
        run(0)
    assert not run.new_resources
    [entry] = restore_journal.RestoreJournal(
        bank, resources[0].id).list_entries()
    assert (entry.restore_id, entry.name) == (restore.id, 'again')


@pytest.mark.parametrize('name, is_used', [
    ('again', False), (None, False), ('other', True)])
def test_restore_uses_an_instance_unless_an_open_restore_has_its_name(
        run, resources, fake_trove, bank, name, is_used):
    path = '/karbor-trove/%s/restores/x' % resources[1].id
    bank.update_object(path, {'name': name} if name else '{"na')
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    if is_used:
        run(0)
    else:
        with pytest.raises(exception.RestoreResourceFailed):
            run(0)
    assert bool(run.new_resources) == is_used


@pytest.mark.parametrize('seconds, is_used', [(301, False), (299, True)])
def test_restore_uses_no_instance_that_is_5_minutes_older_than_its_request(
        run, fake_trove, clock, before_post, seconds, is_used):
    def create_other():
        fake_trove.fail('POST', '/instances', 'reset')
        other_id = fake_trove.add_instance(name='again')
        fake_trove.instances[other_id]['created'] = clock.now() - seconds

    before_post(create_other)
    if is_used:
        run(0)
    else:
        with pytest.raises(exception.RestoreResourceFailed):
            run(0)
    assert bool(run.new_resources) == is_used


def test_restores_of_a_flow_list_the_instances_once(run, fake_trove):
    before = len(fake_trove.find_requests('GET', '/instances'))
    run(0)
    run(1)
    assert len(fake_trove.find_requests('GET', '/instances')) == before + 1


@pytest.mark.parametrize('path, message', [
    ('/instances', 'because no search succeeded'), ('/x', 'may still be')])
def test_reason_says_whether_the_search_for_an_instance_succeeded(
        run, fake_trove, restore, path, message, before_post):
    def fail():
        fake_trove.fail('POST', '/instances', 'reset')
        fake_trove.fail('GET', path, 503, times=None)

    before_post(fail)
    with pytest.raises(exception.RestoreResourceFailed):
        run(0)
    [reason] = restore.resources_reason.values()
    assert message in reason


@pytest.mark.parametrize('saves, is_kept', [(0, False), (1000, True)])
def test_journal_keeps_a_restore_that_karbor_has_no_record_of(
        run, resources, bank, restore, monkeypatch, saves, is_kept):
    save = restore.save

    def fail():
        nonlocal saves
        saves -= 1
        if saves >= 0:
            raise ConnectionError('the database is away')
        save()

    monkeypatch.setattr(type(restore), 'save', lambda self: fail())
    run(0)
    assert list(run.new_resources) == [resources[0].id]
    assert bool(restore_journal.RestoreJournal(
        bank, resources[0].id).list_entries()) == is_kept


def test_reason_of_a_restore_names_the_plan_of_a_lost_instance(
        run, resources, checkpoint, restore, fake_trove):
    checkpoint.protection_plan['resources'] = [
        resource.to_dict() for resource in resources]
    del fake_trove.instances[resources[0].id]
    run(0)
    run(1)
    lost, existing = restore.resources_reason.values()
    assert 'karbor plan-update %s --resources %s=OS::Trove::Instance=again' % (
        checkpoint.protection_plan['id'],
        run.new_resources[resources[0].id]) in lost
    assert 'plan-update' not in existing
