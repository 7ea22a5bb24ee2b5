"""What we rely on when we make, list and delete backups."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import refused

KEYS = {'created', 'datastore', 'description', 'id', 'instance_id',
        'locationRef', 'name', 'parent_id', 'project_id', 'size', 'status',
        'updated'}


class BackupBehaviour:

    def test_a_backup_is_new_then_building_then_completed(
            self, cloud: Cloud):
        id_ = cloud.instance()
        made = cloud.client.backups.create(cloud.named('slow-backup-2'), id_)
        assert made.status == 'NEW'
        seen = cloud.seen(lambda: cloud.status(made.id), 'COMPLETED')
        assert seen in (['NEW', 'BUILDING', 'COMPLETED'],
                        ['BUILDING', 'COMPLETED'])

    def test_a_backup_tells_its_own_story(self, cloud: Cloud):
        id_ = cloud.instance()
        backup_id = cloud.back_up(id_, 'nightly', description='before "it"')
        told = cloud.client.backups.get(backup_id).to_dict()
        [item] = [of.to_dict() for of in cloud.client.backups.list()
                  if of.id == backup_id]
        assert item == told
        assert set(told) == KEYS
        assert (told['name'], told['description']) == ('nightly',
                                                       'before "it"')
        assert told['instance_id'] == id_
        assert told['parent_id'] is None
        assert isinstance(told['size'], float)
        assert told['locationRef'].endswith(backup_id + '.tar.gz')
        assert set(told['datastore']) == {'type', 'version', 'version_id'}

    def test_an_instance_being_backed_up_says_so_and_refuses_a_second(
            self, cloud: Cloud):
        id_ = cloud.instance()
        made = cloud.client.backups.create(cloud.named('slow-backup-2'), id_)
        cloud.wait(lambda: cloud.status(made.id) == 'BUILDING')
        assert cloud.states(id_) == ('BACKUP', 'HEALTHY')
        with refused(422, 'instance status was BACKUP'):
            cloud.client.backups.create('second', id_)
        cloud.wait(lambda: cloud.status(made.id) == 'COMPLETED')
        assert cloud.states(id_) == ('ACTIVE', 'HEALTHY')

    def test_a_running_backup_cannot_be_deleted(self, cloud: Cloud):
        id_ = cloud.instance()
        made = cloud.client.backups.create(cloud.named('slow-backup-2'), id_)
        with refused(500):
            cloud.client.backups.delete(made.id)
        cloud.wait(lambda: cloud.status(made.id) == 'COMPLETED')
        cloud.delete(made.id)

    def test_nor_can_the_parent_of_a_running_one(self, cloud: Cloud):
        id_ = cloud.instance()
        parent = cloud.back_up(id_, 'full')
        child = cloud.client.backups.create(
            cloud.named('slow-backup-2'), id_, parent_id=parent)
        with refused(500):
            cloud.client.backups.delete(parent)
        cloud.wait(lambda: cloud.status(child.id) == 'COMPLETED')
        assert cloud.status(parent) == 'COMPLETED'

    def test_a_failed_backup_stays_and_can_be_deleted(self, cloud: Cloud):
        backup_id = cloud.back_up(cloud.instance(),
                                  cloud.named('fail-backup'))
        told = cloud.client.backups.get(backup_id)
        assert told.status == 'FAILED'
        assert told.locationRef is None
        cloud.delete(backup_id)

    def test_a_deleted_backup_is_not_found(self, cloud: Cloud):
        backup_id = cloud.back_up(cloud.instance())
        cloud.client.backups.delete(backup_id)
        seen = cloud.seen(lambda: cloud.status(backup_id), 'gone')
        assert set(seen) <= {'COMPLETED', 'gone'}
        with refused(404, 'cannot be found'):
            cloud.client.backups.delete(backup_id)

    def test_a_parent_takes_all_its_children_along(self, cloud: Cloud):
        id_ = cloud.instance()
        full = cloud.back_up(id_, 'full')
        child = cloud.back_up(id_, 'child', parent_id=full)
        grandchild = cloud.back_up(id_, 'grandchild', parent_id=child)
        cloud.client.backups.delete(full)
        for backup_id in grandchild, child, full:
            cloud.wait(lambda: cloud.status(backup_id) == 'gone')

    def test_a_child_goes_alone(self, cloud: Cloud):
        id_ = cloud.instance()
        full = cloud.back_up(id_, 'full')
        cloud.delete(cloud.back_up(id_, 'child', parent_id=full))
        assert cloud.status(full) == 'COMPLETED'

    def test_incremental_means_on_top_of_the_newest_completed_one(
            self, cloud: Cloud):
        id_ = cloud.instance()
        cloud.back_up(id_, 'first')
        newest = cloud.back_up(id_, 'second')
        cloud.back_up(id_, cloud.named('fail-backup'))
        backup_id = cloud.back_up(id_, 'on top', incremental=True)
        assert cloud.client.backups.get(backup_id).parent_id == newest

    def test_incremental_without_any_backup_is_a_full_one(
            self, cloud: Cloud):
        backup_id = cloud.back_up(cloud.instance(), incremental=True)
        assert cloud.client.backups.get(backup_id).parent_id is None

    def test_a_quota_counts_them_also_failed_ones(self, cloud: Cloud):
        id_ = cloud.instance()
        project_id = cloud.client.backups.get(cloud.back_up(id_)).project_id

        def used() -> int:
            [told] = [of for of in cloud.client.quota.show(project_id)
                      if of.resource == 'backups']
            assert told.limit
            return int(told.in_use) + int(told.reserved)

        before = used()
        cloud.back_up(id_)
        cloud.back_up(id_, cloud.named('fail-backup'))
        assert used() == before + 2

    def test_a_failed_parent_is_accepted(self, cloud: Cloud):
        id_ = cloud.instance()
        failed = cloud.back_up(id_, cloud.named('fail-backup'))
        made = cloud.client.backups.create('child', id_, parent_id=failed)
        assert made.parent_id == failed
        cloud.wait(lambda: cloud.status(made.id) in ('COMPLETED', 'FAILED'))

    def test_backups_are_listed_by_instance_newest_first(
            self, cloud: Cloud):
        id_ = cloud.instance()
        expected = []
        for name in 'one', 'two', 'three', 'four':
            expected.insert(0, cloud.back_up(id_, name))
        assert [of.id for of in cloud.client.backups.list(instance_id=id_)
                ] == expected
        assert [of.id for of in cloud.client.instances.backups(id_)
                ] == expected
        assert not cloud.client.backups.list(instance_id=expected[0])

    def test_the_marker_of_backups_is_an_offset(self, cloud: Cloud):
        id_ = cloud.instance()
        made = [cloud.back_up(id_, name) for name in ('one', 'two')]
        first = cloud.client.backups.list(limit=1, instance_id=id_)
        assert first.next == '1'
        last = cloud.client.backups.list(limit=1, marker=1, instance_id=id_)
        assert {first[0].id, last[0].id} == set(made)
        assert last.next == '2', 'though nothing follows'
        assert cloud.client.backups.list(
            limit=1, marker=2, instance_id=id_).next is None

    @pytest.mark.parametrize('key', ['name', 'description'])
    @pytest.mark.parametrize('value', [
        '', '---', ' ', 'x' * 256, 'two\nlines', '\u6570\u636e', None])
    def test_words_that_are_refused(self, cloud: Cloud, key, value):
        with refused(400, 'Validation error'):
            cloud.post('/backups', {'backup': {
                'name': 'nightly', 'instance': cloud.instance(), key: value}})

    @pytest.mark.parametrize('value', [
        'x' * 255, ' Nightly ', '7', '\u6570\u636e 1', '<b>"\'%s\\'])
    def test_words_that_are_kept_exactly(self, cloud: Cloud, value):
        backup_id = cloud.back_up(cloud.instance(), value, description=value)
        told = cloud.client.backups.get(backup_id)
        assert (told.name, told.description) == (value, value)
