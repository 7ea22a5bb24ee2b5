# SPDX-License-Identifier: Apache-2.0

"""Polls and lists of backups, shared by the resources of a flow."""

import functools
from typing import Callable, Dict, Iterable, List, Mapping, Optional
from typing import Sequence, Tuple, TypeVar, Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import batch_reads
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import shared_poll

T = TypeVar('T')
Backups = Dict[str, models.Backup]
#: A backup, or the error of its read.
Answer = Union[models.Backup, errors.KarborTroveError]

# The kinds of lists of all backups: a list that is requested after the call,
# and a list that is up to 30 s old.
_NOW = 'now'
_RECENT = 'recent'


class BackupList(Dict[str, models.Backup]):
    """All backups of a project by id, as Trove listed them.

    Several resources may use the same list, so do not change it.
    """

    @functools.cached_property
    def children(self) -> Dict[str, List[models.Backup]]:
        """Return the children of each backup, by the id of the backup.

        A backup without children is not in the result. The first call reads
        the whole list. The later calls return the same result.
        """
        children: Dict[str, List[models.Backup]] = {}
        for backup in self.values():
            if backup.parent_id is not None:
                children.setdefault(backup.parent_id, []).append(backup)
        return children


class BackupPolls:
    """Reads the backups of one project for all resources of a flow.

    Resources that need backups at the same time share the requests to Trove.
    """

    def __init__(self, poller: polling.Poller) -> None:
        """Create the object. No request is sent yet.

        :param poller: has the poll interval and the clock of all polls.
        """
        self._clock = poller.clock
        self._statuses: shared_poll.SharedPoll[models.Backup] = (
            shared_poll.SharedPoll(poller))
        self._lists: shared_poll.SharedPoll[BackupList] = (
            shared_poll.SharedPoll(poller))
        self._groups: shared_poll.SharedPoll[Backups] = (
            shared_poll.SharedPoll(poller))
        #: The last list that list_recent_backups() requested. The first item
        #: of the tuple is the time before the first request of this list, in
        #: seconds of the clock. None if there is no such list.
        self._recent: Optional[Tuple[float, BackupList]] = None
        #: How many backups the last list had. 0 before the first list.
        self._count = 0
        #: The largest number of backups that were awaited at the same time.
        self._most_awaited = 0

    def wait_for(self, client: trove_client.TroveClient, backup_id: str,
                 check: Callable[[models.Backup], Optional[T]],
                 deadline: polling.Deadline, description: str,
                 outage_timeout: Optional[float] = None) -> T:
        """Poll a backup until a check returns a result.

        If other resources wait for backups too, one poll reads all these
        backups. See shared_poll.SharedPoll.wait_for() for the details.

        :param client: sends the requests while this resource polls for all
            waiting resources of the flow.
        :param check: returns the result for the backup. To keep waiting, the
            function returns None or raises errors.Pending.
        :param deadline: when the wait ends.
        :param description: the beginning of the error message, for example
            "backup 1 is not complete".
        :param outage_timeout: the longest outage in seconds. None means that
            only the deadline ends the wait.
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: the deadline has passed without a
            result, or an outage was longer than `outage_timeout`.
        :raises Exception: an error of the read or of the check, except
            errors.Unreachable and errors.Pending. For example, errors.NotFound
            if Trove does not have the backup.
        """
        def read(ids: List[str]) -> Dict[str, Answer]:
            # An outdated list would use memory as long as the polls go on.
            self._find_recent()
            # A backup that becomes complete moves to the beginning of Trove's
            # list. So the complete backups of the flow precede the others.
            self._most_awaited = max(self._most_awaited, len(ids))
            return batch_reads.read_backups(client, ids,
                                            least_size=self._most_awaited)

        return self._statuses.wait_for(read, backup_id, check, deadline,
                                       description, outage_timeout)

    def read_backups(self, client: trove_client.TroveClient,
                     backup_ids: Sequence[str], deadline: polling.Deadline,
                     description: str) -> Backups:
        """Return several backups by id, as Trove shows them after this call.

        If several resources call this method at the same time, they share the
        requests. The backups are read with GETs, or from the pages of Trove's
        list if these are probably fewer requests.

        :param backup_ids: the ids of the backups, at least one.
        :param deadline: when to stop trying during an outage.
        :param description: the beginning of the error message. It says what
            failed.
        :returns: the backups. A backup that does not exist is not in the
            result.
        :raises errors.KarborTroveError: a backup could not be read.
        """
        # A shared poll has one id for each wait. Ids have no spaces.
        def read(keys: List[str]
                 ) -> Dict[str, Union[Backups, errors.KarborTroveError]]:
            answers = batch_reads.read_backups(
                client, list(dict.fromkeys(' '.join(keys).split())),
                self._count)
            return {key: _collect(answers, key.split()) for key in keys}

        return self._groups.read(read, ' '.join(backup_ids), deadline,
                                 description)

    def list_backups(self, client: trove_client.TroveClient,
                     deadline: polling.Deadline) -> BackupList:
        """Return all backups of the project, by id.

        Every call requests a new list from Trove. If several resources call
        this method at the same time, they get the same list. So do not change
        the list.

        :param deadline: when to stop trying during an outage.
        :raises errors.KarborTroveError: the backups could not be listed.
        """
        return self._read_list(client, _NOW, deadline)

    def list_recent_backups(self, client: trove_client.TroveClient,
                            deadline: polling.Deadline) -> BackupList:
        """Return all backups of the project by id, from a list up to 30 s old.

        The method keeps the list that it returns. If this list is older than
        30 s at the next call, the method requests a new list. Other callers
        may get the same list, so do not change it. The first poll of
        wait_for() after the 30 s discards the list.

        :param deadline: when to stop trying during an outage.
        :raises errors.KarborTroveError: the backups could not be listed.
        """
        return self._read_list(client, _RECENT, deadline)

    def _read_list(self, client: trove_client.TroveClient, kind: str,
                   deadline: polling.Deadline) -> BackupList:
        def read(kinds: List[str]) -> Dict[str, BackupList]:
            backups = None if _NOW in kinds else self._find_recent()
            if backups is None:
                start = self._clock.now()
                backups = BackupList(client.list_backups())
                self._count = len(backups)
                if _RECENT in kinds:
                    self._recent = start, backups
            return dict.fromkeys(kinds, backups)

        return self._lists.read(read, kind, deadline,
                                'the backups could not be listed')

    def _find_recent(self) -> Optional[BackupList]:
        """Return the last recent list, and discard it if it is too old."""
        # Read the attribute once, because another thread may set it to None.
        recent = self._recent
        if recent is not None and (
                self._clock.now() - recent[0] >= timeouts.BACKUPS_VALID):
            self._recent = recent = None
        return None if recent is None else recent[1]


def _collect(answers: Mapping[str, Answer], backup_ids: Iterable[str]
             ) -> Union[Backups, errors.KarborTroveError]:
    """Return some of the backups that were read, by id.

    :param answers: the backups or the errors of the reads, by id.
    :param backup_ids: the ids of the wanted backups.
    :returns: the backups. A backup that does not exist is not in the result.
        If a backup could not be read, the error is returned instead.
    """
    backups: Backups = {}
    for id_ in backup_ids:
        answer = answers[id_]
        if isinstance(answer, models.Backup):
            backups[id_] = answer
        elif not isinstance(answer, errors.NotFound):
            return answer
    return backups
