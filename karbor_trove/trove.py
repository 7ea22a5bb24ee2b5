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
from typing import Any, Callable, Iterator, List, Optional, Set

from karbor_trove import client as clients
from karbor_trove import errors
from karbor_trove import values
from karbor_trove import waiting

# Seconds to connect, and seconds that an answer may be silent. Neither
# Karbor nor the clients set any: a Trove that hangs would hang us for ever.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 25.0


class Gateway:
    """Trove's API for one user, in values and in our own errors."""

    def __init__(self, make_client: Callable[[], Any],
                 deadline: Optional[waiting.Deadline] = None) -> None:
        """Make a client, ready to be asked.

        :param make_client: gives a client of python-troveclient.
        :param deadline: all calls together end by it, give or take the time
            to connect; None leaves only the limit of each request.
        :raises errors.TroveError: no client could be made.
        """
        self._deadline = deadline
        self._client = clients.mended(make_client)

    @contextlib.contextmanager
    def _asking(self, doing: str) -> Iterator[Any]:
        timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
        if self._deadline is not None:
            left = self._deadline.left
            if not left:
                raise errors.TookTooLong('%s: given up after %g s'
                                         % (doing, self._deadline.seconds))
            timeout = (min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left))
        self._client.client.session.timeout = timeout
        with clients.translated(doing):
            yield self._client

    def instances(self) -> List[values.Instance]:
        """List every instance of the project, in as many pages as it takes.

        Members of clusters are left out: Trove cannot back them up.

        :raises errors.TroveError: as any call here; nothing is left out of
            the list silently.
        """
        found: List[values.Instance] = []
        marker: Optional[str] = None
        asked: Set[Optional[str]] = set()
        while marker not in asked:
            asked.add(marker)
            with self._asking('listing database instances') as client:
                page = client.instances.list(marker=marker)
            # Asking an item for a key that it lacks would send a request.
            found.extend(values.instance_from(item.to_dict())
                         for item in page)
            marker = page.next
            if marker is None:
                break
            # A page may be short or empty and not the last: an instance that
            # was refused while it was made takes a place in it unseen.
        return found

    def instance(self, instance_id: str) -> values.Instance:
        """Look at one instance.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self._asking('looking at instance %s' % instance_id) as client:
            told = client.instances.get(instance_id)
        return values.instance_from(told.to_dict())

    def create_instance(self,
                        request: values.InstanceRequest) -> values.Instance:
        """Ask for an instance made from a backup; it is built afterwards."""
        with self._asking('creating an instance from backup %s'
                          % request.backup_id) as client:
            made = client.instances.create(
                **values.restore_arguments(request))
        return values.instance_from(made.to_dict())

    def backup(self, backup_id: str) -> values.Backup:
        """Look at one backup.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self._asking('looking at backup %s' % backup_id) as client:
            told = client.backups.get(backup_id)
        return values.backup_from(told.to_dict())

    def create_backup(self, request: values.BackupRequest) -> values.Backup:
        """Ask for a full backup; it is made afterwards."""
        optional = {key: value for key, value in (
            ('storage_driver', request.storage_driver),
            ('swift_container', request.swift_container)) if value}
        with self._asking('backing up instance %s'
                          % request.instance_id) as client:
            made = client.backups.create(
                request.name, request.instance_id,
                description=request.description, **optional)
        return values.backup_from(made.to_dict())

    def delete_backup(self, backup_id: str) -> None:
        """Ask for the deletion of a backup; it takes place afterwards.

        :raises errors.Gone: it is not there (any more).
        """
        with self._asking('deleting backup %s' % backup_id) as client:
            client.backups.delete(backup_id)
