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

"""The gateway to Trove: its calls and its paging, in values of ours."""

import contextlib
import datetime
import email.utils
import inspect
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, TypeVar

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import models
from karbor_trove.trove import serialization
from karbor_trove.trove import transport

T = TypeVar('T')

# Trove takes any number for backups; instances come 20 at a time.
_BACKUPS_A_PAGE = 200


class TroveClient:
    """Trove's API for one user, in values and in our own errors."""

    def __init__(self, make_client: Callable[[], Any],
                 deadline: Optional[polling.Deadline] = None) -> None:
        """Make a client, ready to be asked.

        :param make_client: gives a client of python-troveclient.
        :param deadline: no request begins after it; see limits.py.
        :raises errors.TroveError: no client could be made.
        """
        self._deadline = deadline
        self._client = transport.patch_client(make_client)

    @property
    def now(self) -> Optional[datetime.datetime]:
        """Tell Trove's own time of its last answer: UTC, whole seconds.

        None before there was an answer that told it.
        """
        try:
            return email.utils.parsedate_to_datetime(
                self._client.client.date).replace(tzinfo=None)
        except (TypeError, ValueError):
            return None

    @contextlib.contextmanager
    def call(self, doing: str) -> Iterator[Any]:
        """Lend the client for one call, with its limits and our errors.

        :param doing: what is being done, for the message of an error.
        :raises errors.TroveError: whatever the call raises.
        """
        self._client.client.session.timeout = transport.request_timeout(
            self._deadline, doing)
        with transport.translate_errors(doing):
            yield self._client

    def list_all(self, description: str,
                 list_page: Callable[[Any, Optional[str]], Any],
                 parse: Callable[[Dict[str, Any]], T]) -> List[T]:
        """Return the parsed items of all pages of a list.

        :param description: what is listed, for the message of an error.
        :param list_page: sends the request of one page. It gets
            python-troveclient's client and the marker of the page, which is
            None for the first page.
        :param parse: parses the JSON of one item.
        """
        items: List[T] = []
        marker: Optional[str] = None
        requested: Set[Optional[str]] = set()
        # The last page has no next marker, and None has been requested first.
        # A marker that comes back would never end.
        while marker not in requested:
            requested.add(marker)
            with self.call(description) as api:
                page = list_page(api, marker)
                # Reading a missing attribute of an item would send a request.
                # to_dict() sends none.
                items.extend(parse(item.to_dict()) for item in page)
            marker = page.next
        return items

    def list_instances(self) -> List[models.Instance]:
        """List every instance of the project, in as many pages as it takes.

        Members of clusters are left out: Trove cannot back them up.

        :raises errors.TroveError: as any call here; nothing is left out of
            the list silently.
        """
        # A page may be short or empty and still not be the last one: an
        # instance that Trove rejected during its creation takes a place in
        # the page and is not shown.
        return self.list_all(
            'listing database instances',
            lambda api, marker: api.instances.list(marker=marker),
            serialization.parse_instance)

    def get_instance(self, instance_id: str) -> models.Instance:
        """Look at one instance.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self.call('looking at instance %s' % instance_id) as client:
            return serialization.parse_instance(
                client.instances.get(instance_id).to_dict())

    def create_instance(self,
                        request: models.InstanceRequest) -> models.Instance:
        """Ask for an instance made from a backup; it is built afterwards.

        :raises errors.Refused: Trove will not make it; nothing was made.
        :raises errors.Unreachable: it may have been made all the same.
        """
        with self.call('creating an instance from backup %s'
                       % request.backup_id) as client:
            made = client.instances.create(**_known(
                client.instances.create, serialization.instance_arguments(request)))
            return serialization.parse_instance(made.to_dict())

    def delete_instance(self, instance_id: str) -> None:
        """Ask for the deletion of an instance; it takes place afterwards.

        :raises errors.Gone: it is not there (any more).
        :raises errors.Busy: it cannot be deleted just now.
        :raises errors.Refused: Trove will not delete it.
        :raises errors.Unreachable: it may be deleted all the same.
        """
        with self.call('deleting instance %s' % instance_id) as client:
            client.instances.delete(instance_id)

    def get_backup(self, backup_id: str) -> models.Backup:
        """Look at one backup.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self.call('looking at backup %s' % backup_id) as client:
            return serialization.parse_backup(
                client.backups.get(backup_id).to_dict())

    def list_backups(self, all_projects: bool = False
                     ) -> Dict[str, models.Backup]:
        """List every backup of the project, whoever made it.

        Of all instances: Trove takes a backup of another one for a parent.

        :param all_projects: of all projects; Trove lets administrators only.
        """
        # Trove counts the pages from the newest backup. A backup that is
        # created meanwhile shifts the others, so that one comes twice.
        return {backup.id: backup for backup in self.list_all(
            'listing backups',
            lambda api, marker: api.backups.list(
                limit=_BACKUPS_A_PAGE, marker=marker, all_projects=all_projects),
            serialization.parse_backup)}

    def create_backup(self, request: models.BackupRequest) -> models.Backup:
        """Ask for a backup; it is made afterwards.

        :raises errors.Busy: the instance cannot be backed up just now.
        :raises errors.Refused: Trove will not make it; nothing was made.
        :raises errors.Unreachable: it may have been made all the same.
        """
        with self.call('backing up instance %s'
                       % request.instance_id) as client:
            made = client.backups.create(**_known(
                client.backups.create, serialization.backup_arguments(request)))
            return serialization.parse_backup(made.to_dict())

    def delete_backup(self, backup_id: str) -> None:
        """Ask for the deletion of a backup; it takes place afterwards.

        :raises errors.Gone: it is not there (any more).
        """
        with self.call('deleting backup %s' % backup_id) as client:
            client.backups.delete(backup_id)


def _known(method: Any, arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Leave out what was not given, and refuse what the client cannot send.

    :raises errors.Refused: python-troveclient is too old for an argument.
    """
    given = {key: value for key, value in arguments.items()
             if value is not None}
    unknown = set(given) - set(inspect.signature(method).parameters)
    # Only Troves of its own age tell a version's number, and only where two
    # versions have one name does it say more than the name.
    unknown.discard('datastore_version_number')
    if unknown:
        raise errors.Rejected('this python-troveclient is too old to send %s'
                              % ', '.join(sorted(unknown)))
    return {key: value for key, value in given.items()
            if key in inspect.signature(method).parameters}
