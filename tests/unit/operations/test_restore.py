"""What restoring an instance leaves in Trove and in Karbor's record."""

import re

from karbor import exception
from karbor.services.protection import graph
import pytest

from tests.fake_trove import cloud

KEY = 'OS::Trove::Instance#'
OTHER = '22222222-3333-4444-8555-666666666666'


@pytest.fixture
def lost(protect, fake_trove, resource):
    """The instance is protected, then gone; gives the backup's id."""
    fake_trove.configurations['tuned'] = {}
    fake_trove.instances[resource.id].update(
        configuration_id='tuned', volume_size=3,
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    protect()
    [backup_id] = fake_trove.backups
    fake_trove.instances.clear()
    return backup_id


def test_the_new_instance_is_like_the_lost_one(
        lost, do_restore, fake_trove, resource):
    new_resources = do_restore()
    [(new_id, made)] = fake_trove.instances.items()
    assert new_resources == {resource.id: new_id}
    assert made['status'] == 'ACTIVE'
    assert {key: made[key] for key in (
        'name', 'flavor_id', 'volume_size', 'network_id', 'configuration_id',
        'access')} == {
            'name': 'orders', 'flavor_id': '2', 'volume_size': 3,
            'network_id': cloud.NETWORK, 'configuration_id': 'tuned',
            'access': {'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']}}
    assert made['datastore']['type'] == 'postgresql'
    [asked] = fake_trove.find_requests('POST', '/instances')
    body = asked.body['instance']
    assert body['restorePoint'] == {'backupRef': lost}
    assert body['nics'] == [{'net-id': cloud.NETWORK}]
    assert body['datastore'] == {'type': 'postgresql', 'version': '18',
                                 'version_number': '18'}


def test_that_nobody_else_has_access_is_recorded_and_sent(
        protect, do_restore, fake_trove, resource, section):
    access = {'is_public': False, 'allowed_cidrs': []}
    fake_trove.instances[resource.id].update(access=access)
    protect()
    assert section.get_object('metadata')['access'] == access
    do_restore()
    body = fake_trove.find_requests('POST', '/instances')[0].body['instance']
    assert body['access'] == {'is_public': False}


def test_what_the_original_lacked_is_not_sent(
        protect, do_restore, fake_trove, resource):
    fake_trove.instances[resource.id].update(network_id=None)
    protect()
    do_restore()
    body = fake_trove.find_requests('POST', '/instances')[0].body['instance']
    assert not {'nics', 'configuration', 'access'} & set(body)


@pytest.mark.parametrize('given, name', [
    ({}, 'orders'), ({'restore_name': None}, 'orders'),
    ({'restore_name': ''}, 'orders'), ({'restore_name': 'new'}, 'new')])
def test_the_name_is_the_users_or_the_originals(
        lost, do_restore, fake_trove, given, name):
    do_restore(**given)
    [made] = fake_trove.instances.values()
    assert made['name'] == name


def test_a_name_that_trove_would_refuse_creates_nothing(
        lost, do_restore, fake_trove, restore, resource):
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_name='---')
    assert not fake_trove.instances
    assert restore.resources_status == {KEY + resource.id: 'error'}
    assert "restore_name '---'" in restore.resources_reason[KEY + resource.id]


def test_the_record_names_the_new_instance_while_it_is_built(
        lost, do_restore, fake_trove, restore, clock, monkeypatch):
    seen = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        seen.append(restore.saved[-1]['resources_status']), sleep(seconds)))
    do_restore(restore_description='for the audit')
    [new_id] = fake_trove.instances
    assert seen
    assert all(told == {KEY + new_id: 'restoring'} for told in seen)
    last = restore.saved[-1]
    assert last['resources_status'] == {KEY + new_id: 'available'}
    [backup_id] = fake_trove.backups
    assert re.fullmatch(
        'orders at 10[.0-9]+ is up after 12.0 s, from backup %s\n'
        'for the audit' % backup_id, last['resources_reason'][KEY + new_id])


def test_the_wait_is_for_the_database_not_only_the_machine(
        lost, do_restore, fake_trove, clock):
    fake_trove.healthy_seconds = 500
    began = clock.now()
    do_restore()
    assert clock.now() - began >= 510


@pytest.mark.parametrize('release', ['train', 'victoria', 'wallaby'])
def test_releases_are_understood(lost, do_restore, fake_trove, release):
    do_restore()
    [made] = fake_trove.instances.values()
    assert made['datastore']['version'] == '18'


def test_an_instance_that_fails_is_told_with_its_fault(
        lost, do_restore, fake_trove, restore):
    fake_trove.next_instance('ERROR', fault='No valid host was found.')
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    [new_id] = fake_trove.instances
    assert restore.resources_status == {KEY + new_id: 'error'}
    reason = restore.resources_reason[KEY + new_id]
    assert 'ERROR' in reason
    assert 'No valid host was found.' in reason


def test_an_instance_that_never_comes_up_is_given_up(
        lost, make_plugin, checkpoint, resource, context, restore,
        fake_trove, clock):
    fake_trove.next_instance(seconds=None)
    plugin = make_plugin(restore_timeout=900, poll_interval=60)
    began = clock.now()
    new_resources = {}
    with pytest.raises(exception.RestoreResourceFailed,
                       match='not up: given up after 900 s'):
        plugin.get_restore_operation(resource).on_main(
            checkpoint, resource, context, {}, restore, new_resources)
    assert clock.now() - began == pytest.approx(900)
    [new_id] = fake_trove.instances
    assert restore.resources_status == {KEY + new_id: 'error'}
    assert not new_resources


def test_troves_refusal_reaches_the_user(
        lost, do_restore, fake_trove, restore, resource):
    fake_trove.quotas['instances'] = 0
    with pytest.raises(exception.RestoreResourceFailed,
                       match='Quota exceeded') as raised:
        do_restore()
    assert raised.value.__cause__ is not None
    assert 'Quota exceeded' in restore.resources_reason[KEY + resource.id]


def test_a_checkpoint_without_a_backup_is_told(
        do_restore, restore, resource, fake_trove):
    with pytest.raises(exception.RestoreResourceFailed,
                       match='holds no backup'):
        do_restore()
    assert not fake_trove.requests
    assert 'holds no backup' in restore.resources_reason[KEY + resource.id]


def test_a_backup_that_was_never_answered_is_told(
        protect, do_restore, fake_trove, restore, resource):
    fake_trove.fail('POST', '/backups', 403)
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    with pytest.raises(exception.RestoreResourceFailed,
                       match='holds no backup'):
        do_restore()


def test_looks_that_fail_in_passing_are_borne(lost, do_restore, fake_trove):
    fake_trove.fail('GET', '/instances/*', 503, times=4)
    assert do_restore()


def test_a_bank_that_fails_is_told(lost, do_restore, restore, resource,
                                   bank, monkeypatch):
    def get_object(*args, **kwargs):
        raise exception.BankGetObjectFailed(reason='disk on fire', key='k')

    monkeypatch.setattr(bank._plugin, 'get_object', get_object)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    assert 'disk on fire' in restore.resources_reason[KEY + resource.id]


CHOICES = {
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


@pytest.mark.parametrize('key', CHOICES)
def test_a_choice_reaches_trove_and_leaves_the_rest_as_it_was(
        lost, do_restore, fake_trove, key):
    fake_trove.configurations[OTHER] = {}
    do_restore()
    value, asked = CHOICES[key]
    do_restore(**{key: value})
    plain, chosen = [one.body['instance'] for one
                     in fake_trove.find_requests('POST', '/instances')]
    assert chosen == dict(plain, **asked)


def test_an_address_goes_with_its_subnet(lost, do_restore, fake_trove):
    do_restore(restore_subnet_id=OTHER, restore_ip_address='192.0.2.7')
    [asked] = fake_trove.find_requests('POST', '/instances')
    assert asked.body['instance']['nics'] == [{
        'net-id': cloud.NETWORK, 'subnet_id': OTHER,
        'ip_address': '192.0.2.7'}]


def test_none_is_no_configuration_group(lost, do_restore, fake_trove):
    do_restore(restore_configuration_id='none')
    [asked] = fake_trove.find_requests('POST', '/instances')
    assert 'configuration' not in asked.body['instance']


def test_what_was_changed_is_told(lost, do_restore, fake_trove, restore):
    do_restore(restore_flavor_id='3', restore_volume_size='9',
               restore_configuration_id='none')
    [new_id] = fake_trove.instances
    assert ('changed: flavor 3 instead of 2, volume size 9 instead of 3, '
            'configuration group none instead of tuned'
            ) in restore.resources_reason[KEY + new_id].splitlines()


def test_what_is_as_it_was_is_not_told_as_changed(
        protect, do_restore, fake_trove, restore):
    protect()
    fake_trove.instances.clear()
    do_restore(restore_configuration_id='none', restore_flavor_id='2')
    [new_id] = fake_trove.instances
    assert 'changed' not in restore.resources_reason[KEY + new_id]


def test_all_that_is_not_allowed_is_named_at_once(
        lost, do_restore, fake_trove, restore, resource):
    asked = len(fake_trove.requests)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_flavor_id='---', restore_volume_size='0',
                   restore_net_id='net', restore_is_public='perhaps',
                   restore_allowed_cidrs='192.0.2.0/33',
                   restore_ip_address='192.0.2.7', restore_locality='near')
    assert len(fake_trove.requests) == asked
    lines = restore.resources_reason[KEY + resource.id].splitlines()
    assert [line.split()[:2] for line in lines] == [
        ['restore_flavor_id', "'---'"], ['restore_volume_size', "'0'"],
        ['restore_net_id', "'net'"], ['restore_ip_address', "'192.0.2.7'"],
        ['restore_is_public', "'perhaps'"],
        ['restore_allowed_cidrs', "'192.0.2.0/33'"],
        ['restore_locality', "'near'"]]


@pytest.fixture
def prepare(plugin, checkpoint, resource, context, restore, lost):
    """Begins a restore of the one database; takes the parameters.

    Those of other resources come first.
    """
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])

    def do(others={}, **parameters):
        restore.parameters = dict({'OS::Trove::Instance': parameters},
                                  **others)
        plugin.get_restore_operation(resource).on_prepare_begin(
            checkpoint=checkpoint, resource=resource, context=context,
            parameters=parameters, restore=restore, new_resources={},
            operation_log=None)
    return do


@pytest.fixture
def refused(prepare, fake_trove, restore, resource):
    """Begins in vain; gives the lines that the user reads."""
    def do(others={}, **parameters):
        with pytest.raises(exception.RestoreResourceFailed):
            prepare(others, **parameters)
        assert not fake_trove.find_requests('POST', '/instances')
        assert restore.resources_status == {KEY + resource.id: 'error'}
        return restore.resources_reason[KEY + resource.id].splitlines()
    return do


def test_what_can_be_restored_is_begun(prepare, restore):
    prepare()
    assert not restore.saved


def test_a_backup_that_is_gone_is_told_first(refused, lost, fake_trove):
    fake_trove.backups.clear()
    assert refused() == ['backup %s is gone' % lost]


def test_a_backup_that_is_not_complete_is_told_first(refused, lost,
                                                     fake_trove):
    fake_trove.backups[lost]['status'] = 'FAILED'
    assert refused() == ['backup %s is not COMPLETED, but FAILED' % lost]


def test_a_parent_that_is_gone_is_told_first(refused, lost, fake_trove):
    fake_trove.backups[lost]['parent_id'] = OTHER
    assert refused() == ['backup %s, which backup %s hangs on, is gone'
                         % (OTHER, lost)]


def test_a_volume_too_small_for_the_backup(refused, lost, fake_trove):
    fake_trove.backups[lost]['size'] = 4.2
    assert refused() == ['a volume of 3 GB is too small for the backup of '
                         '4.2 GB: pass restore_volume_size, 5 or more']
    assert refused(restore_volume_size='4')


def test_a_recorded_flavor_that_is_retired(refused, fake_trove):
    del fake_trove.flavors['2']
    assert refused() == ['flavor 2 is not there or not for this version: '
                         'pass restore_flavor_id, one of 1, 3']


def test_a_configuration_group_that_is_deleted(refused, fake_trove):
    fake_trove.configurations.clear()
    assert refused() == ['configuration group tuned is gone: pass '
                         'restore_configuration_id, another one or "none"']


def test_a_configuration_group_of_another_version(refused, fake_trove):
    assert refused(restore_datastore_version='17') == [
        'configuration group tuned is for postgresql 18: pass '
        'restore_configuration_id, another one or "none"']


def test_a_version_that_is_not_active(refused, fake_trove):
    fake_trove.datastores['postgresql'].remove('18')
    assert ('version 18 of datastore postgresql is not there or not active: '
            'pass restore_datastore_version, one of 17') in refused()


@pytest.mark.parametrize('resource_, limit, sentence', [
    ('instances', 0, 'quota of instances: this restore needs 1 and 0 of 0 '
                     'are left'),
    ('volumes', 2, 'quota of volumes: this restore needs 3 GB and 2 GB of 2 '
                   'are left'),
    ('ram', 512, 'quota of ram: this restore needs 2048 MB and 512 MB of 512 '
                 'are left')])
def test_a_quota_that_does_not_suffice(refused, fake_trove, resource_, limit,
                                       sentence):
    fake_trove.quotas[resource_] = limit
    assert refused() == [sentence]


@pytest.mark.parametrize('tells', [True, False])
def test_that_quotas_were_not_checked_is_told(
        lost, plugin, checkpoint, resource, context, restore, fake_trove,
        tells):
    fake_trove.shows_quotas = tells
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])
    operation = plugin.get_restore_operation(resource)
    for hook in operation.on_prepare_begin, operation.on_main:
        hook(checkpoint=checkpoint, resource=resource, context=context,
             parameters={'restore_description': 'for the audit'},
             restore=restore, new_resources={})
    [reason] = restore.resources_reason.values()
    assert reason.splitlines()[1:] == ([] if tells else [
        'quotas were not checked before: Trove does not tell them']) + [
            'for the audit']
    assert len(fake_trove.find_requests('GET', '/mgmt/*')) == 2


def test_a_version_that_only_administrators_are_told_of(refused, fake_trove):
    # As a user with that role is.
    fake_trove.shows_inactive_versions = True
    assert 'version 16 of datastore postgresql is not there or not active' in (
        refused(restore_datastore_version='16')[0])


def test_all_problems_are_told_at_once(refused, lost, fake_trove):
    del fake_trove.flavors['2']
    fake_trove.configurations.clear()
    fake_trove.quotas['instances'] = 0
    assert len(refused()) == 3


def test_bad_values_are_told_before_trove_is_asked(refused, fake_trove):
    asked = len(fake_trove.requests)
    assert len(refused(restore_volume_size='x', restore_net_id='y')) == 2
    assert len(fake_trove.requests) == asked


def test_what_is_chosen_for_another_database_is_not_overlooked(refused):
    told = refused({KEY + OTHER: {'restore_flavor_id': '3'}},
                   restore_volume_size='x')
    assert told[0] == ('parameters are given for %s, which is not in this '
                       'checkpoint' % OTHER)
    assert told[1].startswith("restore_volume_size 'x' is not allowed")


def test_one_of_several_that_cannot_be_restored_stops_all(
        plugin, fake_trove, new_checkpoint, context, restore, in_threads):
    checkpoint = new_checkpoint()
    resources = [in_threads.resource(fake_trove.add_instance())
                 for _ in range(3)]
    for one in resources:
        plugin.get_protect_operation(one).on_main(
            checkpoint, one, context, {})
    checkpoint.resource_graph = graph.build_graph(
        resources, lambda node: [])
    restore.parameters = {KEY + resources[1].id: {'restore_flavor_id': '9'}}
    asked = len(fake_trove.requests)
    for one in resources:
        with pytest.raises(exception.RestoreResourceFailed):
            plugin.get_restore_operation(one).on_prepare_begin(
                checkpoint, one, context, {}, restore)
    assert not fake_trove.find_requests('POST', '/instances')
    # Asked once for all three: backups, versions, flavors, quotas.
    assert len(fake_trove.requests) - asked == 4
    reasons = restore.resources_reason
    assert 'flavor 9 is not there' in reasons[KEY + resources[1].id]
    for other in resources[0], resources[2]:
        assert reasons[KEY + other.id] == (
            'not begun, since another database of this restore cannot be '
            'restored: ' + resources[1].id)


def test_quotas_and_addresses_are_for_all_of_them_together(
        plugin, fake_trove, new_checkpoint, context, restore, in_threads):
    checkpoint = new_checkpoint()
    resources = [in_threads.resource(fake_trove.add_instance())
                 for _ in range(3)]
    for one in resources:
        plugin.get_protect_operation(one).on_main(
            checkpoint, one, context, {})
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
    assert 'restore_ip_address 192.0.2.7 is for 3 databases' in (
        str(raised.value))
