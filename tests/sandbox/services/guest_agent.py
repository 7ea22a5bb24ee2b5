"""Guest agent that runs a real PostgreSQL for each instance.

Trove's option remote_guest_client names the class Guest. A word in the name of
an instance or of a backup makes a request fail, hang or take longer. A name
may contain several of these words:

===================  =====================================================
fail-create          the database does not start, the instance ends in ERROR
hang-create          the instance stays in BUILD
slow-create-5        the creation takes 5 seconds longer
fail-restore, hang-restore, slow-restore-5
                     the same, for an instance created from a backup
without-database     no database is started, but the instance is healthy
fail-backup          the backup ends in FAILED
hang-backup          the backup stays in BUILDING
slow-backup-5        the backup takes 5 seconds longer
slow-report-5        the backup is uploaded at once, and its final status is
                     reported 5 seconds later
huge-backup          the backup reports a size of 500 GB
slow-restart-5       a restart takes 5 seconds longer, in status REBOOT
slow-delete-5        a deletion takes 5 seconds longer, in status SHUTDOWN
corrupt-backup       the backup completes, but its object in Swift has only
                     the first half of the bytes. Only a restore detects this
===================  =====================================================

The words for backups work in the name of the backup and in the name of its
instance. The words for restores work in the name of the new instance and in
the name of the backup. All other words work in the name of the instance.
"""

from collections.abc import Mapping
import time
from typing import Any

import eventlet
from oslo_log import log
from oslo_utils import timeutils
from trove.backup import models as models_of_backups
from trove.backup import state
from trove.common import cfg
from trove.common import clients
from trove.conductor import api as conductor
from trove.instance import models
from trove.instance.service_status import ServiceStatuses

from tests.sandbox.services import accounts
from tests.sandbox.services import backups
from tests.sandbox.services import cloud
from tests.sandbox.services import postgres
from tests.sandbox.services import virtual_machines

LOG = log.getLogger(__name__)
#: The size of a huge backup in GB.
HUGE = 500.0


class Guest(accounts.Accounts):
    """The guest agent of one instance.

    Trove calls the public methods. In a real cloud, these calls are RPC
    messages to the agent on the instance's server.
    """

    def __init__(self, context: Any, instance_id: str,
                 manager: Any = None) -> None:
        self._context = context
        self._machine = virtual_machines.machine(instance_id)

    @property
    def _server(self) -> postgres.Server:
        return self._machine.server

    def _report(self, status: Any) -> None:
        """Report the status of the database to Trove's conductor."""
        virtual_machines.report(self._context, self._machine, status)

    def prepare(self, memory_mb: int, packages: Any, databases: Any,
                users: Any, backup_info: 'dict[str, Any] | None' = None,
                overrides: 'Mapping[str, object] | None' = None,
                ds_version: str = '', **_: Any) -> None:
        """Create the database in another green thread.

        :param backup_info: the backup to restore. None for an empty database.
        :param overrides: the values of the configuration group.
        """
        self._machine.settings = dict(overrides or {})
        eventlet.spawn_n(self._prepare, databases or [], users or [],
                         backup_info, ds_version)

    def _prepare(self, databases: list[Any], users: list[Any],
                 backup_info: 'dict[str, Any] | None',
                 version: str) -> None:
        instance = models.DBInstance.find_by(id=self._machine.instance_id)
        try:
            time.sleep(self._machine.prepare_seconds)
            if backup_info:
                backup = models_of_backups.Backup.get_by_id(
                    self._context, backup_info['id'])
                virtual_machines.misbehave('restore',
                                           f'{instance.name} {backup.name}')
            else:
                virtual_machines.misbehave('create', instance.name)
            if 'without-database' not in instance.name:
                self._fill(backup_info, version)
                self._server.start(self._machine.settings)
                self.create_database(databases)
                self.create_user(users)
                self._machine.ready = True
        # After any error the tenant must see an instance in ERROR.
        except Exception:
            LOG.exception('The database of instance %s did not start',
                          self._machine.instance_id)
            self._report(ServiceStatuses.FAILED)
        else:
            self._report(ServiceStatuses.HEALTHY)

    def _fill(self, backup_info: 'dict[str, Any] | None',
              version: str) -> None:
        """Create the data of the database.

        :param backup_info: the backup to restore. None for an empty database.
        :param version: the datastore version.
        :raises virtual_machines.Misbehaved: the version does not exist, or is
            not active.
        """
        if (cloud.DATASTORE, version, True) not in cloud.VERSIONS:
            raise virtual_machines.Misbehaved(
                f'there is no datastore version {version!r}')
        if backup_info is None:
            self._server.create()
            return
        with self._server.workspace() as directory:
            self._server.restore(backups.load_chain(
                clients.create_swift_client(self._context),
                backup_info['location'], backup_info['checksum'], directory))

    def create_backup(self, backup_info: dict[str, Any]) -> None:
        eventlet.spawn_n(self._create_backup, backup_info)

    def _create_backup(self, info: dict[str, Any]) -> None:
        instance = models.DBInstance.find_by(id=self._machine.instance_id)
        names = f'{info["name"]} {instance.name}'
        size = HUGE if 'huge-backup' in names else self._server.size
        self._update(info, state=state.BackupState.BUILDING, size=size)
        try:
            virtual_machines.misbehave('backup', names)
            checksum, location = self._upload(info, 'corrupt-backup' in names)
            virtual_machines.misbehave('report', names)
        # After any error the backup must not stay in BUILDING.
        except Exception:
            LOG.exception('Backup %s failed', info['id'])
            self._update(info, state=state.BackupState.FAILED)
        else:
            self._update(info, state=state.BackupState.COMPLETED,
                         checksum=checksum, location=location)

    def _upload(self, info: dict[str, Any], corrupt: bool) -> tuple[str, str]:
        """Create a backup of the database and upload it to Swift.

        :param info: the backup as Trove describes it.
        :param corrupt: True to upload only the first half of the bytes.
        :returns: the checksum and the location (URL) of the backup.
        """
        swift = clients.create_swift_client(self._context)
        metadata = {'datastore': info['datastore'],
                    'datastore-version': info['datastore_version']}
        parent = info.get('parent')
        with self._server.workspace() as directory:
            archive = directory / 'new.tar.gz'
            parent_archive = None
            if parent:
                metadata['parent-location'] = parent['location']
                metadata['parent-checksum'] = parent['checksum']
                parent_archive = directory / 'parent.tar.gz'
                backups.load(swift, parent['location'], parent['checksum'],
                             parent_archive)
            self._server.back_up(archive, parent_archive)
            if corrupt:
                with open(archive, 'r+b') as packed:
                    packed.truncate(archive.stat().st_size // 2)
            return backups.save(
                swift, info.get('swift_container')
                or cfg.CONF.backup_swift_container,
                info['id'], archive, metadata)

    def _update(self, info: dict[str, Any], **fields: Any) -> None:
        """Report changes of a backup to Trove's conductor."""
        conductor.API(self._context).update_backup(
            self._machine.instance_id, info['id'],
            sent=timeutils.utcnow_ts(microsecond=True), **fields)

    def backup_required_for_replication(self) -> bool:
        return True

    def get_replication_snapshot(self, snapshot_info: dict[str, Any],
                                 replica_source_config: Any = None,
                                 ) -> dict[str, Any]:
        """Create the backup from which Trove creates a replica.

        The sandbox does not replicate. So the replica stays as it is after
        the restore.
        """
        self._create_backup(snapshot_info)
        return {'dataset': {'snapshot_id': snapshot_info['id']}}

    def detach_replica(self, for_failover: bool = False) -> None:
        """Do nothing, because replicas do not follow their source."""

    def stop_db(self, **_: Any) -> None:
        self._server.stop()

    def restart(self) -> None:
        self._server.stop()
        instance = models.DBInstance.find_by(id=self._machine.instance_id)
        virtual_machines.misbehave('restart', instance.name)
        self._server.start(self._machine.settings)
        self._report(ServiceStatuses.HEALTHY)

    def start_db_with_conf_changes(self, config_contents: Any,
                                   ds_version: Any) -> None:
        self.restart()

    def update_overrides(self, overrides: Mapping[str, object],
                         remove: bool = False) -> None:
        self._machine.settings = {} if remove else dict(overrides)

    def apply_overrides(self, overrides: Mapping[str, object]) -> None:
        self.restart()

    def get_volume_info(self) -> dict[str, float]:
        return {'used': self._server.size, 'total': 0}
