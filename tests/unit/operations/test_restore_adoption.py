"""Restores whose request got no response, and instances of the same name."""

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import restore_journal
from tests.fake_trove import fixtures

LOST = [('refused', False), ('reset', False), ('timeout', False),
        (500, False), (503, False), (429, False), ('reset', True),
        ('timeout', True), (503, True)]


@pytest.fixture
def resources(fake_trove, build_resource, make_plugin, checkpoint, context):
    """Two instances that the checkpoint has backups of."""
    resources = [build_resource(fake_trove.add_instance(name=name))
                 for name in ('orders', 'stock')]
    checkpoint.resource_graph = graph.build_graph(
        resources, lambda node: [])
    plugin = make_plugin(poll_interval=1)
    for resource in resources:
        operation = plugin.get_protect_operation(resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint, resource, context, {})
    return resources


@pytest.fixture
def run(resources, make_plugin, checkpoint, context, restore):
    """Return a function that restores a resource in the flow of all."""
    plugin = make_plugin(poll_interval=1)
    parameters = {'restore_name': 'again'}
    restore.parameters = {fixtures.RESOURCE_TYPE: parameters}
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
def before_post(fake_trove):
    """Return a function that sets what happens before the first POST."""
    actions = []
    serve = fake_trove._serve

    def act_and_serve(sent, context):
        if sent.method == 'POST' and actions:
            actions.pop()()
        return serve(sent, context)

    fake_trove._serve = act_and_serve
    fake_trove.attach(fake_trove.mocker)
    return actions.append


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
