"""Tests of how Trove creates an instance from a backup."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import http_error

UNKNOWN_ID = '00000000-0000-4000-8000-000000000000'


def _invalid_requests(cloud: Cloud):
    """Return requests for instances that Trove rejects, by their names.

    :returns: name -> (HTTP code, text of the response, the properties of the
        request that are invalid).
    """
    nic = {'net-id': cloud.network_id}
    return {
        'another datastore': (400, 'does not match', {'datastore': None}),
        'unknown datastore': (404, 'cannot be found', {
            'datastore': {'type': 'dbase'}}),
        'unknown version': (400, 'cannot be found', {
            'datastore': {'type': cloud.datastore, 'version': '1'}}),
        'inactive version': (400, 'is not active', {
            'datastore': {'type': cloud.datastore,
                          'version': cloud.inactive_version}}),
        'unknown flavor': (400, 'cannot be found', {'flavorRef': 'none'}),
        'no volume': (400, 'not specified', {'volume': None}),
        'volume of null': (400, 'Validation error', {
            'volume': {'size': None}}),
        'huge volume': (413, 'cannot exceed', {
            'volume': {'size': cloud.max_volume_size + 1}}),
        'two nics': (400, 'Validation error', {'nics': [nic, nic]}),
        'no such key of a nic': (400, 'Validation error', {
            'nics': [{'network': cloud.network_id}]}),
        'address without subnet': (400, '', {
            'nics': [dict(nic, ip_address='192.0.2.7')]}),
        'bad name': (400, 'Validation error', {'name': '---'}),
        'bad cidr': (400, 'Validation error', {
            'access': {'allowed_cidrs': ['everyone']}}),
    }


class RestoreBehaviour:
    """Tests of instances that are created from backups."""

    def test_an_invalid_request_is_rejected_and_creates_no_instance(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        point = {'backupRef': cloud.create_backup(id_)}
        before = {instance.id for instance in cloud.client.instances.list()}
        for code, text, properties in _invalid_requests(cloud).values():
            body = cloud.build_body(restorePoint=point)
            body['instance'].update(properties)
            with http_error(code, text):
                cloud.post('/instances', {'instance': {
                    key: value for key, value in body['instance'].items()
                    if value is not None}})
        assert {instance.id
                for instance in cloud.client.instances.list()} == before

    @pytest.mark.parametrize('key', ['nics', 'datastore', 'flavorRef'])
    def test_null_is_rejected_for_an_optional_property(
            self, cloud: Cloud, key):
        body = cloud.build_body()
        body['instance'][key] = None
        with http_error(400, 'Validation error'):
            cloud.post('/instances', body)

    def test_an_unknown_backup_is_not_found(self, cloud: Cloud):
        with http_error(404, 'cannot be found'):
            cloud.create(restorePoint={'backupRef': UNKNOWN_ID})

    def test_a_backup_that_is_not_complete_is_rejected(self, cloud: Cloud):
        failed = cloud.create_backup(cloud.get_shared_instance(),
                                     cloud.build_name('fail-backup'))
        with http_error(409, 'not completed'):
            cloud.create(restorePoint={'backupRef': failed})

    def test_a_volume_smaller_than_the_backup_is_rejected(
            self, cloud: Cloud):
        huge = cloud.create_backup(cloud.get_shared_instance(),
                                   cloud.build_name('huge-backup'))
        with http_error(403, 'too large'):
            cloud.create(restorePoint={'backupRef': huge})

    def test_a_backup_can_be_restored_after_its_instance_was_deleted(
            self, cloud: Cloud):
        original = cloud.create_instance()
        backup_id = cloud.create_backup(original)
        cloud.client.instances.delete(original)
        cloud.wait_for(lambda: cloud.get_statuses(original)[0] == 'deleted')
        assert [backup.id for backup in cloud.client.backups.list(
            instance_id=original)] == [backup_id]
        with http_error(404):
            cloud.client.instances.backups(original)
        access = {'is_public': False, 'allowed_cidrs': ['192.0.2.0/24']}
        restored_id = cloud.create_instance(
            'restored', restorePoint={'backupRef': backup_id}, access=access)
        instance = cloud.client.instances.get(restored_id).to_dict()
        assert restored_id != original
        assert instance['name'] == 'restored'
        assert instance['access'] == access
        assert instance['addresses'][0]['network'] == cloud.network_id

    def test_an_instance_whose_restore_fails_is_in_error_with_a_fault(
            self, cloud: Cloud):
        point = {'backupRef': cloud.create_backup(cloud.get_shared_instance())}
        id_ = cloud.create(cloud.build_name('fail-restore'),
                           restorePoint=point)
        states = cloud.collect_states(lambda: cloud.get_statuses(id_),
                                      ('ERROR', ''))
        assert states[0] == ('BUILD', '')
        assert cloud.client.instances.get(id_).fault['message']
