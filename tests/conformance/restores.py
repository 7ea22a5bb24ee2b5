"""What we rely on when an instance is made from a backup."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import refused

NOBODY = '00000000-0000-4000-8000-000000000000'


def _refusals(cloud: Cloud):
    """Per name: the code, words of the answer, and what is asked amiss."""
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

    def test_what_cannot_be_had_is_refused_and_nothing_made(
            self, cloud: Cloud):
        id_ = cloud.instance()
        point = {'backupRef': cloud.back_up(id_)}
        before = {of.id for of in cloud.client.instances.list()}
        for code, words, asked in _refusals(cloud).values():
            body = cloud.body(restorePoint=point)
            body['instance'].update(asked)
            with refused(code, words):
                cloud.post('/instances', {'instance': {
                    key: value for key, value in body['instance'].items()
                    if value is not None}})
        assert {of.id for of in cloud.client.instances.list()} == before

    @pytest.mark.parametrize('key', ['nics', 'datastore', 'flavorRef'])
    def test_null_is_refused_where_absence_is_not(self, cloud: Cloud, key):
        body = cloud.body()
        body['instance'][key] = None
        with refused(400, 'Validation error'):
            cloud.post('/instances', body)

    def test_an_unknown_backup_is_not_found(self, cloud: Cloud):
        with refused(404, 'cannot be found'):
            cloud.create(restorePoint={'backupRef': NOBODY})

    def test_a_backup_that_is_not_complete_is_refused(self, cloud: Cloud):
        failed = cloud.back_up(cloud.instance(), cloud.named('fail-backup'))
        with refused(409, 'not completed'):
            cloud.create(restorePoint={'backupRef': failed})

    def test_a_volume_smaller_than_the_backup_is_refused(self, cloud: Cloud):
        huge = cloud.back_up(cloud.instance(), cloud.named('huge-backup'))
        with refused(403, 'too large'):
            cloud.create(restorePoint={'backupRef': huge})

    def test_backups_outlive_their_instance_and_restore_it(
            self, cloud: Cloud):
        original = cloud.create_instance()
        backup_id = cloud.back_up(original)
        cloud.client.instances.delete(original)
        cloud.wait(lambda: cloud.states(original)[0] == 'gone')
        assert [of.id for of in cloud.client.backups.list(
            instance_id=original)] == [backup_id]
        with refused(404):
            cloud.client.instances.backups(original)
        access = {'is_public': False, 'allowed_cidrs': ['192.0.2.0/24']}
        new = cloud.create_instance(
            'restored', restorePoint={'backupRef': backup_id}, access=access)
        told = cloud.client.instances.get(new).to_dict()
        assert new != original
        assert told['name'] == 'restored'
        assert told['access'] == access
        assert told['addresses'][0]['network'] == cloud.network_id

    def test_a_restore_that_fails_ends_in_error_with_the_reason(
            self, cloud: Cloud):
        point = {'backupRef': cloud.back_up(cloud.instance())}
        id_ = cloud.create(cloud.named('fail-restore'), restorePoint=point)
        assert cloud.seen(lambda: cloud.states(id_), ('ERROR', '')
                          )[0] == ('BUILD', '')
        assert cloud.client.instances.get(id_).fault['message']
