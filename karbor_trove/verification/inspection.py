# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What can be said of a backup without restoring it."""

import functools
from typing import Callable, Iterator, List, Optional, Tuple, TypeVar

from karbor_trove.backups import chain as backup_chain
from karbor_trove.bank import manifests
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.preflight import compatibility
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client
from karbor_trove.trove import models
from karbor_trove.trove import swift

# Of the objects that are wrong so many are named: all reasons of a
# verification share 64 kB [resources_reason in Karbor's models, on MySQL].
_NAMED = 20
Result = TypeVar('Result')


class Inspection:
    """Looks at one backup and at all that it hangs on.

    What it says is a line each, for who reads the verification.
    """

    def __init__(self, gateway: client.TroveClient, deadline: polling.Deadline,
                 interval: float) -> None:
        """Make it; nothing is asked yet.

        :param deadline: of all looks together.
        :param interval: seconds between two looks that fail.
        """
        self._gateway = gateway
        self._deadline = deadline
        self._interval = interval
        self._begun = False

    def chain(self, backup_id: str) -> List[models.Backup]:
        """Follow a backup to the full one.

        :raises errors.TroveError: a link is missing or not complete, or
            nobody could tell.
        """
        return list(backup_chain.walk_to_root(
            lambda link_id: self._link(link_id, backup_id), backup_id))

    def _link(self, next_id: str, first_id: str) -> models.Backup:
        backup = self._wait(lambda: self._gateway.get_backup(next_id),
                            'backup %s could not be looked at' % next_id)
        if not backup.is_complete:
            raise errors.ResourceFailed(
                backup_chain.describe_incomplete(backup, first_id))
        return backup

    def version(self, instance: models.Instance,
                catalog: trove_catalog.Catalog) -> str:
        """See that the datastore still has the version of the original.

        :param instance: as recorded; one whose version is not known passes.
        :raises errors.TroveError: it has not, or nobody could tell.
        """
        datastore, version = instance.datastore, instance.datastore_version
        if not datastore or not version:
            return ('datastore: its version was not recorded, so it was not '
                    'looked at')
        try:
            active = self._wait(
                lambda: catalog.list_versions(datastore),
                'the versions of datastore %s could not be listed'
                % datastore)
        except errors.Rejected as error:
            return ('datastore: whether version %s is active could not be '
                    'found out: %s' % (version, error))
        if not compatibility.matching_versions(instance, catalog):
            raise errors.ResourceFailed(
                'version %s of datastore %s is not there or not active; '
                'active are: %s' % (version, datastore, ', '.join(sorted(
                    {one.name for one in active})) or 'none'))
        return 'datastore: %s %s is active' % (datastore, version)

    def data(self, chain: List[models.Backup], kept: manifests.ManifestStore
             ) -> List[str]:
        """See that the objects of a chain are the ones that were made.

        :param kept: what was recorded when they were made.
        :raises errors.Refused: this user may not look at them.
        :raises errors.TroveError: some are not; they are named.
        """
        problems: List[str] = []
        said: List[str] = []
        compared = size = 0
        for backup in chain:
            found = self._object(backup)
            if found is None:
                problems.append('backup %s: its object is missing: %s'
                                % (backup.id, backup.location))
                continue
            was, remark = _recorded(backup, found, kept)
            said += remark
            if not remark:
                compared += 1 + len(was.segments)
                size += was.whole.bytes
            problems += ['backup %s: %s' % (backup.id, one) for one in (
                *differences(was.whole, found.whole),
                *self._changed(was.segments))]
        if problems:
            more = len(problems) - _NAMED
            raise errors.ResourceFailed('\n'.join(problems[:_NAMED] + (
                ['and %d more' % more] if more > 0 else [])))
        return ['data: %d objects of %d bytes in Swift are as they were made'
                % (compared, size)] * bool(compared) + said

    def _object(self,
                backup: models.Backup) -> Optional[models.BackupManifest]:
        location = backup.location
        if not location or not location.startswith('http'):
            raise errors.Rejected('Trove does not tell where in Swift backup '
                                  '%s is' % backup.id)
        try:
            return self._wait(lambda: swift.get_manifest(self._gateway, location),
                              '%s could not be looked at' % location)
        except errors.NotFound:
            return None

    def _changed(self, segments: Tuple[models.ObjectInfo, ...]
                 ) -> Iterator[str]:
        for was in segments:
            now: Optional[models.ObjectInfo]
            try:
                now = self._wait(
                    functools.partial(swift.get_segment, self._gateway,
                                      was.name),
                    '%s could not be looked at' % was.name)
            except errors.NotFound:
                now = None
            yield from differences(was, now)

    def _wait(self, look: Callable[[], Optional[Result]], what: str) -> Result:
        # A wait looks once at the least; many of them would never end.
        if self._begun and not self._deadline.remaining:
            raise errors.DeadlineExceeded('%s: given up after %g s' % (
                what, self._deadline.seconds))
        self._begun = True
        return polling.wait_for(look, self._deadline, self._interval, what)


def _recorded(backup: models.Backup, found: models.BackupManifest,
              kept: manifests.ManifestStore) -> Tuple[models.BackupManifest, List[str]]:
    """Give what has to be there, and what is to be said of that."""
    why = 'nothing was recorded of backup %s when it was made' % backup.id
    try:
        was = kept.read(backup.id)
    except errors.Rejected as error:
        was, why = None, str(error)
    if was is not None:
        return was, []
    return found, ['data: %s, so %s' % (
        why, 'its segments were compared with its manifest'
        if found.segments else 'its object was not compared')]


def differences(was: models.ObjectInfo,
                now: Optional[models.ObjectInfo]) -> Iterator[str]:
    """Say what is wrong with an object: nothing, or one sentence.

    :param was: as it has to be.
    :param now: as it is; None: it is gone.
    """
    if now is None:
        yield '%s is missing' % was.name
    elif now.bytes != was.bytes:
        yield '%s has %d bytes instead of %d' % (was.name, now.bytes,
                                                 was.bytes)
    elif now.etag != was.etag:
        yield '%s has other bytes: its etag is %s instead of %s' % (
            was.name, now.etag, was.etag)
