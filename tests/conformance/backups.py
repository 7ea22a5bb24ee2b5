"""Tests of how Trove creates, lists and deletes backups."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import http_error

#: The keys of a backup in a response.
KEYS = {'created', 'datastore', 'description', 'id', 'instance_id',
        'locationRef', 'name', 'parent_id', 'project_id', 'size', 'status',
        'updated'}


class BackupBehaviour:
    """Tests of backups."""

    def test_a_backup_is_new_then_building_then_completed(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        backup = cloud.client.backups.create(
            cloud.build_name('slow-backup-2'), id_)
        assert backup.status == 'NEW'
        statuses = cloud.collect_states(
            lambda: cloud.get_backup_status(backup.id), 'COMPLETED')
        assert statuses in (['NEW', 'BUILDING', 'COMPLETED'],
                            ['BUILDING', 'COMPLETED'])

    def test_a_backup_has_the_expected_properties(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        backup_id = cloud.create_backup(id_, 'nightly',
                                        description='before "it"')
        backup = cloud.client.backups.get(backup_id).to_dict()
        [item] = [item.to_dict() for item in cloud.client.backups.list()
                  if item.id == backup_id]
        assert item == backup
        assert set(backup) == KEYS
        assert (backup['name'], backup['description']) == (
            'nightly', 'before "it"')
        assert backup['instance_id'] == id_
        assert backup['parent_id'] is None
        assert isinstance(backup['size'], float)
        assert backup['locationRef'].endswith(backup_id + '.tar.gz')
        assert set(backup['datastore']) == {'type', 'version', 'version_id'}

    def test_a_second_backup_is_rejected_while_the_first_one_runs(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        backup = cloud.client.backups.create(
            cloud.build_name('slow-backup-2'), id_)
        cloud.wait_for(
            lambda: cloud.get_backup_status(backup.id) == 'BUILDING')
        assert cloud.get_statuses(id_) == ('BACKUP', 'HEALTHY')
        with http_error(422, 'instance status was BACKUP'):
            cloud.client.backups.create('second', id_)
        cloud.wait_for(
            lambda: cloud.get_backup_status(backup.id) == 'COMPLETED')
        assert cloud.get_statuses(id_) == ('ACTIVE', 'HEALTHY')

    def test_a_running_backup_cannot_be_deleted(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        backup = cloud.client.backups.create(
            cloud.build_name('slow-backup-2'), id_)
        with http_error(cloud.release.delete_of_running):
            cloud.client.backups.delete(backup.id)
        cloud.wait_for(
            lambda: cloud.get_backup_status(backup.id) == 'COMPLETED')
        cloud.delete_backups(backup.id)

    def test_the_parent_of_a_running_backup_cannot_be_deleted(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        parent = cloud.create_backup(id_, 'full')
        child = cloud.client.backups.create(
            cloud.build_name('slow-backup-2'), id_, parent_id=parent)
        with http_error(cloud.release.delete_of_running):
            cloud.client.backups.delete(parent)
        cloud.wait_for(
            lambda: cloud.get_backup_status(child.id) == 'COMPLETED')
        assert cloud.get_backup_status(parent) == 'COMPLETED'

    def test_a_failed_backup_stays_and_can_be_deleted(self, cloud: Cloud):
        backup_id = cloud.create_backup(cloud.get_shared_instance(),
                                        cloud.build_name('fail-backup'))
        backup = cloud.client.backups.get(backup_id)
        assert backup.status == 'FAILED'
        assert backup.locationRef is None
        cloud.delete_backups(backup_id)

    def test_a_deleted_backup_is_not_found(self, cloud: Cloud):
        backup_id = cloud.create_backup(cloud.get_shared_instance())
        cloud.client.backups.delete(backup_id)
        statuses = cloud.collect_states(
            lambda: cloud.get_backup_status(backup_id), 'deleted')
        assert set(statuses) <= {'COMPLETED', 'deleted'}
        with http_error(404, 'cannot be found'):
            cloud.client.backups.delete(backup_id)

    def test_deleting_a_parent_deletes_all_its_children(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        full = cloud.create_backup(id_, 'full')
        child = cloud.create_backup(id_, 'child', parent_id=full)
        grandchild = cloud.create_backup(id_, 'grandchild', parent_id=child)
        cloud.client.backups.delete(full)
        for backup_id in grandchild, child, full:
            cloud.wait_for(
                lambda: cloud.get_backup_status(backup_id) == 'deleted')

    def test_deleting_a_child_does_not_delete_its_parent(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        full = cloud.create_backup(id_, 'full')
        cloud.delete_backups(cloud.create_backup(id_, 'child', parent_id=full))
        assert cloud.get_backup_status(full) == 'COMPLETED'

    def test_the_default_parent_is_the_newest_completed_backup(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        cloud.create_backup(id_, 'first')
        newest = cloud.create_backup(id_, 'second')
        cloud.create_backup(id_, cloud.build_name('fail-backup'))
        backup_id = cloud.create_backup(id_, 'on top', incremental=True)
        assert cloud.client.backups.get(backup_id).parent_id == newest

    def test_an_incremental_backup_without_a_parent_is_a_full_one(
            self, cloud: Cloud):
        backup_id = cloud.create_backup(cloud.get_shared_instance(),
                                        incremental=True)
        assert cloud.client.backups.get(backup_id).parent_id is None

    def test_the_quota_of_backups_counts_failed_ones(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        project_id = cloud.client.backups.get(
            cloud.create_backup(id_)).project_id

        def used() -> int:
            [quota] = [quota for quota in cloud.client.quota.show(project_id)
                       if quota.resource == 'backups']
            assert quota.limit
            return int(quota.in_use) + int(quota.reserved)

        before = used()
        cloud.create_backup(id_)
        cloud.create_backup(id_, cloud.build_name('fail-backup'))
        assert used() == before + 2

    def test_a_failed_parent_is_accepted(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        failed = cloud.create_backup(id_, cloud.build_name('fail-backup'))
        child = cloud.client.backups.create('child', id_, parent_id=failed)
        assert child.parent_id == failed
        cloud.wait_for(lambda: cloud.get_backup_status(child.id) in (
            'COMPLETED', 'FAILED'))

    def test_backups_are_listed_by_instance_newest_first(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        expected = []
        for name in 'one', 'two', 'three', 'four':
            expected.insert(0, cloud.create_backup(id_, name))
        assert [backup.id for backup in cloud.client.backups.list(
            instance_id=id_)] == expected
        assert [backup.id for backup in cloud.client.instances.backups(id_)
                ] == expected
        assert not cloud.client.backups.list(instance_id=expected[0])

    def test_the_marker_of_backups_is_an_offset(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        ids = [cloud.create_backup(id_, name) for name in ('one', 'two')]
        first = cloud.client.backups.list(limit=1, instance_id=id_)
        assert first.next == '1'
        last = cloud.client.backups.list(limit=1, marker=1, instance_id=id_)
        assert {first[0].id, last[0].id} == set(ids)
        # The last page has a marker although no page follows.
        assert last.next == '2'
        assert cloud.client.backups.list(
            limit=1, marker=2, instance_id=id_).next is None

    @pytest.mark.parametrize('key', ['name', 'description'])
    @pytest.mark.parametrize('value', [
        '', '---', ' ', 'x' * 256, 'two\nlines', '\u6570\u636e', None])
    def test_invalid_names_and_descriptions_are_rejected(
            self, cloud: Cloud, key, value):
        with http_error(400, 'Validation error'):
            cloud.post('/backups', {'backup': {
                'name': 'nightly', 'instance': cloud.get_shared_instance(),
                key: value}})

    @pytest.mark.parametrize('value', [
        'x' * 255, ' Nightly ', '7', '\u6570\u636e 1', '<b>"\'%s\\'])
    def test_valid_names_and_descriptions_are_stored_unchanged(
            self, cloud: Cloud, value):
        backup_id = cloud.create_backup(cloud.get_shared_instance(), value,
                                        description=value)
        backup = cloud.client.backups.get(backup_id)
        assert (backup.name, backup.description) == (value, value)
