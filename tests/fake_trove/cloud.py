"""State of the fake Trove, and methods with which tests change this state."""

import threading
import typing
import uuid

from tests.fake_trove import clock as clocks
from tests.fake_trove import releases

#: The state of an instance, of a backup or of another item, by key.
State = typing.Dict[str, typing.Any]

#: The default project of instances and backups.
PROJECT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'
#: The default network of instances.
NETWORK = '11111111-2222-4333-8444-555555555555'
#: The statuses of an instance that may be restarted or backed up.
UP = ('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED')
#: The statuses of a backup that is not finished.
RUNNING = ('NEW', 'BUILDING', 'SAVING')


class Cloud:
    """The state of the fake Trove: instances, backups, quotas and so on.

    The attributes with the suffix `_seconds` are the durations of Trove's
    tasks, in seconds of the clock. None if a task never ends.

    :param clock: the clock. None for a new one.
    :param release: the name or the version of Trove's release.
    """

    def __init__(self, clock: typing.Optional[clocks.Clock] = None,
                 release: typing.Union[str, int, float] = 26.0) -> None:
        self.clock = clock or clocks.Clock()
        self.timeline = clocks.Timeline(self.clock)
        self.release = releases.Release.parse(release)
        self.lock = threading.RLock()
        #: From BUILD to ACTIVE.
        self.build_seconds: typing.Optional[float] = 10.0
        #: From ACTIVE to the operating status HEALTHY.
        self.healthy_seconds: typing.Optional[float] = 2.0
        #: A restart, or a change of the flavor or of the volume size.
        self.task_seconds: typing.Optional[float] = 5.0
        #: A backup, from NEW to BUILDING.
        self.start_seconds: typing.Optional[float] = 1.0
        #: A backup, from BUILDING to its end.
        self.backup_seconds: typing.Optional[float] = 10.0
        #: The deletion of an instance or of a backup.
        self.delete_seconds: typing.Optional[float] = 2.0
        #: Whether users may read quotas.
        self.shows_quotas = True
        #: Whether lists contain inactive versions, as for administrators.
        self.shows_inactive_versions = False
        #: The limits of a project, by the keys instances, backups, volumes
        #: (GB) and ram (MB). Without a key there is no limit.
        self.quotas: typing.Dict[str, int] = {}
        #: GB.
        self.max_volume_size = 1000
        #: GB.
        self.new_backup_size = 0.1
        #: Largest page of instances: the option instances_page_size of
        #: trove.conf.
        self.instances_page_size = 20
        #: Largest page of backups. None if any limit is accepted, as in 26.0.
        self.max_backup_limit: typing.Optional[int] = None
        #: The RAM of each public flavor in MB, by id.
        self.flavors = {'1': 512, '2': 2048, '3': 4096}
        #: The same for flavors that are in no list. Trove accepts their ids.
        self.private_flavors: typing.Dict[str, int] = {}
        #: The volume types that all datastore versions require. If there are
        #: any, Trove rejects a request with another type or without a type.
        self.volume_types: typing.Set[str] = set()
        #: The versions of each datastore. The first datastore, and the first
        #: version of a datastore, are the defaults.
        self.datastores = {'mysql': ['8.0'],
                           'postgresql': ['18', '17', '16']}
        #: The ids of renamed versions, by datastore and new name.
        self.version_ids: typing.Dict[typing.Tuple[str, str], str] = {}
        #: The inactive versions, as pairs (datastore, version).
        self.inactive_versions = {('postgresql', '16')}
        #: The configuration groups by id. A missing key of a group has a
        #: default value, see Configurations._view().
        self.configurations: typing.Dict[str, State] = {}
        #: Whether Trove masks a value if its name looks like a password.
        self.masks_values = True
        #: The types of the parameters that a configuration group may have.
        self.parameters: typing.Dict[str, type] = {
            'max_connections': int, 'work_mem': str,
            'log_min_duration_statement': int, 'password_encryption': str}
        #: Whether the object of a deleted backup stays in Swift.
        self.keeps_objects = False
        #: The URLs of objects whose backups are deleted.
        self.leftover_objects: typing.Set[str] = set()
        #: Ghosts: rows for instances that pages count but never show, as
        #: {id: project}.
        self.ghosts: typing.Dict[str, str] = {}
        self._instances: typing.Dict[str, State] = {}
        self._backups: typing.Dict[str, State] = {}
        self._between_pages: typing.List[str] = []
        #: How the next creations and deletions end, in their order.
        self.plans: typing.Dict[str, typing.List[State]] = {
            'instance': [], 'backup': [], 'delete': []}

    @property
    def instances(self) -> typing.Dict[str, State]:
        """The states of the instances by id. Tests may change them in place.

        Each access first makes the scheduled changes that are due.
        """
        with self.lock:
            self.timeline.catch_up()
            return self._instances

    @property
    def backups(self) -> typing.Dict[str, State]:
        """The states of the backups by id. Tests may change them in place.

        Each access first makes the scheduled changes that are due.
        """
        with self.lock:
            self.timeline.catch_up()
            return self._backups

    @property
    def accepted_flavors(self) -> typing.Dict[str, int]:
        """The RAM of all public and private flavors in MB, by id."""
        return {**self.flavors, **self.private_flavors}

    def add_instance(self, name: str = 'db', status: str = 'ACTIVE',
                     **kw: typing.Any) -> str:
        """Add an instance whose state does not change by itself.

        :param kw: further keys of the instance's state, or other values.
        :returns: the id of the instance.
        """
        now = self.clock.now()
        instance: State = {
            'id': str(uuid.uuid4()), 'project_id': PROJECT, 'name': name,
            'status': status, 'operating_status': None, 'flavor_id': '2',
            'datastore': self.version('postgresql', '18'),
            'volume_size': 2, 'network_id': NETWORK, 'access': None,
            'replica_of': None, 'configuration_id': None, 'locality': None,
            'region': 'RegionOne', 'cluster_id': None, 'fault': None,
            'databases': [], 'users': [],
            'deleting': False, 'created': now, 'updated': now}
        instance.update(kw)
        self.instances[instance['id']] = instance
        return str(instance['id'])

    def lose_server(self, instance_id: str) -> None:
        """Let Nova lose the server of a ready instance.

        From now on Trove shows the status SHUTDOWN, as during a deletion. The
        instance exists until a client deletes it.
        """
        self.instances[instance_id].update(
            status='SHUTDOWN', operating_status=None)

    def start_deletion(self, instance_id: str, seconds: float) -> None:
        """Let a user delete an instance.

        :param seconds: how long the deletion takes.
        """
        self.instances[instance_id].update(
            status='SHUTDOWN', operating_status=None, deleting=True)
        self.timeline.after(
            seconds, lambda at: self.instances.pop(instance_id, None)
            and None)

    def return_server(self, instance_id: str) -> None:
        """Let Nova have the lost server of an instance again."""
        self.instances[instance_id].update(status='ACTIVE')

    def add_backup(self, instance_id: str, status: str = 'COMPLETED',
                   parent_id: typing.Optional[str] = None,
                   **kw: typing.Any) -> str:
        """Add a backup whose state does not change by itself.

        :param parent_id: the id of the parent. None for a full backup.
        :param kw: further keys of the backup's state, or other values.
        :returns: the id of the backup.
        """
        now = self.clock.now()
        instance = self.instances.get(instance_id, {})
        backup: State = {
            'id': str(uuid.uuid4()), 'name': 'backup', 'description': None,
            'project_id': instance.get('project_id', PROJECT),
            'instance_id': instance_id, 'status': status,
            'parent_id': parent_id, 'deleting': False,
            'size': self.new_backup_size if status == 'COMPLETED' else None,
            'datastore': instance.get(
                'datastore', self.version('postgresql', '18')),
            'swift_container': None, 'storage_driver': 'swift',
            'databases': instance.get('databases', []),
            'users': instance.get('users', []),
            'created': now, 'updated': now}
        backup.update(kw)
        self.backups[backup['id']] = backup
        return str(backup['id'])

    def next_instance(self, status: str = 'ERROR',
                      seconds: typing.Optional[float] = 1.0,
                      fault: typing.Optional[str] = None) -> None:
        """Set how the creation of the next instance ends.

        Several calls are for the next instances, in the order of the calls.

        :param status: the status of the instance at the end.
        :param seconds: how long the creation takes. None if it never ends.
        :param fault: the message of the instance's fault.
        """
        self.plans['instance'].append(
            {'status': status, 'seconds': seconds, 'fault': fault})

    def next_backup(self, status: str = 'FAILED',
                    seconds: typing.Optional[float] = 1.0,
                    size: typing.Optional[float] = None) -> None:
        """Set how the creation of the next backup ends.

        Several calls are for the next backups, in the order of the calls.

        :param status: the status of the backup at the end.
        :param seconds: how long the backup takes. None if it never ends.
        :param size: the size in GB. By default new_backup_size.
        """
        self.plans['backup'].append({
            'status': status, 'seconds': seconds,
            'size': self.new_backup_size if size is None else size})

    def next_delete(self, status: typing.Optional[str] = None,
                    seconds: typing.Optional[float] = None) -> None:
        """Set how the next deletion of an instance or of a backup ends.

        Several calls are for the next deletions, in the order of the calls.

        :param status: the status after a failed deletion, for example
            DELETE_FAILED or ERROR. None if the deletion succeeds.
        :param seconds: how long the deletion takes. None if it never ends.
        """
        self.plans['delete'].append({'status': status, 'seconds': seconds})

    def delete_between_pages(self, *backup_ids: str) -> None:
        """Delete backups while clients read lists of backups page by page.

        One of these backups is deleted each time that a client has read the
        first page of a list with several pages. The next page begins at an
        offset. So if the deleted backup was on the first page, the client
        misses the first backup of the second page.
        """
        self._between_pages.extend(backup_ids)

    def end_first_page(self) -> None:
        """Delete the next backup of delete_between_pages().

        The fake calls this method when a client has read a first page.
        """
        if self._between_pages:
            self.backups.pop(self._between_pages.pop(0), None)

    def next_plan(self, kind: str, **default: typing.Any) -> State:
        """Return how a creation or a deletion that begins now will end.

        :param kind: 'instance', 'backup' or 'delete'.
        :param default: the result if a test has set no other end.
        """
        plans = self.plans[kind]
        return plans.pop(0) if plans else default

    def version(self, type_: str, version: str) -> State:
        """Return a datastore version as in the state of an instance.

        :param type_: the name of the datastore.
        :param version: the name of the version.
        """
        version_id = self.version_ids.get((type_, version)) or str(
            uuid.uuid5(uuid.NAMESPACE_DNS, type_ + '-' + version))
        return {'type': type_, 'version': version, 'version_number': version,
                'version_id': version_id}

    def rename_version(self, type_: str, old: str, new: str) -> None:
        """Rename a datastore version. Its id stays the same."""
        versions = self.datastores[type_]
        renamed = self.version(type_, old)
        self.version_ids[type_, new] = renamed['version_id']
        versions[versions.index(old)] = new
        for state in [*self.instances.values(), *self.backups.values()]:
            if state['datastore'] == renamed:
                state['datastore'] = dict(self.version(type_, new),
                                          version_number=old)

    def has_running_backup(self, instance_id: str) -> bool:
        """Return True if a backup of an instance is not finished."""
        return any(backup['instance_id'] == instance_id
                   and backup['status'] in RUNNING
                   for backup in self.backups.values())
