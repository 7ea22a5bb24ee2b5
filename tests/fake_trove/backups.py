"""What Trove does when it is asked about backups."""

import typing

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import keystone
from tests.fake_trove import schemas
from tests.fake_trove import serialization

PAGE = 20


class Backups:
    """The requests under /backups."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def index(self, project_id: str, query: typing.Dict[str, str]
              ) -> typing.Tuple[clouds.State, typing.Optional[str]]:
        """A page, newest change first; its marker is an offset.

        A page that is full has a marker, also where nothing follows.
        """
        wanted = (query.get('instance_id')
                  if self._cloud.release.instance_filter else None)
        everywhere = query.get('all_projects') == 'True'
        if everywhere and project_id != keystone.SERVICE_PROJECT:
            raise errors.Refused(403, 'Policy does not allow '
                                 'backup:index:all_projects.')
        found = [of for of in (self._cloud.backups.values() if everywhere
                               else self._of(project_id))
                 if wanted in (None, of['instance_id'])]
        found.sort(key=lambda of: -of['updated'])
        start = int(query.get('marker', 0))
        limit = int(query.get('limit', PAGE))
        page = found[start:start + limit]
        marker = str(start + limit) if len(page) == limit else None
        return {'backups': [serialization.backup(self._cloud, of)
                            for of in page]}, marker

    def show(self, project_id: str, id_: str) -> clouds.State:
        return {'backup': serialization.backup(
            self._cloud, self.get(project_id, id_))}

    def create(self, project_id: str, body: typing.Any) -> clouds.State:
        asked = schemas.backup(body)
        cloud = self._cloud
        if 'instance' not in asked:
            raise errors.Refused(400, 'instance is missing.')
        instance = cloud.instances.get(asked['instance'])
        if instance is None or instance['project_id'] != project_id:
            raise errors.not_found(asked['instance'])
        if (instance['status'] not in clouds.UP
                or cloud.running_backup(instance['id'])):
            raise errors.not_available(
                instance['id'], serialization.status(cloud, instance))
        if instance['cluster_id']:
            raise errors.Refused(501, 'Operation not supported for '
                                 'instances that are part of a cluster.')
        parent_id = self._parent(project_id, instance, asked)
        limit = cloud.quotas.get('backups')
        if limit is not None and len(self._of(project_id)) >= limit:
            raise errors.quota(['backups'])
        driver = 'swift'
        if cloud.release.storage_driver:
            driver = asked.get('storage_driver', driver)
        id_ = cloud.add_backup(
            instance['id'], 'NEW', parent_id, project_id=project_id,
            name=asked['name'], description=asked.get('description'),
            storage_driver=driver,
            swift_container=(asked.get('swift_container')
                             if cloud.release.swift_container else None))
        self._run(cloud.backups[id_])
        return self.show(project_id, id_)

    def delete(self, project_id: str, id_: str) -> None:
        """Children first: they go with their parent."""
        backup = self.get(project_id, id_)
        for child in self._of(project_id):
            if child['parent_id'] == id_:
                self.delete(project_id, child['id'])
        if backup['status'] in clouds.RUNNING:
            if self._cloud.release.delete_of_running == 500:
                raise errors.internal()
            raise errors.Refused(422, 'Backup %s cannot be deleted because '
                                 'it is running.' % id_)
        plan = self._cloud.script(
            'delete', status=None, seconds=self._cloud.delete_seconds)
        backup['deleting'] = True

        def end(at: float) -> None:
            if id_ not in self._cloud.backups:
                return
            if plan['status'] is None:
                location = serialization.location(backup)
                if self._cloud.leaves_objects and location:
                    self._cloud.left_objects.add(location)
                self._cloud.backups.pop(id_, None)
            else:
                backup.update(status=plan['status'], updated=at,
                              deleting=False)
        self._cloud.timeline.after(plan['seconds'], end)

    def get(self, project_id: str, id_: str) -> clouds.State:
        backup = self._cloud.backups.get(id_)
        if backup is None or backup['project_id'] != project_id:
            raise errors.not_found(id_)
        return backup

    def _of(self, project_id: str) -> typing.List[clouds.State]:
        return [of for of in self._cloud.backups.values()
                if of['project_id'] == project_id]

    def _parent(self, project_id: str, instance: clouds.State,
                asked: clouds.State) -> typing.Optional[str]:
        """A parent that was named is not looked at any further."""
        if asked.get('parent_id'):
            return str(self.get(project_id, asked['parent_id'])['id'])
        done = [of for of in self._of(project_id)
                if of['instance_id'] == instance['id']
                and of['status'] == 'COMPLETED']
        if not asked.get('incremental') or not done:
            return None
        return str(max(done, key=lambda of: of['updated'])['id'])

    def _run(self, backup: clouds.State) -> None:
        """NEW, BUILDING, and the end that is due."""
        cloud = self._cloud
        plan = cloud.script('backup', status='COMPLETED',
                            seconds=cloud.backup_seconds,
                            size=cloud.new_backup_size)
        if backup['storage_driver'] not in ('swift', 'cinder'):
            return

        def end(at: float) -> None:
            backup.update(status=plan['status'], updated=at)

        def start(at: float) -> None:
            backup.update(status='BUILDING', size=plan['size'], updated=at)
            cloud.timeline.after(plan['seconds'], end, since=at)
        cloud.timeline.after(cloud.start_seconds, start)
