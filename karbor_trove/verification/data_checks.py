# SPDX-License-Identifier: Apache-2.0

"""Checks of the verification levels "backup" and "data".

These checks restore nothing.
"""

from typing import Callable, Iterator, List, Mapping, Optional, Tuple
from typing import TypeVar

from karbor_trove.backups import chain as backup_chain
from karbor_trove.bank import manifests
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.preflight import compatibility
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import request_queue
from karbor_trove.trove import shared_poll
from karbor_trove.trove import swift

# A failure names this many objects at most, because all reasons of a
# verification share 64 kB [resources_reason in Karbor's models, on MySQL].
_MAX_PROBLEMS = 20
T = TypeVar('T')


class DataChecks:
    """Checks one backup, its chain and its datastore version.

    Each method raises errors.ResourceFailed if the backup is not intact or
    cannot be restored.
    """

    def __init__(self, client: trove_client.TroveClient,
                 deadline: polling.Deadline, poller: polling.Poller,
                 swift_queue: request_queue.RequestQueue) -> None:
        """Create the checks. No request is sent yet.

        :param deadline: when all checks together have to end.
        :param swift_queue: limits how many requests are sent to Swift at the
            same time.
        """
        self._swift_queue = swift_queue
        self._client = client
        self._deadline = deadline
        self._poller = poller

    def check_chain(self, backup_id: str,
                    listed: Mapping[str, models.Backup]
                    ) -> List[models.Backup]:
        """Check that all backups in the chain of a backup are complete.

        :param backup_id: the id of the newest backup of the chain.
        :param listed: backups of the project by id, from a recent list. If the
            list lacks a backup of the chain, the backup is read from Trove.
        :returns: the chain, from this backup to its root.
        :raises errors.ResourceFailed: a backup is not complete, or a backup is
            its own ancestor.
        :raises errors.KarborTroveError: a backup does not exist, or could not
            be read.
        """
        def get_complete_backup(link_id: str) -> models.Backup:
            backup = listed.get(link_id) or self._wait_for(
                lambda: self._client.get_backup(link_id),
                'backup %s could not be read' % link_id)
            if not backup.is_complete:
                raise errors.ResourceFailed(
                    backup_chain.describe_incomplete(backup, backup_id))
            return backup

        return list(backup_chain.walk_to_root(get_complete_backup, backup_id))

    def check_version(
            self, instance: models.Instance, catalog: trove_catalog.Catalog,
            poll: shared_poll.SharedPoll[List[models.DatastoreVersion]]
            ) -> str:
        """Check that the original instance's datastore version is active.

        The check passes if the version was not recorded, or if Trove rejects
        the request for the versions. In both cases the returned message says
        that the version was not checked.

        :param instance: the original instance, as recorded in the bank.
        :param catalog: lists the versions, and keeps the list. Other checks
            may share the catalog.
        :param poll: calls the catalog, and repeats the call during an outage.
            If several checks share a catalog, they share this poll too.
        :returns: a message for the user.
        :raises errors.ResourceFailed: the version is not active.
        :raises errors.KarborTroveError: the versions could not be listed.
        """
        datastore, version = instance.datastore, instance.datastore_version
        if not datastore or not version:
            return ('datastore: its version was not recorded, so it was not '
                    'checked')
        try:
            active = poll.read(
                lambda names: {name: catalog.list_versions(name)
                               for name in names}, datastore, self._deadline,
                'the versions of datastore %s could not be listed'
                % datastore)
        except errors.Rejected as error:
            return ('datastore: could not check whether version %s is active: '
                    '%s' % (version, error))
        matching = compatibility.list_matching_versions(instance, catalog)
        if not matching:
            raise errors.ResourceFailed(
                'version %s of datastore %s does not exist or is not active, '
                'active versions: %s' % (version, datastore, ', '.join(sorted(
                    {active_version.name for active_version in active}))
                    or 'none'))
        return 'datastore: %s %s is active' % (datastore, matching[0].name)

    def check_data(self, chain: List[models.Backup],
                   store: manifests.ManifestStore) -> List[str]:
        """Check that the objects of a chain in Swift have not changed.

        The objects are compared with the manifests that protect operations
        recorded. If the bank has no readable manifest of a backup, the
        segments of the backup are compared with Swift's own manifest. In that
        case a backup without segments is not compared.

        :param chain: the backups of the chain.
        :param store: the recorded manifests.
        :returns: messages for the user.
        :raises errors.ResourceFailed: objects are missing or changed. The
            message names these objects.
        :raises errors.Rejected: this user is not allowed to read the objects,
            or Trove does not return their location in Swift.
        :raises errors.KarborTroveError: the objects could not be read.
        """
        problems: List[str] = []
        messages: List[str] = []
        objects = size = 0
        for backup in chain:
            manifest = self._find_manifest(backup)
            if manifest is None:
                problems.append('backup %s: its object is missing: %s'
                                % (backup.id, backup.location))
                continue
            recorded = None
            reason = 'no manifest of backup %s was recorded' % backup.id
            try:
                recorded = store.read(backup.id)
            except errors.Rejected as error:
                reason = str(error)
            if recorded is None:
                messages.append('data: %s, so %s' % (
                    reason, 'its segments were compared with its manifest'
                    if manifest.segments else 'its object was not compared'))
            else:
                objects += 1 + len(recorded.segments)
                size += recorded.backup_object.bytes
            expected = recorded or manifest
            problems += ['backup %s: %s' % (backup.id, problem)
                         for problem in (
                             *_check_object(expected.backup_object,
                                            manifest.backup_object),
                             *self._check_segments(expected.segments))]
        if len(problems) > _MAX_PROBLEMS:
            problems[_MAX_PROBLEMS:] = [
                'and %d more' % (len(problems) - _MAX_PROBLEMS)]
        if problems:
            raise errors.ResourceFailed('\n'.join(problems))
        if objects:
            messages.insert(0, 'data: %d objects of %d bytes in Swift are '
                            'unchanged' % (objects, size))
        return messages

    def _find_manifest(self, backup: models.Backup
                       ) -> Optional[models.BackupManifest]:
        """Return the manifest that Swift has now for a backup.

        :returns: the manifest. None if the object of the backup does not
            exist.
        :raises errors.Rejected: the location of the backup is not known, or
            this user is not allowed to read the object.
        """
        if not swift.is_in_swift(backup.location):
            raise errors.Rejected('Trove does not return the location of '
                                  'backup %s in Swift' % backup.id)
        return self._find(swift.get_manifest, str(backup.location))

    def _check_segments(self, expected: Tuple[models.ObjectInfo, ...]
                        ) -> Iterator[str]:
        for segment in expected:
            yield from _check_object(
                segment, self._find(swift.get_segment, segment.name))

    def _find(self, get: Callable[[trove_client.TroveClient, str], T],
              name: str) -> Optional[T]:
        def get_in_turn() -> T:
            with self._swift_queue.wait_for_turn():
                return get(self._client, name)

        try:
            return self._wait_for(get_in_turn,
                                  '%s could not be read' % name)
        except errors.NotFound:
            return None

    def _wait_for(self, check: Callable[[], Optional[T]], description: str
                  ) -> T:
        return self._poller.wait_for(check, self._deadline, description)


def _check_object(expected: models.ObjectInfo,
                  actual: Optional[models.ObjectInfo]) -> Iterator[str]:
    """Yield a sentence if an object in Swift is missing or has changed.

    :param expected: the object as it has to be.
    :param actual: the object as it is now. None if the object does not exist.
    """
    if actual is None:
        yield '%s is missing' % expected.name
    elif actual.bytes != expected.bytes:
        yield '%s has %d bytes instead of %d' % (
            expected.name, actual.bytes, expected.bytes)
    elif actual.etag != expected.etag:
        yield '%s has other bytes: its etag is %s instead of %s' % (
            expected.name, actual.etag, expected.etag)
