"""Configuration groups that a restore creates in place of deleted ones."""

import threading

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import record
from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from tests.fake_trove import cloud as clouds
from tests.fake_trove import karbor_records

TYPE = 'OS::Trove::Instance'
GROUP = '33333333-4444-4555-8666-777777777777'
VALUES = {'max_connections': 77, 'work_mem': '8MB'}
PARAMETERS = {'restore_configuration_id': 'recreate'}


@pytest.fixture
def group(fake_trove):
    fake_trove.configurations[GROUP] = {
        'name': 'tuned', 'values': VALUES, 'description': 'of the team'}
    return fake_trove.configurations[GROUP]


@pytest.fixture
def resources(plugin, fake_trove, checkpoint, context, build_resource, group):
    """Protect two instances with one configuration group. Delete them."""
    resources = [build_resource(fake_trove.add_instance(
        name=name, configuration_id=GROUP)) for name in ('orders', 'stock')]
    for resource in resources:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    checkpoint.resource_graph = graph.build_graph(resources, lambda node: [])
    fake_trove.instances.clear()
    return resources


@pytest.fixture
def arguments(checkpoint, context, restore):
    return dict(checkpoint=checkpoint, context=context, restore=restore,
                parameters=PARAMETERS, new_resources={})


@pytest.fixture
def run(plugin, resources, arguments, restore):
    """Return a function that restores the instances.

    It returns the sentences of the reason of each instance.
    """
    def run(count=2, fails=False):
        restore.parameters = {TYPE: PARAMETERS}
        operations = [plugin.get_restore_operation(resource)
                      for resource in resources[:count]]
        for hook in 'on_prepare_begin', 'on_main':
            for operation, resource in zip(operations, resources):
                if fails and (hook == 'on_main' or fails == 'preflight'):
                    with pytest.raises(exception.RestoreResourceFailed):
                        getattr(operation, hook)(resource=resource,
                                                 **arguments)
                else:
                    getattr(operation, hook)(resource=resource, **arguments)
            if fails == 'preflight':
                break
        return [karbor_records.split_reason(reason)
                for reason in restore.resources_reason.values()]
    return run


@pytest.fixture
def journal(bank, resources):
    return restore_journal.ConfigurationJournal(bank, resources[0].id)


def find_new(fake_trove):
    """Return the id and the state of the only group."""
    [(id_, group)] = fake_trove.configurations.items()
    return id_, group


def describe(group_id):
    return ('configuration group %s "tuned" was created in place of %s'
            % (group_id, GROUP))


def test_protect_records_the_values_of_the_group(resources, checkpoint):
    for resource in resources:
        section = checkpoint.get_resource_bank_section(resource.id)
        group = record.read(section, resource.id).configuration
        assert (group.id, group.name, group.datastore,
                group.datastore_version) == (GROUP, 'tuned', 'postgresql',
                                             '18')
        assert group.values == VALUES


@pytest.mark.parametrize('code', [403, 404, 503])
def test_protect_succeeds_if_trove_does_not_return_the_group(
        protect, fake_trove, resource, group, section, caplog, code):
    fake_trove.instances[resource.id].update(configuration_id=GROUP)
    fake_trove.fail('GET', '/configurations/*', code, times=None)
    protect()
    written = record.read(section, resource.id)
    assert written.configuration is None
    assert written.instance.configuration_id == GROUP
    assert 'The values of configuration group %s' % GROUP in caplog.text


def test_values_that_look_like_passwords_are_not_in_the_bank(
        protect, fake_trove, resource, group, section):
    fake_trove.masks_values = False
    group['values'] = dict(VALUES, password_encryption='md5')
    fake_trove.instances[resource.id].update(configuration_id=GROUP)
    protect()
    assert section.get_object('metadata')['configuration']['values'] == dict(
        VALUES, password_encryption='***')


def test_group_that_exists_is_used(run, fake_trove):
    reasons = run()
    assert list(fake_trove.configurations) == [GROUP]
    assert {instance['configuration_id']
            for instance in fake_trove.instances.values()} == {GROUP}
    assert not fake_trove.find_requests('POST', '/configurations')
    assert GROUP not in str(reasons)


def test_two_instances_share_the_group_that_replaces_theirs(
        run, fake_trove, restore, journal):
    fake_trove.configurations.clear()
    reasons = run()
    id_, group = find_new(fake_trove)
    assert (group['name'], group['values']) == ('tuned', VALUES)
    assert (group['datastore_name'], group['datastore_version_name']) == (
        'postgresql', '18')
    assert group['description'] == (
        'created by restore %s of Karbor in place of %s' % (
            restore.id, GROUP))
    assert {instance['configuration_id']
            for instance in fake_trove.instances.values()} == {id_}
    assert all(describe(id_) in sentences for sentences in reasons)
    assert all('changed: configuration group %s instead of %s' % (
        id_, GROUP) in sentences for sentences in reasons)
    assert not journal.list_keys()


def test_group_is_in_the_record_while_the_instance_is_built(
        run, fake_trove, restore, clock, journal, monkeypatch):
    fake_trove.configurations.clear()
    states = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        states.append((list(restore.saved[-1]['resources_reason'].values()),
                       journal.list_keys())), sleep(seconds)))
    run(count=1)
    id_, _ = find_new(fake_trove)
    assert states[0] == ([describe(id_)], [])


def test_group_is_in_the_bank_before_the_request_and_its_id_after_it(
        run, fake_trove, restore, resources, journal, before_post,
        monkeypatch):
    fake_trove.configurations.clear()
    entries = []
    before_post(lambda: entries.append(journal.read(restore.id)))
    save = restore.save
    monkeypatch.setattr(type(restore), 'save', lambda self: (
        entries.append(journal.read(restore.id)), save()))
    run(count=1)
    before, after = entries[:2]
    assert before.name == after.name == 'tuned'
    assert before.instance_id == resources[0].id
    assert before.project_id == clouds.PROJECT
    assert before.time_before_request
    assert before.worker == worker_process.current()
    assert before.created_id is None
    assert after.created_id == find_new(fake_trove)[0]


def test_group_of_a_restore_that_fails_is_in_its_reason(
        run, fake_trove, journal):
    fake_trove.configurations.clear()
    fake_trove.next_instance('ERROR', fault='No valid host was found')
    [sentences] = run(count=1, fails=True)
    id_, _ = find_new(fake_trove)
    assert sentences[0].endswith('No valid host was found')
    assert sentences[-1] == describe(id_) + ', and stays until you delete it'
    assert not journal.list_keys()


def test_group_of_a_restore_that_trove_rejects_is_in_its_reason(
        run, fake_trove, journal):
    fake_trove.configurations.clear()
    fake_trove.fail('POST', '/instances', 403, times=None)
    first, second = run(fails=True)
    id_, _ = find_new(fake_trove)
    assert first[-1] == second[-1] == (
        describe(id_) + ', and stays until you delete it')
    assert not journal.list_keys()


def test_entry_stays_until_the_record_has_the_group(
        run, fake_trove, restore, journal, monkeypatch):
    def save(self):
        raise ConnectionError('the database is away')

    fake_trove.configurations.clear()
    monkeypatch.setattr(type(restore), 'save', save)
    run(count=1)
    assert journal.read(restore.id).created_id == find_new(fake_trove)[0]


def test_group_of_a_lost_response_is_found(run, fake_trove, journal):
    fake_trove.configurations.clear()
    # Their names do not matter, and the list has several pages.
    for number in range(30):
        fake_trove.configurations['%08d' % number] = {
            'name': 'tuned', 'description': 'of the team'}
    fake_trove.fail('POST', '/configurations', 'reset', after=True)
    run()
    [new] = {instance['configuration_id']
             for instance in fake_trove.instances.values()}
    assert fake_trove.configurations[new]['values'] == VALUES
    assert len(fake_trove.configurations) == 31
    assert not journal.list_keys()


def test_group_that_may_exist_is_named_and_not_requested_again(
        run, fake_trove, restore, journal):
    fake_trove.configurations.clear()
    fake_trove.fail('POST', '/configurations', 'reset')
    for sentences in run(fails=True):
        assert ('configuration group "tuned", created by restore %s of Karbor '
                'in place of %s' % (restore.id, GROUP)) in sentences[0]
        assert 'It may still be created' in sentences[0]
    assert len(fake_trove.find_requests('POST', '/configurations')) == 1
    assert not fake_trove.find_requests('POST', '/instances')
    entry = journal.read(restore.id)
    assert entry.name == 'tuned' and entry.created_id is None


def test_group_that_trove_rejects_leaves_no_entry(run, fake_trove, journal):
    fake_trove.configurations.clear()
    del fake_trove.parameters['work_mem']
    for sentences in run(fails=True):
        assert 'work_mem is not supported' in sentences[0]
        assert len(sentences) == 1
    assert not fake_trove.find_requests('POST', '/instances')
    assert not journal.list_keys()


def test_bank_that_fails_lets_no_group_be_requested(
        run, fake_trove, bank, monkeypatch):
    fake_trove.configurations.clear()
    update = bank._plugin.update_object

    def fail(key, *args, **kwargs):
        if '/configurations/' in key:
            raise exception.BankUpdateObjectFailed(reason='full', key=key)
        return update(key, *args, **kwargs)

    monkeypatch.setattr(bank._plugin, 'update_object', fail)
    run(fails=True)
    assert not fake_trove.find_requests('POST', '/configurations')


def test_group_is_for_a_version_that_was_renamed(run, fake_trove):
    fake_trove.configurations.clear()
    fake_trove.rename_version('postgresql', '18', '18.4')
    run()
    _, group = find_new(fake_trove)
    assert group['datastore_version_name'] == '18.4'


@pytest.mark.parametrize('values, problem', [
    (None, 'the checkpoint has no values of it'),
    (dict(VALUES, password_encryption='***'),
     'Trove masks the values of password_encryption')])
def test_restore_is_refused_if_the_group_cannot_be_created_anew(
        run, fake_trove, resources, checkpoint, values, problem):
    fake_trove.configurations.clear()
    for resource in resources:
        section = checkpoint.get_resource_bank_section(resource.id)
        document = section.get_object('metadata')
        if values is None:  # As an earlier release wrote it.
            del document['configuration']
        else:
            document['configuration']['values'] = values
        section.update_object('metadata', document)
    for sentences in run(fails='preflight'):
        assert sentences == [
            'configuration group %s was not found and cannot be created anew, '
            'because %s: pass restore_configuration_id, the id of another '
            'group or "none"' % (GROUP, problem)]
    for path in '/configurations', '/instances':
        assert not fake_trove.find_requests('POST', path)


def test_instances_of_one_restore_create_the_group_once_in_parallel(
        plugin, resources, arguments, fake_trove):
    fake_trove.configurations.clear()
    threads = [threading.Thread(
        target=plugin.get_restore_operation(resource).on_main,
        kwargs=dict(arguments, resource=resource)) for resource in resources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fake_trove.configurations) == 1
    assert len(fake_trove.instances) == 2
