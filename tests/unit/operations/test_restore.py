"""State of Trove and of Karbor's record after a restore."""

import inspect
import re

from karbor import exception
from karbor.services.protection import graph
import pytest
from troveclient.v1 import instances

from karbor_trove.bank import restore_journal
from tests.fake_trove import cloud
from tests.fake_trove import karbor_records

KEY = 'OS::Trove::Instance#'
OTHER = '22222222-3333-4444-8555-666666666666'


@pytest.fixture
def backup_id(protect, fake_trove, resource):
    """Protect an instance, delete it, and return the id of its backup."""
    fake_trove.configurations['tuned'] = {}
    fake_trove.instances[resource.id].update(
        configuration_id='tuned', volume_size=3,
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    protect()
    [backup_id] = fake_trove.backups
    fake_trove.instances.clear()
    return backup_id


def test_restored_instance_is_like_the_original(
        backup_id, do_restore, fake_trove, resource):
    new_resources = do_restore()
    [(instance_id, instance)] = fake_trove.instances.items()
    assert new_resources == {resource.id: instance_id}
    assert instance['status'] == 'ACTIVE'
    assert {key: instance[key] for key in (
        'name', 'flavor_id', 'volume_size', 'network_id', 'configuration_id',
        'access')} == {
            'name': 'orders', 'flavor_id': '2', 'volume_size': 3,
            'network_id': cloud.NETWORK, 'configuration_id': 'tuned',
            'access': {'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']}}
    assert instance['datastore']['type'] == 'postgresql'
    [request] = fake_trove.find_requests('POST', '/instances')
    body = request.body['instance']
    assert body['restorePoint'] == {'backupRef': backup_id}
    assert body['nics'] == [{'net-id': cloud.NETWORK}]
    assert body['datastore'] == {
        'type': 'postgresql', 'version': fake_trove.version(
            'postgresql', '18')['version_id']}


def test_version_is_sent_by_name_and_number_if_no_id_was_recorded(
        backup_id, do_restore, fake_trove, section):
    document = section.get_object('metadata')
    del document['datastore']['version_id']
    section.update_object('metadata', document)
    do_restore()
    [request] = fake_trove.find_requests('POST', '/instances')
    expected = {'type': 'postgresql', 'version': '18'}
    # Older releases of python-troveclient cannot send it.
    if 'datastore_version_number' in inspect.signature(
            instances.Instances.create).parameters:
        expected['version_number'] = '18'
    assert request.body['instance']['datastore'] == expected


@pytest.mark.parametrize('is_id_recorded', [True, False])
def test_restore_after_a_version_was_renamed(
        backup_id, run_preflight, find_problems, do_restore, fake_trove,
        section, is_id_recorded):
    fake_trove.rename_version('postgresql', '18', '18.4')
    fake_trove.configurations['tuned'] = {'datastore_version_name': '18.4'}
    if is_id_recorded:
        run_preflight()
        do_restore()
        [instance] = fake_trove.instances.values()
        assert instance['datastore']['version'] == '18.4'
    else:
        document = section.get_object('metadata')
        del document['datastore']['version_id']
        section.update_object('metadata', document)
        assert find_problems()[0].endswith(
            'pass restore_datastore_version, one of 17, 18.4')


def test_private_access_is_recorded_and_sent(
        protect, do_restore, fake_trove, resource, section):
    access = {'is_public': False, 'allowed_cidrs': []}
    fake_trove.instances[resource.id].update(access=access)
    protect()
    assert section.get_object('metadata')['access'] == access
    do_restore()
    body = fake_trove.find_requests('POST', '/instances')[0].body['instance']
    assert body['access'] == {'is_public': False}


def test_restore_sends_nothing_that_the_original_lacks(
        protect, do_restore, fake_trove, resource):
    fake_trove.instances[resource.id].update(network_id=None)
    protect()
    do_restore()
    body = fake_trove.find_requests('POST', '/instances')[0].body['instance']
    assert not {'nics', 'configuration', 'access'} & set(body)


@pytest.mark.parametrize('parameters, name', [
    ({}, 'orders'), ({'restore_name': None}, 'orders'),
    ({'restore_name': ''}, 'orders'), ({'restore_name': 'new'}, 'new')])
def test_restored_instance_has_the_users_or_the_originals_name(
        backup_id, do_restore, fake_trove, parameters, name):
    do_restore(**parameters)
    [instance] = fake_trove.instances.values()
    assert instance['name'] == name


def test_restore_rejects_an_invalid_name_before_any_request(
        backup_id, do_restore, fake_trove, restore, resource):
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_name='---')
    assert not fake_trove.instances
    assert restore.resources_status == {KEY + resource.id: 'error'}
    assert "restore_name '---'" in restore.resources_reason[KEY + resource.id]


@pytest.mark.parametrize('hook', ['on_prepare_begin', 'on_main'])
def test_restore_with_an_invalid_option_fails_before_any_request(
        backup_id, make_plugin, checkpoint, resource, context, restore,
        fake_trove, hook):
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])
    operation = make_plugin(restore_timeout='soon').get_restore_operation(
        resource)
    fake_trove.requests.clear()
    with pytest.raises(exception.RestoreResourceFailed):
        getattr(operation, hook)(checkpoint, resource, context, {}, restore,
                                 {})
    assert 'restore_timeout' in restore.resources_reason[KEY + resource.id]
    assert not fake_trove.requests


def test_record_names_the_restored_instance_while_it_is_built(
        backup_id, do_restore, fake_trove, restore, clock, monkeypatch):
    statuses = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        statuses.append(restore.saved[-1]['resources_status']),
        sleep(seconds)))
    do_restore(restore_description='for the audit')
    [instance_id] = fake_trove.instances
    assert statuses
    assert all(status == {KEY + instance_id: 'restoring'}
               for status in statuses)
    last = restore.saved[-1]
    assert last['resources_status'] == {KEY + instance_id: 'available'}
    [backup_id] = fake_trove.backups
    assert re.fullmatch(
        'orders at 10[.0-9]+ is up after 12.0 s, from backup %s;\n'
        'for the audit' % backup_id,
        last['resources_reason'][KEY + instance_id])


@pytest.mark.parametrize('parameters, lines', [
    ({}, []), ({'restore_description': None}, []),
    ({'restore_description': 'two\nlines'}, ['two', 'lines'])])
def test_reason_ends_with_the_description_which_may_be_any_text(
        backup_id, do_restore, restore, parameters, lines):
    do_restore(**parameters)
    [reason] = restore.resources_reason.values()
    assert karbor_records.split_reason(reason)[1:] == lines


def test_restore_waits_for_the_database(
        backup_id, do_restore, fake_trove, clock):
    fake_trove.healthy_seconds = 500
    start_time = clock.now()
    do_restore()
    assert clock.now() - start_time >= 510


@pytest.mark.parametrize('release', ['train', 'victoria', 'wallaby'])
def test_restore_succeeds_with_each_release(
        backup_id, do_restore, fake_trove, release):
    do_restore()
    [instance] = fake_trove.instances.values()
    assert instance['datastore']['version'] == '18'


def test_restore_fails_after_restore_timeout(
        backup_id, make_plugin, checkpoint, resource, context, restore,
        fake_trove, clock):
    fake_trove.next_instance(seconds=None)
    plugin = make_plugin(restore_timeout=900, poll_interval=60)
    start_time = clock.now()
    new_resources = {}
    with pytest.raises(exception.RestoreResourceFailed,
                       match='not up: given up after 900 s '
                             r'\(the last status is BUILD\)'):
        plugin.get_restore_operation(resource).on_main(
            checkpoint, resource, context, {}, restore, new_resources)
    assert clock.now() - start_time == pytest.approx(900)
    [instance_id] = fake_trove.instances
    assert restore.resources_status == {KEY + instance_id: 'error'}
    assert not new_resources


def test_restore_fails_with_troves_message_when_trove_rejects_it(
        backup_id, do_restore, fake_trove, restore, resource):
    fake_trove.quotas['instances'] = 0
    with pytest.raises(exception.RestoreResourceFailed,
                       match='Quota exceeded') as raised:
        do_restore()
    assert raised.value.__cause__ is not None
    assert 'Quota exceeded' in restore.resources_reason[KEY + resource.id]


def test_refusal_of_the_volume_type_names_the_parameter(
        backup_id, do_restore, fake_trove, restore, resource):
    fake_trove.volume_types = {'fast'}
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    assert restore.resources_reason[KEY + resource.id].endswith(
        ': pass restore_volume_type')
    do_restore(restore_volume_type='fast')


@pytest.mark.parametrize('fault, name', [
    ('Failed to create User port for instance x', 'restore_net_id'),
    ('The requested availability zone is not available',
     'restore_availability_zone')])
def test_fault_of_the_restored_instance_names_the_parameter(
        backup_id, do_restore, fake_trove, restore, fault, name):
    fake_trove.next_instance(fault=fault)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    [reason] = restore.resources_reason.values()
    assert karbor_records.split_reason(reason)[0].endswith(
        '%s: pass %s' % (fault, name))


def test_restore_fails_when_the_checkpoint_has_no_backup(
        do_restore, restore, resource, fake_trove):
    with pytest.raises(exception.RestoreResourceFailed,
                       match='holds no backup'):
        do_restore()
    assert not fake_trove.requests
    assert 'holds no backup' in restore.resources_reason[KEY + resource.id]


def test_restore_fails_when_the_backup_was_rejected(
        protect, do_restore, fake_trove, restore, resource):
    fake_trove.fail('POST', '/backups', 403)
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    with pytest.raises(exception.RestoreResourceFailed,
                       match='holds no backup'):
        do_restore()


def test_restore_retries_checks_that_fail_briefly(
        backup_id, do_restore, fake_trove):
    fake_trove.fail('GET', '/instances/*', 503, times=4)
    assert do_restore()


def test_restore_fails_with_the_error_of_the_bank(
        backup_id, do_restore, restore, resource, bank, monkeypatch):
    def get_object(*args, **kwargs):
        raise exception.BankGetObjectFailed(reason='disk on fire', key='k')

    monkeypatch.setattr(bank._plugin, 'get_object', get_object)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    assert 'disk on fire' in restore.resources_reason[KEY + resource.id]


OPTIONS = {
    'restore_flavor_id': ('3', {'flavorRef': '3'}),
    'restore_volume_size': ('9', {'volume': {'size': 9}}),
    'restore_volume_type': ('fast', {'volume': {'size': 3, 'type': 'fast'}}),
    'restore_net_id': (OTHER, {'nics': [{'net-id': OTHER}]}),
    'restore_subnet_id': (OTHER, {'nics': [
        {'net-id': cloud.NETWORK, 'subnet_id': OTHER}]}),
    'restore_availability_zone': ('nova', {'availability_zone': 'nova'}),
    'restore_configuration_id': (OTHER, {'configuration': OTHER}),
    'restore_datastore_version': ('17', {'datastore': {
        'type': 'postgresql', 'version': '17'}}),
    'restore_is_public': ('False', {'access': {
        'is_public': False, 'allowed_cidrs': ['192.0.2.0/24']}}),
    'restore_allowed_cidrs': ('198.51.100.0/24, 203.0.113.7', {'access': {
        'is_public': True,
        'allowed_cidrs': ['198.51.100.0/24', '203.0.113.7/32']}}),
    'restore_region_name': ('RegionOne', {'region_name': 'RegionOne'}),
    'restore_locality': ('affinity', {'locality': 'affinity'}),
}


@pytest.mark.parametrize('key', OPTIONS)
def test_each_option_changes_only_its_part_of_the_request(
        backup_id, do_restore, fake_trove, key):
    fake_trove.configurations[OTHER] = {}
    do_restore()
    value, expected = OPTIONS[key]
    do_restore(**{key: value})
    plain, changed = [request.body['instance'] for request
                      in fake_trove.find_requests('POST', '/instances')]
    assert changed == dict(plain, **expected)


def test_address_is_sent_with_its_subnet(backup_id, do_restore, fake_trove):
    do_restore(restore_subnet_id=OTHER, restore_ip_address='192.0.2.7')
    [request] = fake_trove.find_requests('POST', '/instances')
    assert request.body['instance']['nics'] == [{
        'net-id': cloud.NETWORK, 'subnet_id': OTHER,
        'ip_address': '192.0.2.7'}]


def test_configuration_none_sends_no_configuration_group(
        backup_id, do_restore, fake_trove):
    do_restore(restore_configuration_id='none')
    [request] = fake_trove.find_requests('POST', '/instances')
    assert 'configuration' not in request.body['instance']


def test_reason_names_what_was_changed(
        backup_id, do_restore, fake_trove, restore):
    do_restore(restore_flavor_id='3', restore_volume_size='9',
               restore_configuration_id='none')
    [instance_id] = fake_trove.instances
    assert ('changed: flavor 3 instead of 2, volume size 9 instead of 3, '
            'configuration group none instead of tuned'
            ) in karbor_records.split_reason(
                restore.resources_reason[KEY + instance_id])


def test_reason_does_not_name_unchanged_values(
        protect, do_restore, fake_trove, restore):
    protect()
    fake_trove.instances.clear()
    do_restore(restore_configuration_id='none', restore_flavor_id='2')
    [instance_id] = fake_trove.instances
    assert 'changed' not in restore.resources_reason[KEY + instance_id]


def test_reason_names_all_invalid_parameters(
        backup_id, do_restore, fake_trove, restore, resource):
    request_count = len(fake_trove.requests)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_flavor_id='---', restore_volume_size='0',
                   restore_net_id='net', restore_is_public='perhaps',
                   restore_allowed_cidrs='192.0.2.0/33',
                   restore_ip_address='192.0.2.7', restore_locality='near')
    assert len(fake_trove.requests) == request_count
    lines = karbor_records.split_reason(
        restore.resources_reason[KEY + resource.id])
    assert [line.split()[:2] for line in lines] == [
        ['restore_flavor_id', "'---'"], ['restore_volume_size', "'0'"],
        ['restore_net_id', "'net'"], ['restore_ip_address', "'192.0.2.7'"],
        ['restore_is_public', "'perhaps'"],
        ['restore_allowed_cidrs', "'192.0.2.0/33'"],
        ['restore_locality', "'near'"]]


@pytest.fixture
def run_preflight(plugin, checkpoint, resource, context, restore, backup_id):
    """Return a function that runs the preflight checks of a restore.

    :param others: the parameters of other resources.
    """
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])

    def run(others={}, **parameters):
        restore.parameters = dict({'OS::Trove::Instance': parameters},
                                  **others)
        plugin.get_restore_operation(resource).on_prepare_begin(
            checkpoint=checkpoint, resource=resource, context=context,
            parameters=parameters, restore=restore, new_resources={},
            operation_log=None)
    return run


@pytest.fixture
def find_problems(run_preflight, fake_trove, restore, resource):
    """Return a function that runs preflight checks which fail.

    It returns the lines of the reason.
    """
    def run(others={}, **parameters):
        with pytest.raises(exception.RestoreResourceFailed):
            run_preflight(others, **parameters)
        assert not fake_trove.find_requests('POST', '/instances')
        assert restore.resources_status == {KEY + resource.id: 'error'}
        return karbor_records.split_reason(
            restore.resources_reason[KEY + resource.id])
    return run


def test_preflight_passes_when_the_backup_can_be_restored(
        run_preflight, restore):
    run_preflight()
    assert not restore.saved


def test_preflight_fails_when_the_backup_does_not_exist(
        find_problems, backup_id, fake_trove):
    fake_trove.backups.clear()
    assert find_problems() == ['backup %s was not found' % backup_id]


def test_preflight_fails_when_the_backup_is_not_complete(
        find_problems, backup_id, fake_trove):
    fake_trove.backups[backup_id]['status'] = 'FAILED'
    assert find_problems() == [
        'backup %s is not COMPLETED, but FAILED' % backup_id]


def test_preflight_fails_when_a_parent_does_not_exist(
        find_problems, backup_id, fake_trove):
    fake_trove.backups[backup_id]['parent_id'] = OTHER
    assert find_problems() == [
        'backup %s, in the chain of backup %s, was not found'
        % (OTHER, backup_id)]


def test_preflight_fails_when_the_volume_is_too_small(
        find_problems, backup_id, fake_trove):
    fake_trove.backups[backup_id]['size'] = 4.2
    assert find_problems() == [
        'a volume of 3 GB is too small for the backup of 4.2 GB: '
        'pass restore_volume_size, 5 or more']
    assert find_problems(restore_volume_size='4')


def test_preflight_fails_when_the_recorded_flavor_does_not_exist(
        find_problems, fake_trove):
    del fake_trove.flavors['2']
    assert find_problems() == [
        'flavor 2 was not found or is not available for this '
        'version: pass restore_flavor_id, one of 1, 3']


def test_preflight_fails_when_the_configuration_group_does_not_exist(
        find_problems, fake_trove):
    fake_trove.configurations.clear()
    assert find_problems() == [
        'configuration group tuned was not found: pass '
        'restore_configuration_id, "recreate" for a new group with the '
        'recorded values, the id of another group or "none"']


def test_configuration_group_is_accepted_when_no_datastore_was_recorded(
        run_preflight, section, restore, fake_trove):
    section.update_object('metadata', dict(section.get_object('metadata'),
                                           datastore={}))
    run_preflight()
    assert not restore.saved
    assert fake_trove.find_requests('GET', '/configurations/tuned')


def test_preflight_fails_when_the_configuration_group_is_for_another_version(
        find_problems, fake_trove):
    assert find_problems(restore_datastore_version='17') == [
        'configuration group tuned is for postgresql 18: pass '
        'restore_configuration_id, the id of another group or "none"']


def test_preflight_fails_when_the_version_is_not_active(
        find_problems, fake_trove):
    fake_trove.datastores['postgresql'].remove('18')
    assert find_problems()[0] == (
        'version 18 of datastore postgresql was not found or is not active: '
        'pass restore_datastore_version, one of 17')


@pytest.mark.parametrize('resource_, limit, sentence', [
    ('instances', 0, 'quota of instances: this restore needs 1 and 0 of 0 '
                     'are left'),
    ('volumes', 2, 'quota of volumes: this restore needs 3 GB and 2 GB of 2 '
                   'are left'),
    ('ram', 512, 'quota of ram: this restore needs 2048 MB and 512 MB of 512 '
                 'are left')])
def test_preflight_fails_when_a_quota_is_exceeded(
        find_problems, fake_trove, resource_, limit, sentence):
    fake_trove.quotas[resource_] = limit
    assert find_problems() == [sentence]


@pytest.mark.parametrize('shows_quotas', [True, False])
def test_reason_says_that_quotas_were_not_checked(
        backup_id, plugin, checkpoint, resource, context, restore, fake_trove,
        shows_quotas):
    fake_trove.shows_quotas = shows_quotas
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])
    operation = plugin.get_restore_operation(resource)
    for hook in operation.on_prepare_begin, operation.on_main:
        hook(checkpoint=checkpoint, resource=resource, context=context,
             parameters={'restore_description': 'for the audit'},
             restore=restore, new_resources={})
    [reason] = restore.resources_reason.values()
    assert karbor_records.split_reason(reason)[1:] == (
        [] if shows_quotas else [
            'quotas were not checked, because Trove does not return them']) + [
                'for the audit']
    assert len(fake_trove.find_requests('GET', '/mgmt/*')) == 2


@pytest.mark.parametrize('flavor_id', ['hidden', 'c1.hidden_x'])
def test_restore_uses_a_private_flavor_and_says_it_was_not_checked(
        backup_id, plugin, checkpoint, resource, context, restore, fake_trove,
        flavor_id):
    fake_trove.private_flavors[flavor_id] = 1024
    restore.parameters = {
        'OS::Trove::Instance': {'restore_flavor_id': flavor_id}}
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])
    operation = plugin.get_restore_operation(resource)
    for hook in operation.on_prepare_begin, operation.on_main:
        hook(checkpoint=checkpoint, resource=resource, context=context,
             parameters={'restore_flavor_id': flavor_id},
             restore=restore, new_resources={})
    [instance] = fake_trove.instances.values()
    assert instance['flavor_id'] == flavor_id
    [reason] = restore.resources_reason.values()
    assert ('flavor %s was not checked, because Trove lists only public '
            'flavors' % flavor_id) in karbor_records.split_reason(reason)


def test_ram_of_a_private_flavor_counts_in_the_quota(
        find_problems, fake_trove):
    fake_trove.private_flavors['hidden'] = 1024
    fake_trove.quotas['ram'] = 512
    assert find_problems(restore_flavor_id='hidden') == [
        'quota of ram: this restore needs 1024 MB and 512 MB of 512 are left']


@pytest.mark.parametrize('flavor_id', ['x/..', 'x/.', '../instances'])
def test_flavor_id_that_is_a_path_is_not_found(find_problems, flavor_id):
    [line] = find_problems(restore_flavor_id=flavor_id)
    assert line.startswith('flavor %s was not found' % flavor_id)


def test_preflight_fails_when_only_administrators_see_the_version(
        find_problems, fake_trove):
    # Trove lists inactive versions if the user is an administrator.
    fake_trove.shows_inactive_versions = True
    line = find_problems(restore_datastore_version='16')[0]
    assert line.startswith('version 16 of datastore postgresql was not found ')


def test_preflight_reports_all_problems_at_once(
        find_problems, backup_id, fake_trove):
    del fake_trove.flavors['2']
    fake_trove.configurations.clear()
    fake_trove.quotas['instances'] = 0
    assert len(find_problems()) == 3


def test_preflight_reports_invalid_values_before_any_request(
        find_problems, fake_trove):
    request_count = len(fake_trove.requests)
    assert len(find_problems(restore_volume_size='x',
                             restore_net_id='y')) == 2
    assert len(fake_trove.requests) == request_count


def test_preflight_fails_on_parameters_for_unknown_instances(find_problems):
    lines = find_problems({KEY + OTHER: {'restore_flavor_id': '3'}},
                          restore_volume_size='x')
    assert lines[0].startswith("restore_volume_size 'x' is not allowed")
    assert lines[1] == ('parameters are given for %s, which is not in this '
                        'checkpoint' % OTHER)


def test_no_instance_is_restored_when_one_has_a_problem(
        plugin, fake_trove, new_checkpoint, context, restore, build_resource):
    checkpoint = new_checkpoint()
    resources = [build_resource(fake_trove.add_instance())
                 for _ in range(3)]
    for resource in resources:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    checkpoint.resource_graph = graph.build_graph(
        resources, lambda node: [])
    restore.parameters = {KEY + resources[1].id: {'restore_flavor_id': '9'}}
    request_count = len(fake_trove.requests)
    for resource in resources:
        with pytest.raises(exception.RestoreResourceFailed):
            plugin.get_restore_operation(resource).on_prepare_begin(
                checkpoint, resource, context, {}, restore)
    assert not fake_trove.find_requests('POST', '/instances')
    # One request for all three: backups, versions, flavors, the flavor that
    # is not listed, quotas.
    assert len(fake_trove.requests) - request_count == 5
    reasons = restore.resources_reason
    assert 'flavor 9 was not found' in reasons[KEY + resources[1].id]
    for other in resources[0], resources[2]:
        assert reasons[KEY + other.id] == (
            'not started, because another database of this restore cannot be '
            'restored: ' + resources[1].id)


def test_quotas_and_addresses_are_checked_for_all_instances_together(
        plugin, fake_trove, new_checkpoint, context, restore, build_resource):
    checkpoint = new_checkpoint()
    resources = [build_resource(fake_trove.add_instance())
                 for _ in range(3)]
    for resource in resources:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    checkpoint.resource_graph = graph.build_graph(
        resources, lambda node: [])
    fake_trove.instances.clear()
    fake_trove.quotas['volumes'] = 5
    restore.parameters = {KEY[:-1]: {
        'restore_subnet_id': OTHER, 'restore_ip_address': '192.0.2.7'}}
    with pytest.raises(exception.RestoreResourceFailed) as raised:
        plugin.get_restore_operation(resources[0]).on_prepare_begin(
            checkpoint, resources[0], context, {}, restore)
    assert 'needs 6 GB and 5 GB of 5 are left' in str(raised.value)
    assert 'restore_ip_address 192.0.2.7 is requested for 3 databases' in (
        str(raised.value))


def test_restore_journal_has_the_restore_until_the_record_has_the_instance(
        backup_id, do_restore, restore, bank, resource, monkeypatch):
    journal = restore_journal.RestoreJournal(bank, resource.id)
    states = []
    save = restore.save
    monkeypatch.setattr(type(restore), 'save', lambda self: (
        save(), states.append((list(self.resources_status.values()),
                               journal.list_keys()))))
    do_restore()
    assert states[0] == (['restoring'], [restore.id])
    assert states[-1] == (['available'], [])
