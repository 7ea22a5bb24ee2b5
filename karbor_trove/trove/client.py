# SPDX-License-Identifier: Apache-2.0

"""Client of Trove's API that returns the models of this package."""

import contextlib
import copy
import datetime
import email.utils
import inspect
from typing import Any, Callable, Collection, Dict, Iterator, List, Optional
from typing import Set, TypeVar
from urllib import parse as url_parse

from oslo_utils import timeutils

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import models
from karbor_trove.trove import serialization
from karbor_trove.trove import transport

T = TypeVar('T')

# Trove accepts any limit for backups. For instances, Trove replaces a limit
# that is too large by the largest limit that it allows, which is 20 by default
# [pagination_limit() in trove/common/utils.py, 26.0.0].
_MAX_BACKUPS = 100000
_MAX_INSTANCES = 1000
# How many backups a page may have in addition to the number of backups that
# the caller waits for.
_MORE_BACKUPS = 20
# How often the backups are listed until two lists in a row are equal.
_MAX_LISTS = 20


class TroveClient:
    """Trove's API with the rights of one user.

    Several threads may use a client at the same time. A request that fails
    raises one of these errors:

    * errors.NotFound: the project has no object with this id.
    * errors.Busy: Trove is working on the object and refused the request.
    * errors.Rejected: the request was refused for another reason. Trove did
      nothing.
    * errors.Unreachable: no usable response came back. Trove may still carry
      out the request.
    * errors.DeadlineExceeded: the deadline has passed, and no request was
      sent.
    """

    def __init__(self, make_client: Callable[[], Any],
                 deadline: Optional[polling.Deadline] = None,
                 get_swift_connection: Callable[[], models.SwiftConnection]
                 = models.SwiftConnection) -> None:
        """Create the client. This may send requests to Keystone.

        :param make_client: returns a client of python-troveclient.
        :param deadline: no request is sent after the deadline. The deadline
            also limits the timeouts of each request, see
            transport.request_timeout(). None if there is no deadline.
        :param get_swift_connection: returns the settings for the connection to
            Swift. If the settings are not allowed, the function raises
            errors.Rejected. The default function returns the default settings.
        :raises errors.KarborTroveError: the client could not be created.
        """
        self._deadline = deadline
        #: Returns the settings for the connection to Swift.
        self.get_swift_connection = get_swift_connection
        self._api = transport.patch_client(make_client)

    def with_deadline(self, deadline: Optional[polling.Deadline]
                      ) -> 'TroveClient':
        """Return a copy of this client that has another deadline.

        The copy uses the same connections. The deadline of this client does
        not change.

        :param deadline: see __init__().
        """
        client = copy.copy(self)
        client._deadline = deadline
        return client

    @property
    def last_response_time(self) -> Optional[datetime.datetime]:
        """Return Trove's time, from the Date header of Trove's last response.

        The time is in UTC, without a zone, in whole seconds. None if Trove has
        not returned a valid Date header yet.
        """
        try:
            now: datetime.datetime = timeutils.normalize_time(
                email.utils.parsedate_to_datetime(self._api.client.date))
            return now
        except (TypeError, ValueError):
            return None

    @property
    def url(self) -> str:
        """Return the URL of Trove's API for the project."""
        return str(self._api.client.endpoint_override)

    @contextlib.contextmanager
    def prepare_request(self, description: str) -> Iterator[Any]:
        """Yield the client of python-troveclient for one request.

        Send the request in the `with` block. If the request fails, the block
        raises one of the errors that the docstring of TroveClient lists.

        :param description: what is requested, such as "reading backup 1". Each
            error message begins with this text.
        :raises errors.DeadlineExceeded: the deadline has passed. The block is
            not entered.
        """
        self._api.client.limits.timeout = transport.request_timeout(
            self._deadline, description)
        with transport.translate_errors(description):
            yield self._api

    def list_all(self, description: str,
                 list_page: Callable[[Any, Optional[str]], Any],
                 parse: Callable[[Dict[str, Any]], T]) -> List[T]:
        """Return all items of a list of Trove, from all its pages.

        :param description: what is listed, for the error message.
        :param list_page: requests one page. Its arguments are the client of
            python-troveclient and the marker of the page. The marker is None
            for the first page.
        :param parse: converts the JSON object of one item to the item to
            return.
        :raises errors.KarborTroveError: a page could not be read. The method
            never returns a part of the list.
        """
        items: List[T] = []
        marker: Optional[str] = None
        requested: Set[Optional[str]] = set()
        # The marker of the first page and the next marker of the last page are
        # None, so the loop ends after the last page. The loop also ends when
        # Trove repeats a marker, because such a list would never end.
        while marker not in requested:
            requested.add(marker)
            with self.prepare_request(description) as api:
                page = list_page(api, marker)
                # Reading a missing attribute of an item would send a request.
                items.extend(parse(item.to_dict()) for item in page)
            marker = page.next
        return items

    def iterate_backup_pages(self, backup_ids: Collection[str],
                             least_size: int = 0
                             ) -> Iterator[List[models.Backup]]:
        """Yield the wanted backups of Trove's list, page by page.

        The backups that changed last are on the first page. The method
        requests the next page only if the caller continues the iteration. A
        wanted backup that is on none of the pages may exist nevertheless.

        :param backup_ids: the ids of the wanted backups. Other backups are not
            parsed.
        :param least_size: how many backups a page has at least. A page always
            has a few more backups than `backup_ids`.
        :returns: one list of backups for each page. The list may be empty.
        """
        # Trove lists backups by the time of their last change. So one page
        # usually has all backups that the caller waits for.
        return self._iterate_pages(
            'listing backups', '/backups', 'backups',
            max(len(backup_ids), least_size) + _MORE_BACKUPS, backup_ids,
            serialization.parse_backup)

    def iterate_instance_pages(self, instance_ids: Collection[str],
                               has_details: bool
                               ) -> Iterator[List[models.Instance]]:
        """Yield the wanted instances of Trove's list, page by page.

        The method requests the next page only if the caller continues the
        iteration. A wanted instance that is on none of the pages may exist
        nevertheless.

        :param instance_ids: the ids of the wanted instances. Other instances
            are not parsed.
        :param has_details: True to request the list with details. In this
            list an instance has all values that a GET returns. False to
            request the list without details.
        :returns: one list of instances for each page. The list may be empty.
        :raises errors.NotFound: Trove is too old to have a list with details.
            The error may be errors.Rejected instead.
        """
        return self._iterate_pages(
            'listing database instances',
            '/instances/detail' if has_details else '/instances', 'instances',
            _MAX_INSTANCES, instance_ids, serialization.parse_instance)

    def _iterate_pages(self, description: str, path: str, key: str, limit: int,
                       ids: Collection[str],
                       parse: Callable[[Dict[str, Any]], T]
                       ) -> Iterator[List[T]]:
        query: Optional[str] = url_parse.urlencode({'limit': limit})
        requested: Set[str] = set()
        while query and query not in requested:
            requested.add(query)
            with self.prepare_request(description) as api:
                # The list methods of python-troveclient would copy each item.
                _, body = api.client.get('%s?%s' % (path, query))
                with transport.read_response():
                    items = [parse(item) for item in body[key]
                             if item['id'] in ids]
                    query = next(
                        (url_parse.urlsplit(link['href']).query
                         for link in body.get('links', ())
                         if link['rel'] == 'next'), None)
            yield items

    def list_instances(self) -> List[models.Instance]:
        """Return the instances of the project, as Trove lists them.

        Members of clusters are not in the list. Trove cannot back up such
        members. Some values are None, because Trove returns them only for a
        single instance.

        :raises errors.DeadlineExceeded: Trove has not returned all pages by
            the deadline.
        """
        return self.map_instances(lambda instance: instance)

    def map_instances(self, build: Callable[[models.Instance], T]
                      ) -> List[T]:
        """Call a function for each instance of the project.

        Unlike list_instances(), the method keeps only one page of instances in
        memory. Each instance needs about 1 kB.

        Members of clusters are not in Trove's list. Trove cannot back up such
        members.

        :param build: returns a smaller object for an instance, such as its id.
        :returns: the results of the function.
        :raises errors.DeadlineExceeded: Trove has not returned all pages by
            the deadline. If Trove has returned some pages, the message
            proposes to raise instances_page_size in trove.conf.
        """
        pages: List[int] = []
        remaining = 0.0

        def list_page(api: Any, marker: Optional[str]) -> Any:
            nonlocal remaining
            remaining = self._deadline.remaining if self._deadline else 0.0
            page = api.instances.list(limit=_MAX_INSTANCES, marker=marker)
            pages.append(len(page))
            return page

        # A page may be short or empty and still not be the last one: an
        # instance that Trove rejected during its creation takes a place in
        # the page, but Trove does not show such an instance.
        try:
            return self.list_all(
                'listing database instances', list_page,
                lambda data: build(serialization.parse_instance(data)))
        except (errors.DeadlineExceeded, errors.Unreachable) as error:
            deadline = self._deadline
            if deadline is None:
                raise
            if pages and not deadline.remaining:
                raise errors.DeadlineExceeded(
                    'listing database instances: given up after %g s, in '
                    'which Trove returned %d instances in %d pages. Raise '
                    'the option instances_page_size in trove.conf, so that '
                    'Trove returns more instances in a page'
                    % (deadline.seconds, sum(pages), len(pages))) from error
            if (isinstance(error, errors.Unreachable) and remaining
                    - deadline.remaining >= timeouts.HTTP_READ_WITH_DEADLINE):
                raise errors.Unreachable(
                    '%s. Trove has to return a page of instances within %g '
                    's. Find out why Trove is slow, or lower the option '
                    'instances_page_size in trove.conf, so that Trove '
                    'returns fewer instances in a page'
                    % (error, timeouts.HTTP_READ_WITH_DEADLINE),
                    error.retry_after) from error
            raise

    def get_instance(self, instance_id: str) -> models.Instance:
        """Return one instance.

        :raises errors.NotFound: the project has no such instance.
        """
        with self.prepare_request('reading instance %s' % instance_id) as api:
            return serialization.parse_instance(
                api.instances.get(instance_id).to_dict())

    def create_instance(self,
                        request: models.InstanceRequest) -> models.Instance:
        """Request an instance from a backup.

        :returns: the new instance. Trove builds the instance after this call.
        """
        with self.prepare_request('creating an instance from backup %s'
                                  % request.backup_id) as api:
            instance = api.instances.create(**_supported_arguments(
                api.instances.create,
                serialization.instance_arguments(request)))
            return serialization.parse_instance(instance.to_dict())

    def delete_instance(self, instance_id: str) -> None:
        """Request the deletion of an instance.

        Trove deletes the instance after this call.
        """
        with self.prepare_request('deleting instance %s' % instance_id) as api:
            api.instances.delete(instance_id)

    def list_configurations(self) -> List[models.ConfigurationGroup]:
        """Return all configuration groups of the project, without values.

        get_configuration() returns one group with its values.
        """
        return self.list_all(
            'listing configuration groups',
            lambda api, marker: api.configurations.list(marker=marker),
            serialization.parse_configuration)

    def get_configuration(self, group_id: str) -> models.ConfigurationGroup:
        """Return one configuration group with its values.

        :raises errors.NotFound: the project has no such group.
        """
        with self.prepare_request('reading configuration group %s'
                                  % group_id) as api:
            return serialization.parse_configuration(
                api.configurations.get(group_id).to_dict())

    def create_configuration(self, request: models.ConfigurationRequest
                             ) -> models.ConfigurationGroup:
        """Create a configuration group, and return the group."""
        with self.prepare_request('creating configuration group "%s", %s' % (
                request.name, request.description)) as api:
            group = api.configurations.create(**_supported_arguments(
                api.configurations.create,
                serialization.configuration_arguments(request)))
            return serialization.parse_configuration(group.to_dict())

    def list_backups(self, all_projects: bool = False
                     ) -> Dict[str, models.Backup]:
        """Return all backups of the project, by id.

        The result also has backups that Karbor did not create. Trove accepts
        each of these backups as a parent.

        If Trove's list has several pages, the method lists the backups again
        until two lists in a row have the same backups.

        :param all_projects: True to list the backups of all projects. Trove
            allows this to administrators only.
        :raises errors.Unreachable: Trove did not respond. Or the backups still
            differed after 20 lists.
        """
        # Trove counts the offset of a page from the newest backup. So if a
        # backup is deleted between two pages, the list lacks another backup
        # [found with Trove 26]. The limit makes one page of all backups. If
        # Trove returns several pages, the list is complete when the next list
        # is equal. After a deletion the lists differ: the next list lacks the
        # deleted backup, which the first list has.
        pages: List[Optional[str]] = []

        def list_page(api: Any, marker: Optional[str]) -> Any:
            pages.append(marker)
            return api.backups.list(limit=_MAX_BACKUPS, marker=marker,
                                    all_projects=all_projects)

        previous: Optional[Dict[str, models.Backup]] = None
        for _ in range(_MAX_LISTS):
            pages.clear()
            backups = {backup.id: backup for backup in self.list_all(
                'listing backups', list_page, serialization.parse_backup)}
            if len(pages) == 1 or previous is not None and (
                    backups.keys() == previous.keys()):
                return backups
            previous = backups
        raise errors.Unreachable(
            'listing backups: two of %d lists in a row were never equal'
            % _MAX_LISTS)

    def get_backup(self, backup_id: str) -> models.Backup:
        """Return one backup.

        :raises errors.NotFound: the project has no such backup.
        """
        with self.prepare_request('reading backup %s' % backup_id) as api:
            return serialization.parse_backup(
                api.backups.get(backup_id).to_dict())

    def create_backup(self, request: models.BackupRequest) -> models.Backup:
        """Request a backup, and return it.

        :returns: the new backup. Trove writes the data of the backup after
            this call.
        """
        with self.prepare_request('backing up instance %s'
                                  % request.instance_id) as api:
            backup = api.backups.create(**_supported_arguments(
                api.backups.create, serialization.backup_arguments(request)))
            return serialization.parse_backup(backup.to_dict())

    def delete_backup(self, backup_id: str) -> None:
        """Request the deletion of a backup.

        Trove deletes the backup after this call.
        """
        with self.prepare_request('deleting backup %s' % backup_id) as api:
            api.backups.delete(backup_id)


def _supported_arguments(method: Any,
                         arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments to pass to a method of python-troveclient.

    The function removes arguments that are None. It also removes
    datastore_version_number if the method does not have this argument.

    :param method: a method of the installed python-troveclient.
    :raises errors.Rejected: the installed python-troveclient is too old, and
        the method does not have one of the remaining arguments.
    """
    supported = inspect.signature(method).parameters
    arguments = {name: value for name, value in arguments.items()
                 if value is not None}
    # python-troveclient may lack the argument for the number of a datastore
    # version. The number matters only where two versions have the same name,
    # and only in a Trove that is as new as the argument.
    unsupported = arguments.keys() - supported.keys() - {
        'datastore_version_number'}
    if unsupported:
        raise errors.Rejected('this python-troveclient is too old to send %s'
                              % ', '.join(sorted(unsupported)))
    return {name: value for name, value in arguments.items()
            if name in supported}
