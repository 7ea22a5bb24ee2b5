"""Requests of the fake Trove about instances."""

import typing

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import scheduling
from tests.fake_trove import serialization


class Instances:
    """The requests under /instances."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def index(self, project_id: str, query: typing.Dict[str, str],
              detail: bool = False
              ) -> typing.Tuple[clouds.State, typing.Optional[str]]:
        """Return a page of a list, and the marker of the next page.

        The pages are in the order of ids. Within a page the newest instance
        is the first. The marker is the last id of the page. None if this is
        the last page.

        The limit is at most `instances_page_size`. Ghosts count as rows of a
        page. So any page may be shorter than the limit, or empty.

        :param query: the query of the URL.
        :param detail: True if the instances have the keys of instance_detail()
            in serialization.py.
        """
        clustered = query.get('include_clustered', '').lower() == 'true'
        rows = {instance['id']: instance
                for instance in self._cloud.instances.values()
                if instance['project_id'] == project_id
                and (clustered or not instance['cluster_id'])}
        ids = sorted(id_ for id_ in [*rows, *(
            ghost for ghost, owner in self._cloud.ghosts.items()
            if owner == project_id)] if id_ > query.get('marker', ''))
        largest = self._cloud.instances_page_size
        limit = min(int(query.get('limit', largest)), largest)
        marker = ids[limit - 1] if len(ids) > limit else None
        page = [rows[id_] for id_ in ids[:limit] if id_ in rows]
        page.sort(key=lambda instance: -instance['created'])
        view = (serialization.instance_detail if detail
                else serialization.instance_item)
        return {'instances': [view(self._cloud, instance)
                              for instance in page]}, marker

    def show(self, project_id: str, id_: str) -> clouds.State:
        return {'instance': serialization.instance_detail(
            self._cloud, self.get(project_id, id_))}

    def create(self, project_id: str, body: typing.Any) -> clouds.State:
        """Create an instance, and schedule its next statuses.

        :raises errors.ErrorResponse: the request is rejected.
        """
        cloud = self._cloud
        state = scheduling.build_state(cloud, project_id, body)
        id_ = cloud.add_instance(status='BUILD', project_id=project_id,
                                 **state)
        instance = cloud.instances[id_]
        plan = cloud.next_plan('instance', status='ACTIVE', fault=None,
                               seconds=cloud.build_seconds)

        def end(at: float) -> None:
            instance.update(status=plan['status'], updated=at,
                            fault=plan['fault'])
            if plan['status'] == 'ACTIVE':
                instance['operating_status'] = ''
                cloud.timeline.after(cloud.healthy_seconds, up, since=at)

        def up(at: float) -> None:
            instance['operating_status'] = None
        cloud.timeline.after(plan['seconds'], end)
        return self.show(project_id, id_)

    def act(self, project_id: str, id_: str, body: typing.Any) -> None:
        """Restart an instance, or change its flavor or its volume size.

        :param body: the body of the request, with the action.
        :raises errors.ErrorResponse: the request is rejected.
        """
        instance = self.get(project_id, id_)
        if 'reset_status' in body:
            raise errors.ErrorResponse(
                403, 'Policy does not allow instance:reset_status to be '
                'performed.')
        self._check_available(instance)
        if 'restart' in body:
            self._task(instance, 'REBOOT', {})
        elif 'volume' in body.get('resize', {}):
            self._task(instance, 'RESIZE', {
                'volume_size': int(body['resize']['volume']['size'])})
        elif 'flavorRef' in body.get('resize', {}):
            self._task(instance, 'RESIZE', {
                'flavor_id': str(body['resize']['flavorRef'])})
        else:
            raise errors.ErrorResponse(400, 'Invalid request body.')

    def delete(self, project_id: str, id_: str) -> None:
        """Delete an instance. Its backups stay.

        :raises errors.ErrorResponse: the request is rejected.
        """
        instance = self.get(project_id, id_)
        cloud = self._cloud
        if instance['status'] == 'BUILD':
            raise errors.ErrorResponse(
                422, 'Instance %s is not ready. (Status is BUILD).' % id_)
        if any(other['replica_of'] == id_
               for other in cloud.instances.values()):
            raise errors.ErrorResponse(
                403, 'Detach replicas before deleting replica source.')
        plan = cloud.next_plan('delete', status=None,
                               seconds=cloud.delete_seconds)
        # An instance in ERROR keeps this status until it is deleted.
        instance.update(status='ERROR' if instance['status'] == 'ERROR'
                        else 'SHUTDOWN', operating_status=None,
                        deleting=True, updated=cloud.clock.now())

        def end(at: float) -> None:
            if plan['status'] is None:
                cloud.instances.pop(id_, None)
            else:
                instance.update(status=plan['status'], updated=at)
        cloud.timeline.after(plan['seconds'], end)

    def get(self, project_id: str, id_: str) -> clouds.State:
        """Return the state of an instance.

        :raises errors.ErrorResponse: 404. The project has no such instance.
        """
        instance = self._cloud.instances.get(id_)
        if instance is None or instance['project_id'] != project_id:
            raise errors.not_found(id_)
        return instance

    def _check_available(self, instance: clouds.State) -> None:
        """Check that an instance is up and is not being backed up.

        :raises errors.ErrorResponse: 422.
        """
        if (instance['status'] not in clouds.UP
                or self._cloud.has_running_backup(instance['id'])):
            raise errors.not_available(
                instance['id'], serialization.status(self._cloud, instance))

    def _task(self, instance: clouds.State, status: str,
              outcome: clouds.State) -> None:
        """Run a task of `task_seconds`.

        :param status: the status of the instance during the task.
        :param outcome: the keys of the state that the task changes.
        """
        before = instance['status']
        instance.update(status=status, updated=self._cloud.clock.now())
        self._cloud.timeline.after(
            self._cloud.task_seconds, lambda at: instance.update(
                outcome, status=before, updated=at))
