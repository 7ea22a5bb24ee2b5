"""What the fake Trove holds, and how it comes to be there."""

import threading
import typing
import uuid

from tests.fake_trove import clock as clocks
from tests.fake_trove import releases as releases

State = typing.Dict[str, typing.Any]

PROJECT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'
NETWORK = '11111111-2222-4333-8444-555555555555'
#: The statuses of an instance that may be restarted or backed up.
UP = ('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED')
RUNNING = ('NEW', 'BUILDING', 'SAVING')


class Cloud:
    """Instances, backups and the rest; seconds are the clock's.

    Each *_seconds says how long Trove takes; None: for ever.
    """

    def __init__(self, clock: typing.Optional[clocks.Clock] = None,
                 release: typing.Union[str, int, float] = 26.0) -> None:
        self.clock = clock or clocks.Clock()
        self.timeline = clocks.Timeline(self.clock)
        self.release = releases.Release.named(release)
        self.lock = threading.RLock()
        self.build_seconds: typing.Optional[float] = 10.0
        self.healthy_seconds: typing.Optional[float] = 2.0
        self.task_seconds: typing.Optional[float] = 5.0
        self.start_seconds: typing.Optional[float] = 1.0
        self.backup_seconds: typing.Optional[float] = 10.0
        self.delete_seconds: typing.Optional[float] = 2.0
        self.tells_quotas = True
        #: Whether versions that are not active are told, as administrators
        #: are.
        self.tells_inactive = False
        #: Missing: without limit. Keys: instances, backups, volumes (GB),
        #: ram (MB).
        self.quotas: typing.Dict[str, int] = {}
        self.max_volume_size = 1000
        self.new_backup_size = 0.1
        self.flavors = {'1': 512, '2': 2048, '3': 4096}  # MB of RAM
        #: The first is the default one, and so is the first version of each.
        self.datastores = {'mysql': ['8.0'],
                           'postgresql': ['18', '17', '16']}
        self.inactive_versions = {('postgresql', '16')}
        self.configurations: typing.Dict[str, State] = {}
        #: Rows that Trove's pages count and never show: id -> project.
        #: Whether Trove forgets a backup and leaves its object in Swift.
        self.leaves_objects = False
        #: The URLs of objects whose backups are gone.
        self.left_objects: typing.Set[str] = set()
        self.ghosts: typing.Dict[str, str] = {}
        self._instances: typing.Dict[str, State] = {}
        self._backups: typing.Dict[str, State] = {}
        self.scripts: typing.Dict[str, typing.List[State]] = {
            'instance': [], 'backup': [], 'delete': []}

    @property
    def instances(self) -> typing.Dict[str, State]:
        """What is there now, by id; may be changed in place."""
        with self.lock:
            self.timeline.catch_up()
            return self._instances

    @property
    def backups(self) -> typing.Dict[str, State]:
        """What is there now, by id; may be changed in place."""
        with self.lock:
            self.timeline.catch_up()
            return self._backups

    def add_instance(self, name: str = 'db', status: str = 'ACTIVE',
                     **kw: typing.Any) -> str:
        """Put an instance there that never changes by itself.

        :param kw: any other key of its state
        :returns: its id
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

    def add_backup(self, instance_id: str, status: str = 'COMPLETED',
                   parent_id: typing.Optional[str] = None,
                   **kw: typing.Any) -> str:
        """Put a backup there that never changes by itself.

        :param kw: any other key of its state
        :returns: its id
        """
        now = self.clock.now()
        of = self.instances.get(instance_id, {})
        backup: State = {
            'id': str(uuid.uuid4()), 'name': 'backup', 'description': None,
            'project_id': of.get('project_id', PROJECT),
            'instance_id': instance_id, 'status': status,
            'parent_id': parent_id, 'deleting': False,
            'size': self.new_backup_size if status == 'COMPLETED' else None,
            'datastore': of.get(
                'datastore', self.version('postgresql', '18')),
            'swift_container': None, 'storage_driver': 'swift',
            'databases': of.get('databases', []),
            'users': of.get('users', []),
            'created': now, 'updated': now}
        backup.update(kw)
        self.backups[backup['id']] = backup
        return str(backup['id'])

    def next_instance(self, status: str = 'ERROR',
                      seconds: typing.Optional[float] = 1.0,
                      fault: typing.Optional[str] = None) -> None:
        """How the next new instance ends; seconds None: it never does."""
        self.scripts['instance'].append(
            {'status': status, 'seconds': seconds, 'fault': fault})

    def next_backup(self, status: str = 'FAILED',
                    seconds: typing.Optional[float] = 1.0,
                    size: typing.Optional[float] = None) -> None:
        """How the next new backup ends; seconds None: it never does.

        :param size: GB; None: as every new backup
        """
        self.scripts['backup'].append({
            'status': status, 'seconds': seconds,
            'size': self.new_backup_size if size is None else size})

    def next_delete(self, status: typing.Optional[str] = None,
                    seconds: typing.Optional[float] = None) -> None:
        """What becomes of the next thing that is deleted.

        :param status: what it then has, as DELETE_FAILED or ERROR; None: it
            goes
        :param seconds: None: nothing ever happens
        """
        self.scripts['delete'].append({'status': status, 'seconds': seconds})

    def script(self, kind: str, **default: typing.Any) -> State:
        """What a test ordered for this one, or the default."""
        ordered = self.scripts[kind]
        return ordered.pop(0) if ordered else default

    def version(self, type_: str, version: str) -> State:
        """A datastore's version as an instance or a backup carries it."""
        return {'type': type_, 'version': version, 'version_number': version,
                'version_id': str(uuid.uuid5(
                    uuid.NAMESPACE_DNS, type_ + '-' + version))}

    def running_backup(self, instance_id: str) -> bool:
        return any(backup['instance_id'] == instance_id
                   and backup['status'] in RUNNING
                   for backup in self.backups.values())
