"""Requests of the fake Trove about backups."""

import typing

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import keystone
from tests.fake_trove import schemas
from tests.fake_trove import serialization

#: The size of a page if the client names no limit.
PAGE = 20


class Backups:
    """The requests under /backups."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def index(self, project_id: str, query: typing.Dict[str, str]
              ) -> typing.Tuple[clouds.State, typing.Optional[str]]:
        """Return a page of a list of backups, and the marker of the next one.

        The backup with the newest change is the first. The marker is an
        offset. It is None if the page has fewer backups than the limit. So a
        full page has a marker, even if no page follows.

        :param query: the query of the URL.
        :raises errors.ErrorResponse: 403. The project may not list the backups
            of all projects.
        """
        instance_id = (query.get('instance_id')
                       if self._cloud.release.instance_filter else None)
        all_projects = query.get('all_projects') == 'True'
        if all_projects and project_id != keystone.SERVICE_PROJECT:
            raise errors.ErrorResponse(
                403, 'Policy does not allow backup:index:all_projects.')
        backups = [backup for backup in (
            self._cloud.backups.values() if all_projects
            else self._list(project_id))
            if instance_id in (None, backup['instance_id'])]
        backups.sort(key=lambda backup: -backup['updated'])
        start = int(query.get('marker', 0))
        limit = int(query.get('limit', PAGE))
        if self._cloud.max_backup_limit is not None:
            limit = min(limit, self._cloud.max_backup_limit)
        page = backups[start:start + limit]
        marker = str(start + limit) if len(page) == limit else None
        items = [serialization.backup(self._cloud, backup) for backup in page]
        if start == 0 and marker is not None:
            self._cloud.end_first_page()
        return {'backups': items}, marker

    def show(self, project_id: str, id_: str) -> clouds.State:
        return {'backup': serialization.backup(
            self._cloud, self.get(project_id, id_))}

    def create(self, project_id: str, body: typing.Any) -> clouds.State:
        request = schemas.parse_backup(body)
        cloud = self._cloud
        if 'instance' not in request:
            raise errors.ErrorResponse(400, 'instance is missing.')
        instance = cloud.instances.get(request['instance'])
        if instance is None or instance['project_id'] != project_id:
            raise errors.not_found(request['instance'])
        if (instance['status'] not in clouds.UP
                or cloud.has_running_backup(instance['id'])):
            raise errors.not_available(
                instance['id'], serialization.status(cloud, instance))
        if instance['cluster_id']:
            raise errors.ErrorResponse(
                501, 'Operation not supported for instances that are part of '
                'a cluster.')
        parent_id = self._find_parent_id(project_id, instance, request)
        limit = cloud.quotas.get('backups')
        if limit is not None and len(self._list(project_id)) >= limit:
            raise errors.quota_exceeded(['backups'])
        driver = 'swift'
        if cloud.release.storage_driver:
            driver = request.get('storage_driver', driver)
        id_ = cloud.add_backup(
            instance['id'], 'NEW', parent_id, project_id=project_id,
            name=request['name'], description=request.get('description'),
            storage_driver=driver,
            swift_container=(request.get('swift_container')
                             if cloud.release.swift_container else None))
        self._run(cloud.backups[id_])
        return self.show(project_id, id_)

    def delete(self, project_id: str, id_: str) -> None:
        """Delete a backup with all its children, as Trove does.

        Trove deletes the children first.

        :raises errors.ErrorResponse: the backup does not exist, or it or a
            child is running.
        """
        backup = self.get(project_id, id_)
        for child in self._list(project_id):
            if child['parent_id'] == id_:
                self.delete(project_id, child['id'])
        if backup['status'] in clouds.RUNNING:
            if self._cloud.release.delete_of_running == 500:
                raise errors.internal_error()
            raise errors.ErrorResponse(
                422, 'Backup %s cannot be deleted because it is running.'
                % id_)
        plan = self._cloud.next_plan(
            'delete', status=None, seconds=self._cloud.delete_seconds)
        backup['deleting'] = True

        def end(at: float) -> None:
            if id_ not in self._cloud.backups:
                return
            if plan['status'] is None:
                location = serialization.location(backup)
                # Trove has deleted the backup, but its object stays in Swift.
                if self._cloud.keeps_objects and location:
                    self._cloud.leftover_objects.add(location)
                self._cloud.backups.pop(id_, None)
            else:
                backup.update(status=plan['status'], updated=at,
                              deleting=False)
        self._cloud.timeline.after(plan['seconds'], end)

    def get(self, project_id: str, id_: str) -> clouds.State:
        """Return the state of a backup.

        :raises errors.ErrorResponse: 404. The project has no such backup.
        """
        backup = self._cloud.backups.get(id_)
        if backup is None or backup['project_id'] != project_id:
            raise errors.not_found(id_)
        return backup

    def _list(self, project_id: str) -> typing.List[clouds.State]:
        return [backup for backup in self._cloud.backups.values()
                if backup['project_id'] == project_id]

    def _find_parent_id(self, project_id: str, instance: clouds.State,
                        request: clouds.State) -> typing.Optional[str]:
        """Return the id of the parent. None for a full backup.

        Like Trove, this method does not check the instance and the status of
        the parent that a request names. If a request names no parent, an
        incremental backup gets the newest completed backup as its parent.
        """
        if request.get('parent_id'):
            return str(self.get(project_id, request['parent_id'])['id'])
        completed = [backup for backup in self._list(project_id)
                     if backup['instance_id'] == instance['id']
                     and backup['status'] == 'COMPLETED']
        if not request.get('incremental') or not completed:
            return None
        return str(max(completed,
                       key=lambda backup: backup['updated'])['id'])

    def _run(self, backup: clouds.State) -> None:
        """Schedule the next statuses of a new backup.

        The statuses are BUILDING and then, for example, COMPLETED. A backup
        with an unknown storage driver stays NEW.
        """
        cloud = self._cloud
        plan = cloud.next_plan('backup', status='COMPLETED',
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
