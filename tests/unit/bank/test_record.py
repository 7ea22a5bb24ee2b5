"""Tests of bank/record.py: written and read records, those of Karbor too."""

import pytest

from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove.trove import models

ID = 'a0000000-0000-4000-8000-000000000000'
BACKUP = 'b0000000-0000-4000-8000-000000000000'
INSTANCE = models.Instance(
    id=ID, name='orders', datastore='postgresql', datastore_version='18',
    datastore_version_number='18.1', datastore_version_id='v', flavor_id='2',
    volume_size=3,
    region='RegionOne', locality='affinity', configuration_id='tuned',
    network_id='net', is_public=True, allowed_cidrs=('192.0.2.0/24',),
    replica_of='b')
#: A record that the in-tree plugin of Karbor 1.6.0 wrote.
IN_TREE = {'instance_id': ID, 'backup_id': BACKUP, 'size': 3,
           'datastore': {'type': 'postgresql', 'version': '18'},
           'flavor': {'id': '2', 'links': [{'rel': 'self', 'href': 'x'}]}}


GROUP = models.ConfigurationGroup(
    'tuned', 'fast', 'postgresql', '18',
    {'work_mem': '8MB', 'max_connections': 77, 'jit': False, 'cost': 0.5})


@pytest.mark.parametrize('written', [
    record.BackupRecord(INSTANCE, 'nightly', BACKUP, 0.25, GROUP,
                        models.Accounts(('orders',), ())),
    record.BackupRecord(models.Instance(ID))], ids=['all', 'least'])
def test_record_is_read_as_it_was_written(section, written):
    record.write(section, written)
    assert record.read(section, ID) == written


def test_record_is_none_before_the_first_write(section):
    assert record.read(section, ID) is None
    resource_status.set_status(section, 'protecting')
    assert record.read(section, ID) is None


def test_record_of_the_in_tree_plugin_is_read(section):
    section.update_object('metadata', IN_TREE)
    assert record.read(section, ID) == record.BackupRecord(models.Instance(
        id=ID, datastore='postgresql', datastore_version='18',
        flavor_id='2', volume_size=3), backup_id=BACKUP)


def test_record_of_an_earlier_release_has_no_configuration_group(section):
    record.write(section, record.BackupRecord(INSTANCE, configuration=GROUP))
    document = section.get_object('metadata')
    del document['configuration']
    section.update_object('metadata', document)
    assert record.read(section, ID) == record.BackupRecord(INSTANCE)


def test_record_has_all_keys_that_the_in_tree_plugin_reads(section):
    record.write(section, record.BackupRecord(INSTANCE, 'nightly', BACKUP))
    document = section.get_object('metadata')
    assert set(IN_TREE) <= set(document)
    for key in ('instance_id', 'backup_id', 'size'):
        assert document[key] == IN_TREE[key]
    assert document['flavor']['id'] == '2'


def test_record_of_a_later_version_is_rejected(section):
    section.update_object('metadata', dict(IN_TREE, record_version=2))
    with pytest.raises(errors.Rejected, match='version 2 and this release '
                       'knows versions up to 1'):
        record.read(section, ID)


@pytest.mark.parametrize('document', [
    '', '{"instance_id": "a", "fla', '[]', '{}'])
def test_corrupt_record_is_named_in_the_error(section, document):
    section.update_object('metadata', document)
    with pytest.raises(errors.CorruptObject, match='"metadata"'):
        record.read(section, ID)


@pytest.mark.parametrize('key, value', [
    ('datastore', 'mysql'), ('flavor', ['2']), ('record_version', '1'),
    ('databases', 5)])
def test_record_with_a_value_of_another_type_is_corrupt(section, key, value):
    section.update_object('metadata', {**IN_TREE, key: value})
    with pytest.raises(errors.CorruptObject, match='"metadata" .* corrupt: '):
        record.read(section, ID)


def test_deletion_of_the_record_keeps_the_status(section):
    resource_status.mark_failed(section, 'error', 'Trove said no')
    resource_status.set_status(section, 'deleting')
    record.write(section, record.BackupRecord(INSTANCE))
    record.delete(section)
    record.delete(section)
    assert section.list_objects() == ['status']
