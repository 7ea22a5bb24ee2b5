# SPDX-License-Identifier: Apache-2.0

"""State that the operations of one flow share.

A flow is one operation of Karbor on all resources of a checkpoint.
"""

import json
import re
import threading
from typing import Callable, Dict, FrozenSet, List, Optional, Set, Tuple
from typing import NamedTuple, Union

from oslo_log import log as logging

from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import configuration_group
from karbor_trove.operations import notifications
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove import timeouts
from karbor_trove.trove import backup_polls
from karbor_trove.trove import batch_reads
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import recent_instances
from karbor_trove.trove import request_queue
from karbor_trove.trove import shared_poll

LOG = logging.getLogger(__name__)

#: The largest size in bytes of the JSON of all reasons of a record. See
#: FlowState.set_status().
_MAX_BYTES = 60000
#: How many items of a list stay in a reason that is shortened.
_MAX_ITEMS = 20
#: The maximum number of requests to Swift that the checks of a verification
#: send at the same time.
_MAX_SWIFT_REQUESTS = 8
#: The type and the id of a resource.
Key = Tuple[str, str]
#: The context of a user, and the client with the rights of this user. If
#: Keystone did not respond, the error takes the place of the client.
_Connection = Tuple[karbor_types.RequestContext,
                    Union[trove_client.TroveClient, errors.Unreachable]]


class FlowState:
    """The state that the resources of one flow share.

    The resources share the client, the polls and the results of the preflight
    checks. They also set their statuses in Karbor's record through this
    object, which writes one status after the other.

    If two resources wrote at the same time, one status could be lost. The
    cause is save() of Karbor's record. It stores all changes and then marks
    all changes as stored. A change that is made during save() is marked but
    not stored [karbor/objects/restore.py, 1.6.0].
    """

    def __init__(self, poller: polling.Poller,
                 max_concurrent_requests: int) -> None:
        """Create the state of one flow.

        :param poller: has the poll interval and the clock of all waits. The
            clock also measures how long Karbor's database is unavailable.
        :param max_concurrent_requests: the maximum number of requests for
            backups or instances that are sent at the same time.
        """
        self._clock = poller.clock
        self.notifier = notifications.Notifier()
        self.backups = backup_polls.BackupPolls(poller)
        self.instances: shared_poll.SharedPoll[models.Instance] = (
            shared_poll.SharedPoll(poller))
        self.instance_reader = batch_reads.InstanceReader()
        self.recent_instances = recent_instances.RecentInstances(poller.clock)
        self.request_queue = request_queue.RequestQueue(
            max_concurrent_requests, poller.clock)
        self.versions: shared_poll.SharedPoll[
            List[models.DatastoreVersion]] = shared_poll.SharedPoll(poller)
        self._catalog: Optional[trove_catalog.Catalog] = None
        #: The last client. None before the first client.
        self._connection: Optional[_Connection] = None
        self._connections: shared_poll.SharedPoll[_Connection] = (
            shared_poll.SharedPoll(poller))
        self._status_lock = threading.Lock()
        #: The last status and the last reason of each resource. `_updated`
        #: holds the status and the reason that Karbor's record has.
        self._reported: Dict[Key, Tuple[str, _Reason]] = {}
        self._updated: Dict[Key, Tuple[str, str]] = {}
        self._sections: Dict[Key, Optional[karbor_types.BankSection]] = {}
        #: The full reasons that are in the log.
        self._long_reasons: Dict[Key, str] = {}
        #: The full reasons that the bank does not have yet.
        self._unwritten: List[Tuple[karbor_types.BankSection, str]] = []
        # Only one resource checks the whole flow. The other resources wait in
        # this queue, and then use the result. A turn of this queue stands for
        # all checks, not for one request. After the checks no resource waits.
        self._preflight_queue = request_queue.RequestQueue(1, poller.clock)
        # Only one resource of a restore at a time lists the instances or
        # creates a configuration group. The other resources wait in this
        # queue, and then use the result.
        self._restore_queue = request_queue.RequestQueue(1, poller.clock)
        #: Limits how many requests to Swift the checks of a verification send
        #: at the same time.
        self.swift_queue = request_queue.RequestQueue(
            _MAX_SWIFT_REQUESTS, poller.clock)
        self._is_checked = False
        self._error: Optional[Exception] = None
        #: The problems that check_once() found. Karbor passes each resource
        #: its own parameters only, so each resource of a protect operation
        #: adds the problems of its parameters.
        self.problems: preflight_problems.Problems = {}
        #: The ids of the instances that this restore has created.
        self.created_ids: Set[str] = set()
        self._earlier_ids: Optional[FrozenSet[str]] = None
        #: By the id of a deleted configuration group: the group that the
        #: restore has created in its place, or the error of the creation.
        self._groups: Dict[str, Union[configuration_group.RecreatedGroup,
                                      Exception]] = {}
        #: What the preflight checks could not check, one sentence each. These
        #: sentences are part of the reason of a success.
        self.unchecked: List[str] = []
        #: Why the protect operation leaves an instance out of the checkpoint,
        #: by the id of the instance.
        self.omissions: Dict[str, str] = {}
        #: The ids of the instances that had the status SHUTDOWN when Karbor or
        #: the protect operation read them. Trove may be deleting them.
        self.shutdown_ids: Set[str] = set()
        #: The temporary instances of earlier verifications that still exist,
        #: one sentence each, by the id of the original instance.
        self.leftovers: Dict[str, List[str]] = {}

    def get_client(self, context: karbor_types.RequestContext,
                   connect: Callable[[], trove_client.TroveClient]
                   ) -> trove_client.TroveClient:
        """Return a client of Trove. All resources share its connections.

        If several resources call this method at the same time, one of them
        creates the client, and the others wait for it. If Keystone does not
        respond, the waiting resources get the same error, or the error of the
        next attempt. So their timeouts do not add up.

        :param context: the context of the user's request. Karbor passes the
            same context to all resources of a flow. If a context differs from
            that of the last call, a new client is created.
        :param connect: creates a client. This may send requests to Keystone.
        :raises errors.KarborTroveError: connect() raised this error, or
            another resource did not create the client within 60 s.
        """
        connection = self._connection
        while connection is None or connection[0] is not context:
            connection = self._connections.wait_for(
                lambda names: dict.fromkeys(
                    names, self._find_or_connect(context, connect)),
                'client', lambda answer: answer,
                polling.Deadline(timeouts.FIND_TROVE, self._clock),
                'Trove could not be found', is_urgent=True)
        client = connection[1]
        if isinstance(client, errors.Unreachable):
            raise errors.Unreachable(str(client), client.retry_after
                                     ) from client
        return client

    def _find_or_connect(self, context: karbor_types.RequestContext,
                         connect: Callable[[], trove_client.TroveClient]
                         ) -> _Connection:
        """Return the last client if it is for this context, or create one.

        :raises errors.KarborTroveError: connect() raised this error, except
            errors.Unreachable.
        """
        connection = self._connection
        if connection is None or connection[0] is not context:
            try:
                connection = self._connection = context, connect()
            except errors.Unreachable as error:
                # A shared poll repeats a read that raises this error. Here the
                # callers of get_client() decide how long they try again.
                return context, error
        return connection

    def get_catalog(self, client: trove_client.TroveClient, project_id: str
                    ) -> trove_catalog.Catalog:
        """Return the catalog that the resources of the flow share.

        The catalog looks up datastore versions, flavors, configuration groups
        and quotas in Trove. It keeps the results, and does not send the same
        request again.

        :param project_id: the project whose quotas the catalog reads.
        """
        if self._catalog is None:
            self._catalog = trove_catalog.Catalog(client, project_id)
        return self._catalog

    def check_once(self,
                   find_problems: Callable[[], preflight_problems.Problems]
                   ) -> None:
        """Run the preflight checks once for all resources of the flow.

        Every resource calls this method, and then reads the attribute
        `problems`. The first call runs find_problems() and adds the result to
        `problems`. The other calls wait until find_problems() has ended. If
        the first resource is cancelled meanwhile, the next one that waits runs
        find_problems().

        A protect operation with wrong parameters adds its problems to
        `problems` before the call. If `problems` is not empty, this method
        returns at once and does not run find_problems().

        :param find_problems: returns the problems of all resources.
        :raises Exception: the exception that find_problems() raised. The other
            calls raise the same exception.
        """
        if self.problems:
            return
        with self._preflight_queue.wait_for_turn():
            if not self._is_checked:
                try:
                    self.problems.update(find_problems())
                except Exception as error:  # Later callers raise it too.
                    self._error = error
                self._is_checked = True
                # TaskFlow waits for all running tasks together. Each time that
                # a task ends, TaskFlow locks each of the others once more
                # [futurist/waiters.py, 3.5.0]. So let all waiting resources
                # continue at the same time.
                self._preflight_queue.remove_limit()
            if self._error is not None:
                raise self._error

    def list_earlier_ids(self, list_ids: Callable[[], FrozenSet[str]]
                         ) -> FrozenSet[str]:
        """Return the ids of the instances that existed before the flow.

        Call this method before the flow creates its first instance. The first
        call lists the instances. The later calls return the same ids.

        :param list_ids: returns the ids of all instances of the project.
        :raises Exception: list_ids() raised this error. The next call lists
            the instances again.
        """
        with self._restore_queue.wait_for_turn():
            if self._earlier_ids is None:
                self._earlier_ids = list_ids()
            return self._earlier_ids

    def create_group(self, original_id: str, create: Callable[
            [], configuration_group.RecreatedGroup]
            ) -> configuration_group.RecreatedGroup:
        """Return the configuration group that replaces a deleted group.

        The first call for a deleted group creates a new group. The later calls
        return the same new group. If the first call fails, the later calls
        raise the same error and create nothing. Trove may have created the new
        group nevertheless.

        :param original_id: the id of the deleted group.
        :param create: creates the new group.
        :raises Exception: create() raised this error.
        """
        with self._restore_queue.wait_for_turn():
            if original_id not in self._groups:
                try:
                    self._groups[original_id] = create()
                except Exception as error:  # Later callers raise it too.
                    self._groups[original_id] = error
            group = self._groups[original_id]
        if isinstance(group, Exception):
            raise group
        return group

    def set_status(self, record: karbor_types.OperationRecord,
                   resource_type: str, resource_id: str, status: str,
                   reason: str = '',
                   section: Optional[karbor_types.BankSection] = None
                   ) -> bool:
        """Set a resource's status in Karbor's record, and save the record.

        Karbor's clients show a reason as one line. So each line except the
        last one gets a semicolon, unless it ends with one of ".,:;" or a
        space.

        Karbor stores the reasons of all resources in one column of 65,535
        bytes, and MySQL rejects what is longer [models.py, 1.6.0]. So the
        longest reasons are shortened until all reasons together fit into
        60,000 bytes. The full text of a shortened reason is written to the log
        and to the bank.

        If Karbor's database fails, this method tries again for 60 s at most.
        The reasons may be too long for this database. So from the second
        attempt on, all reasons together have 7,500 bytes at most.

        :param record: Karbor's record of the restore or the verification.
        :param status: a resource status of Karbor, never one of Trove.
        :param reason: the reason for the user, one sentence per line, the most
            important sentence first. "" if there is no reason.
        :param section: the bank section of the resource, for the full text of
            a shortened reason. None if the id of the resource is not safe as a
            part of a path. In that case nothing is written to the bank.
        :returns: False if the record could not be saved. In that case the
            failure is logged. No exception is raised, because the operation
            may have created something and has to continue.
        """
        with self._status_lock:
            self._reported[resource_type, resource_id] = (
                status, _build_reason(reason))
            self._sections[resource_type, resource_id] = section
            is_saved = self._save(record)
            if not is_saved:
                LOG.error('Record %s could not be saved within %g s. The '
                          'status of %s is "%s": %s', record.id,
                          timeouts.SAVE_RECORD, resource_id, status, reason)
            long_reasons, self._unwritten = self._unwritten, []
        # Write after the lock is released, so that a slow bank does not delay
        # the other resources.
        for section, text in long_reasons:
            resource_status.write_long_reason(section, text)
        return is_saved

    def _save(self, record: karbor_types.OperationRecord) -> bool:
        deadline = polling.Deadline(timeouts.SAVE_RECORD, self._clock)
        max_bytes = _MAX_BYTES
        while True:
            try:
                self._update(record, max_bytes)
                record.save()
                return True
            except Exception as error:  # Each database has its own errors.
                LOG.warning('Record %s could not be saved, retrying: %s',
                            record.id, error)
            if not deadline.remaining:
                return False
            self._clock.sleep(min(timeouts.SAVE_RECORD / 12,
                                  deadline.remaining))
            max_bytes = _MAX_BYTES // 8

    def _update(self, record: karbor_types.OperationRecord,
                max_bytes: int) -> None:
        texts = _shorten_reasons({
            key: reason for key, (_, reason) in self._reported.items()},
            max_bytes)
        for key, (status, reason) in self._reported.items():
            values = status, texts[key]
            if (texts[key] != reason.line
                    and self._long_reasons.get(key) != reason.text):
                self._long_reasons[key] = reason.text
                LOG.info('The reason of %s in record %s is shortened. In full '
                         'it is: %s', key[1], record.id, reason.text)
                section = self._sections[key]
                if section is not None:
                    self._unwritten.append((section, '%s in record %s: %s' % (
                        key[1], record.id, reason.text)))
            if self._updated.get(key) != values:
                record.update_resource_status(*key, *values)
                self._updated[key] = values


class _Reason(NamedTuple):
    """The reason of one resource, in three forms.

    The forms are the original text, the text for Karbor's record, and the text
    for Karbor's record with shortened lists. Each form is built only
    once, because each change of a status reads the reasons of all resources.
    """

    #: One sentence per line.
    text: str
    #: The text for the record: each line but the last one ends with ";" or
    #: another punctuation mark. Karbor's clients and the dashboard show a
    #: reason as one line.
    line: str
    #: The text for the record, with shortened lists.
    abridged: str


def _build_reason(text: str) -> _Reason:
    line = re.sub(r'(?<![.,:;\s])\n(?=.)', ';\n', text)
    # Shorten each clause on its own, because a list is a part of one clause.
    return _Reason(text, line, ''.join(
        map(_cut_list, re.split(r'([;:\n])', line))))


def _shorten_reasons(reasons: Dict[Key, _Reason],
                     max_bytes: int) -> Dict[Key, str]:
    """Shorten the reasons until they together fit into Karbor's record.

    All reasons have the same limit. At first, the limit is `max_bytes`
    characters. It is halved until all texts together fit. If a reason is
    longer than the limit, its lists are cut. If the reason is still too long,
    the end of its text is cut.

    :param max_bytes: the largest size in bytes of the JSON object with all
        texts.
    :returns: the texts, by the type and the id of the resource.
    """
    limit = max_bytes
    while limit and sum(_size(key, _shorten(reason, limit))
                        for key, reason in reasons.items()) > max_bytes:
        limit //= 2
    return {key: _shorten(reason, limit) for key, reason in reasons.items()}


def _size(key: Key, reason: str) -> int:
    # Karbor separates the type and the id with "#". JSON adds ": " and ", ".
    # Its text is ASCII, so each character is one byte.
    return len(json.dumps('#'.join(key))) + len(json.dumps(reason)) + 4


def _shorten(reason: _Reason, limit: int) -> str:
    if len(reason.line) <= limit:
        return reason.line
    text = reason.abridged
    if len(text) <= limit:
        return text
    return '%s... and %d more characters, see the log of Karbor' % (
        text[:limit], len(text) - limit)


def _cut_list(clause: str) -> str:
    """Return a clause with at most 20 items of its list.

    The items are separated by ", ". If the list has more items, the number of
    the items that were cut follows, such as "and 5 more". The text after the
    list stays. It begins with a full stop or a ")".

    For example, the clause is "(none of A1, A2, ..., A25)". The result is
    "(none of A1, A2, ..., A20 and 5 more)".
    """
    items = clause.split(', ')
    if len(items) <= _MAX_ITEMS:
        return clause
    rest = re.search(r'(\.( |$)|\)).*', items[-1])
    return '%s and %d more%s' % (
        ', '.join(items[:_MAX_ITEMS]), len(items) - _MAX_ITEMS,
        rest[0] if rest else '')
