"""State of the fake Trove, and the methods that tests change it with."""

import threading
import typing
import uuid

from tests.fake_trove import clock as clocks
from tests.fake_trove import releases

State = typing.Dict[str, typing.Any]

PROJECT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'
NETWORK = '11111111-2222-4333-8444-555555555555'
#: The statuses of an instance that may be restarted or backed up.
UP = ('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED')
RUNNING = ('NEW', 'BUILDING', 'SAVING')


class Cloud:
    """Instances, backups, quotas and what else the fake Trove holds.

    Each attribute *_seconds is how long Trove takes, in seconds of the clock.
    None if Trove never ends it.
    """

    def __init__(self, clock: typing.Optional[clocks.Clock] = None,
                 release: typing.Union[str, int, float] = 26.0) -> None:
        self.clock = clock or clocks.Clock()
        self.timeline = clocks.Timeline(self.clock)
        self.release = releases.Release.parse(release)
        self.lock = threading.RLock()
        self.build_seconds: typing.Optional[float] = 10.0
        self.healthy_seconds: typing.Optional[float] = 2.0
        self.task_seconds: typing.Optional[float] = 5.0
        self.start_seconds: typing.Optional[float] = 1.0
        self.backup_seconds: typing.Optional[float] = 10.0
        self.delete_seconds: typing.Optional[float] = 2.0
        self.shows_quotas = True
        #: Whether lists contain inactive versions, as for administrators.
        self.shows_inactive_versions = False
        #: Keys: instances, backups, volumes (GB), ram (MB). A resource without
        #: a key has no limit.
        self.quotas: typing.Dict[str, int] = {}
        self.max_volume_size = 1000
        self.new_backup_size = 0.1
        #: Largest page of instances: instances_page_size of trove.conf.
        self.instances_page_size = 20
        #: Largest page of backups. None if any limit is accepted, as in 26.0.
        self.max_backup_limit: typing.Optional[int] = None
        self.flavors = {'1': 512, '2': 2048, '3': 4096}  # MB of RAM
        #: Flavors that no list has. Trove accepts them by id.
        self.private_flavors: typing.Dict[str, int] = {}
        #: The volume types to which all versions are bound. Trove then
        #: rejects a request without one of them.
        self.volume_types: typing.Set[str] = set()
        #: The first datastore and the first version of each are the defaults.
        self.datastores = {'mysql': ['8.0'],
                           'postgresql': ['18', '17', '16']}
        #: The ids of renamed versions, by datastore and new name.
        self.version_ids: typing.Dict[typing.Tuple[str, str], str] = {}
        self.inactive_versions = {('postgresql', '16')}
        #: The configuration groups, by id. Absent keys of a group have
        #: default values.
        self.configurations: typing.Dict[str, State] = {}
        #: Whether values that look like passwords are masked.
        self.masks_values = True
        #: The types of the values that a configuration group may have.
        self.parameters: typing.Dict[str, type] = {
            'max_connections': int, 'work_mem': str,
            'log_min_duration_statement': int, 'password_encryption': str}
        #: Whether the object of a deleted backup stays in Swift.
        self.keeps_objects = False
        #: The URLs of objects whose backups are deleted.
        self.leftover_objects: typing.Set[str] = set()
        #: Rows that Trove counts in pages but never shows: id -> project.
        self.ghosts: typing.Dict[str, str] = {}
        self._instances: typing.Dict[str, State] = {}
        self._backups: typing.Dict[str, State] = {}
        self._between_pages: typing.List[str] = []
        self.plans: typing.Dict[str, typing.List[State]] = {
            'instance': [], 'backup': [], 'delete': []}

    @property
    def instances(self) -> typing.Dict[str, State]:
        """The current instances by id. Tests may change them in place."""
        with self.lock:
            self.timeline.catch_up()
            return self._instances

    @property
    def backups(self) -> typing.Dict[str, State]:
        """The current backups by id. Tests may change them in place."""
        with self.lock:
            self.timeline.catch_up()
            return self._backups

    @property
    def accepted_flavors(self) -> typing.Dict[str, int]:
        """The RAM of public and private flavors by id, in MB."""
        return {**self.flavors, **self.private_flavors}

    def add_instance(self, name: str = 'db', status: str = 'ACTIVE',
                     **kw: typing.Any) -> str:
        """Add an instance whose state does not change by itself.

        :param kw: other keys of its state.
        :returns: its id.
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
        """Delete the server of a ready instance in Nova, without Trove.

        Trove shows SHUTDOWN from now on, as during a deletion. The instance
        stays until a client deletes it.
        """
        self.instances[instance_id].update(
            status='SHUTDOWN', operating_status=None)

    def start_deletion(self, instance_id: str, seconds: float) -> None:
        """Let a user delete an instance, which takes so many seconds."""
        self.instances[instance_id].update(
            status='SHUTDOWN', operating_status=None, deleting=True)
        self.timeline.after(
            seconds, lambda at: self.instances.pop(instance_id, None)
            and None)

    def return_server(self, instance_id: str) -> None:
        """Let Nova have the server again."""
        self.instances[instance_id].update(status='ACTIVE')

    def add_backup(self, instance_id: str, status: str = 'COMPLETED',
                   parent_id: typing.Optional[str] = None,
                   **kw: typing.Any) -> str:
        """Add a backup whose state does not change by itself.

        :param kw: other keys of its state.
        :returns: its id.
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

        :param seconds: how long it takes. None if it never ends.
        """
        self.plans['instance'].append(
            {'status': status, 'seconds': seconds, 'fault': fault})

    def next_backup(self, status: str = 'FAILED',
                    seconds: typing.Optional[float] = 1.0,
                    size: typing.Optional[float] = None) -> None:
        """Set how the creation of the next backup ends.

        :param seconds: how long it takes. None if it never ends.
        :param size: in GB, by default new_backup_size.
        """
        self.plans['backup'].append({
            'status': status, 'seconds': seconds,
            'size': self.new_backup_size if size is None else size})

    def next_delete(self, status: typing.Optional[str] = None,
                    seconds: typing.Optional[float] = None) -> None:
        """Set how the next deletion ends.

        :param status: the status after it, like DELETE_FAILED or ERROR. None
            if the item is deleted.
        :param seconds: how long it takes. None if it never ends.
        """
        self.plans['delete'].append({'status': status, 'seconds': seconds})

    def delete_between_pages(self, *backup_ids: str) -> None:
        """Delete backups while clients list backups page by page.

        Each of the next lists with more than one page loses one of these
        backups after its first page. Pages begin at an offset, so the list
        then lacks the first backup of the second page, if the deleted one was
        on the first page.
        """
        self._between_pages.extend(backup_ids)

    def end_first_page(self) -> None:
        """Delete the next of those backups: a client has a first page."""
        if self._between_pages:
            self.backups.pop(self._between_pages.pop(0), None)

    def next_plan(self, kind: str, **default: typing.Any) -> State:
        """Return how this creation or deletion ends, as a test set it."""
        plans = self.plans[kind]
        return plans.pop(0) if plans else default

    def version(self, type_: str, version: str) -> State:
        """Return a datastore version as instances and backups hold it."""
        version_id = self.version_ids.get((type_, version)) or str(
            uuid.uuid5(uuid.NAMESPACE_DNS, type_ + '-' + version))
        return {'type': type_, 'version': version, 'version_number': version,
                'version_id': version_id}

    def rename_version(self, type_: str, old: str, new: str) -> None:
        """Rename a datastore version, which keeps its id."""
        versions = self.datastores[type_]
        renamed = self.version(type_, old)
        self.version_ids[type_, new] = renamed['version_id']
        versions[versions.index(old)] = new
        for state in [*self.instances.values(), *self.backups.values()]:
            if state['datastore'] == renamed:
                state['datastore'] = dict(self.version(type_, new),
                                          version_number=old)

    def has_running_backup(self, instance_id: str) -> bool:
        return any(backup['instance_id'] == instance_id
                   and backup['status'] in RUNNING
                   for backup in self.backups.values())
