"""Tests of the restore options, on real services."""

import ast
from concurrent import futures
import json
import re

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import trove_release
from tests.sandbox import identity
from tests.sandbox.services import cloud as catalog
from tests.sandbox.services import network
from tests.sandbox import shell_tenant as shells

TYPE = tenants.TYPE
UNKNOWN = '4b9a9c38-0000-4000-8000-5b6a3d1f7e01'


@pytest.fixture(scope='module')
def tenant(sandbox):
    return tenants.Tenant(sandbox)


@pytest.fixture(scope='module')
def checkpoint(tenant):
    """A checkpoint of an instance with 300 rows.

    The fixture deletes it and all instances afterwards.
    """
    group = tenant.trove.configurations.create(
        'tuned', '{"max_connections": 77}', datastore=catalog.DATASTORE,
        datastore_version=catalog.VERSION)
    original = tenant.create_instance(configuration=group.id, flavor_id='2',
                                      volume={'size': 2})
    tenant.create_table(original, 300)
    id_ = tenant.protect(tenant.create_plan([original]))
    yield id_
    tenant.delete_checkpoint(id_)
    tenant.delete_instances(*tenant.list_instance_ids())
    tenant.trove.configurations.delete(group.id)


@pytest.fixture
def free_address():
    """An address of the other network that no sandbox of the machine uses."""
    neutron = network.Neutron()
    port = neutron.create_port({'port': {
        'network_id': catalog.OTHER_NETWORK}})['port']
    neutron.delete_port(port['id'])
    return port['fixed_ips'][0]['ip_address']


def test_restored_instance_has_the_value_of_each_option(
        sandbox, tenant, checkpoint, free_address):
    restore = tenant.restore(checkpoint, {
        'restore_name': 'elsewhere',
        'restore_flavor_id': '3',
        'restore_volume_size': '4',
        'restore_volume_type': catalog.VOLUME_TYPES[1],
        'restore_net_id': catalog.OTHER_NETWORK,
        'restore_subnet_id': catalog.OTHER_SUBNET,
        'restore_ip_address': free_address,
        'restore_availability_zone': 'nova',
        'restore_configuration_id': 'none',
        'restore_datastore_version': catalog.OTHER_VERSION,
        'restore_is_public': 'False',
        'restore_allowed_cidrs': '192.0.2.0/24, 198.51.100.0/24',
        'restore_region_name': identity.REGION,
        'restore_locality': 'anti-affinity',
    })
    new = tenants.restored_instance_id(restore)
    instance = tenant.trove.instances.get(new).to_dict()
    assert str(instance['flavor']['id']) == '3'
    assert instance['volume']['size'] == 4
    assert instance['datastore']['version'] == catalog.OTHER_VERSION
    assert [(address['address'], address['network'])
            for address in instance['addresses']] == [
                (free_address, catalog.OTHER_NETWORK)]
    assert instance['access'] == {
        'is_public': False,
        'allowed_cidrs': ['192.0.2.0/24', '198.51.100.0/24']}
    assert 'configuration' not in instance
    # The sandbox has only one region.
    assert instance['region'] == identity.REGION
    assert instance['locality'] == 'anti-affinity'
    # Trove does not return these. Nova and Cinder log what Trove requests.
    log = sandbox.services['trove'].log.read_text()
    assert 'Server created for %s in zone nova\n' % new in log
    assert 'Volume created for %s of type %s\n' % (
        new, catalog.VOLUME_TYPES[1]) in log
    assert tenant.count_rows(new) == 300
    first, changed = restore['resources_reason'][
        '%s#%s' % (TYPE, new)].split(';\n')
    assert first.startswith('elsewhere at %s is up after ' % free_address)
    assert changed.startswith('changed: flavor 3 instead of 2, volume size 4 '
                              'instead of 2, network ')
    for text in ('network %s' % catalog.OTHER_NETWORK,
                 'volume type %s' % catalog.VOLUME_TYPES[1],
                 'subnet %s' % catalog.OTHER_SUBNET,
                 'address %s' % free_address, 'availability zone nova'):
        assert text in changed


def test_restore_to_an_unknown_region_fails_and_creates_no_instance(
        tenant, checkpoint):
    before = tenant.list_instance_ids()
    restore = tenant.restore(
        checkpoint, {'restore_region_name': 'Elsewhere'}, expect='fail')
    [(key, reason)] = restore['resources_reason'].items()
    assert 'Elsewhere' in reason
    assert restore['resources_status'] == {key: 'error'}
    assert tenant.list_instance_ids() == before


def test_restore_with_a_soft_locality_succeeds_only_from_trove_23_on(
        tenant, checkpoint):
    locality = 'soft-anti-affinity'
    parameters = {'restore_locality': locality}
    if locality in trove_release.RELEASE.localities:
        new = tenants.restored_instance_id(
            tenant.restore(checkpoint, parameters))
        assert tenant.trove.instances.get(new).locality == locality
        return
    before = tenant.list_instance_ids()
    restore = tenant.restore(checkpoint, parameters, expect='fail')
    [(key, reason)] = restore['resources_reason'].items()
    assert "Invalid locality 'soft-anti-affinity'." in reason
    assert restore['resources_status'] == {key: 'error'}
    assert tenant.list_instance_ids() == before


#: Invalid parameters and a part of the reason.
INVALID = [
    ({'restore_name': '---'}, 'restore_name'),
    ({'restore_name': 'x' * 256}, 'restore_name'),
    ({'restore_flavor_id': '99'}, 'restore_flavor_id'),
    ({'restore_volume_size': '0'}, 'restore_volume_size'),
    ({'restore_volume_size': 'big'}, 'restore_volume_size'),
    ({'restore_volume_size': '100000'}, 'quota of volumes'),
    ({'restore_net_id': 'databases'}, 'restore_net_id'),
    ({'restore_subnet_id': '1'}, 'restore_subnet_id'),
    ({'restore_ip_address': '127.77.200.9'}, 'restore_subnet_id'),
    ({'restore_ip_address': 'none',
      'restore_subnet_id': catalog.SUBNET}, 'restore_ip_address'),
    ({'restore_configuration_id': UNKNOWN}, 'restore_configuration_id'),
    ({'restore_configuration_id': 'tuned'}, 'restore_configuration_id'),
    ({'restore_datastore_version': '9'}, 'restore_datastore_version'),
    ({'restore_datastore_version': catalog.INACTIVE_VERSION},
     'restore_datastore_version'),
    # The recorded configuration group is for the recorded version.
    ({'restore_datastore_version': catalog.OTHER_VERSION},
     'restore_configuration_id'),
    ({'restore_is_public': 'perhaps'}, 'restore_is_public'),
    ({'restore_allowed_cidrs': '192.0.2.0/33'}, 'restore_allowed_cidrs'),
    ({'restore_allowed_cidrs': '2001:db8::/32'}, 'restore_allowed_cidrs'),
    ({'restore_locality': 'near'}, 'restore_locality'),
    ({'restore_skip': 'perhaps'}, 'restore_skip'),
    ({'restore_availability_zone': '///'}, 'restore_availability_zone'),
]


@pytest.fixture(scope='module')
def rejections(sandbox, tenant, checkpoint):
    """Send all invalid requests.

    :returns: (records, before, after). The records are Karbor's record of
        each restore and the output of its client. Before and after are the
        ids of the instances and the number of create requests.
    """
    terminal = shells.Tenant({
        **sandbox.variables(), 'HOME': str(sandbox.directory)})

    def reject(case):
        restore = tenant.restore(checkpoint, case[0], expect='fail')
        return restore, terminal.ask(
            'karbor', 'restore-show', restore['id'])

    def get_state():
        return (tenant.list_instance_ids(),
                tenants.count_create_requests(sandbox, 'instances'))

    before = get_state()
    with futures.ThreadPoolExecutor(4) as pool:
        records = list(pool.map(reject, INVALID))
    return records, before, get_state()


def test_invalid_parameters_cause_no_create_request(rejections):
    records, before, after = rejections
    assert len(records) == 21
    assert before == after


@pytest.mark.parametrize('number', range(len(INVALID)))
def test_restore_with_invalid_parameters_fails_with_a_reason(
        rejections, number):
    restore, output = rejections[0][number]
    _, text = INVALID[number]
    [(key, reason)] = restore['resources_reason'].items()
    assert text in reason
    assert restore['resources_status'] == {key: 'error'}
    # The user reads the same in the output of Karbor's client.
    rows = dict(re.findall(
        r'^\| (\w+) +\| (.*?) +\|$', output, re.MULTILINE))
    assert rows['status'] == 'fail'
    assert ast.literal_eval(rows['resources_reason']) == {key: reason}
    assert ast.literal_eval(rows['resources_status']) == {key: 'error'}


#: The names of the instances of a checkpoint. Each instance has one row more
#: than the previous instance.
NAMES = ('orders', 'stock', 'users')


@pytest.fixture(scope='module')
def three(tenant):
    """A checkpoint of three instances, and their ids by name.

    The fixture deletes all of them afterwards.
    """
    ids = dict(zip(NAMES, tenant.create_instances(NAMES)))
    for rows, id_ in enumerate(ids.values(), 1):
        tenant.create_table(id_, rows)
    checkpoint_id = tenant.protect(tenant.create_plan(list(ids.values())))
    yield checkpoint_id, ids
    tenant.delete_checkpoint(checkpoint_id)
    tenant.delete_instances(*ids.values())


def test_one_of_three_databases_is_restored(tenant, three):
    checkpoint_id, ids = three
    before = tenant.list_instance_ids()
    restore = tenant.restore(
        checkpoint_id, {'restore_skip': True, 'restore_name': 'again'},
        each={ids['stock']: {'restore_skip': False}})
    [new] = tenant.list_instance_ids() - before
    assert tenant.trove.instances.get(new).name == 'again'
    assert tenant.count_rows(new) == 2
    left_out = ['%s#%s' % (TYPE, ids[name]) for name in ('orders', 'users')]
    assert restore['resources_status'] == {
        '%s#%s' % (TYPE, new): 'available',
        **dict.fromkeys(left_out, 'undefined')}
    for key in left_out:
        assert restore['resources_reason'][key] == (
            'not restored: left out by restore_skip')
    tenant.delete_instances(new)


def test_restore_that_leaves_out_all_databases_is_refused(tenant, three):
    checkpoint_id, ids = three
    before = tenant.list_instance_ids()
    restore = tenant.restore(checkpoint_id, {'restore_skip': True},
                             expect='fail')
    assert set(restore['resources_reason']) == {
        '%s#%s' % (TYPE, id_) for id_ in ids.values()}
    for reason in restore['resources_reason'].values():
        assert reason.startswith('restore_skip leaves out all databases')
    assert tenant.list_instance_ids() == before


def test_restored_databases_have_the_names_of_their_originals(tenant, three):
    checkpoint_id, _ = three
    before = tenant.list_instance_ids()
    restore = tenant.restore(checkpoint_id, {'restore_name': 'again'},
                             expect='fail')
    for reason in restore['resources_reason'].values():
        assert reason.startswith(
            "restore_name 'again' is requested for 3 databases")
        assert '"{name}"' in reason
    assert tenant.list_instance_ids() == before
    tenant.restore(checkpoint_id, {'restore_name': '{name}-again'})
    new = tenant.list_instance_ids() - before
    assert {tenant.trove.instances.get(id_).name: tenant.count_rows(id_)
            for id_ in new} == {
        '%s-again' % name: rows for rows, name in enumerate(NAMES, 1)}
    tenant.delete_instances(*new)


def test_deleted_configuration_group_is_created_anew(tenant):
    configurations = tenant.trove.configurations
    values = {'max_connections': 77, 'work_mem': '8MB'}
    group = configurations.create(
        'tuned', json.dumps(values), datastore=catalog.DATASTORE,
        datastore_version=catalog.VERSION)
    originals = tenant.create_instances(NAMES[:2], configuration=group.id)
    checkpoint_id = tenant.protect(tenant.create_plan(originals))
    tenant.delete_instances(*originals)
    configurations.delete(group.id)
    refused = tenant.restore(checkpoint_id, expect='fail')
    for reason in refused['resources_reason'].values():
        assert reason.startswith(
            'configuration group %s was not found: pass '
            'restore_configuration_id, "recreate"' % group.id)
    before = tenant.list_instance_ids()
    restore = tenant.restore(
        checkpoint_id, {'restore_configuration_id': 'recreate'})
    new_ids = tenant.list_instance_ids() - before
    assert len(new_ids) == 2
    [new_group] = {tenant.trove.instances.get(id_).configuration['id']
                   for id_ in new_ids}
    created = configurations.get(new_group)
    assert created.to_dict()['values'] == values
    assert created.name == 'tuned'
    assert created.description == (
        'created by restore %s of Karbor in place of %s' % (
            restore['id'], group.id))
    for reason in restore['resources_reason'].values():
        assert ('configuration group %s "tuned" was created in place of %s'
                % (new_group, group.id)) in reason.split(';\n')
    for id_ in new_ids:
        assert tenant.sql(id_, 'SHOW max_connections') == [['77']]
    tenant.delete_checkpoint(checkpoint_id)
    tenant.delete_instances(*new_ids)
    configurations.delete(new_group)
