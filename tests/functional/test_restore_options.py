"""Tests of the restore options, on real services."""

import ast
from concurrent import futures
import re

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import identity
from tests.sandbox.services import cloud as catalog
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


def test_restored_instance_has_the_value_of_each_option(
        sandbox, tenant, checkpoint):
    restore = tenant.restore(checkpoint, {
        'restore_name': 'elsewhere',
        'restore_flavor_id': '3',
        'restore_volume_size': '4',
        'restore_volume_type': catalog.VOLUME_TYPES[1],
        'restore_net_id': catalog.OTHER_NETWORK,
        'restore_subnet_id': catalog.OTHER_SUBNET,
        'restore_ip_address': '127.77.200.9',
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
                ('127.77.200.9', catalog.OTHER_NETWORK)]
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
        '%s#%s' % (TYPE, new)].splitlines()
    assert first.startswith('elsewhere at 127.77.200.9 is up after ')
    assert changed.startswith('changed: flavor 3 instead of 2, volume size 4 '
                              'instead of 2, volume type ')
    for text in ('network %s' % catalog.OTHER_NETWORK,
                 'volume type %s' % catalog.VOLUME_TYPES[1],
                 'subnet %s' % catalog.OTHER_SUBNET,
                 'address 127.77.200.9', 'availability zone nova'):
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
    assert len(records) == 20
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
