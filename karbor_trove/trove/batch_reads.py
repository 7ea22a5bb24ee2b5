# SPDX-License-Identifier: Apache-2.0

"""Reads of several backups or instances with few requests.

A shared poll uses these functions to read the objects of all waiting
resources. An object that is in a list of Trove exists. An object that is
missing in the list may exist too. Only HTTP 404 in response to a GET of the
object shows that the object does not exist.
"""

from typing import Callable, Dict, Iterator, List, Optional, Protocol, Set
from typing import TypeVar, Union

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class _Identified(Protocol):
    """An object of Trove that has an id: a backup or an instance."""

    @property
    def id(self) -> str:
        """Return the id of the backup or instance."""


T = TypeVar('T', bound=_Identified)


def read_backups(client: trove_client.TroveClient, backup_ids: List[str],
                 count: int = 0, least_size: int = 0
                 ) -> Dict[str, Union[models.Backup, errors.KarborTroveError]]:
    """Read several backups with few requests.

    Trove's list begins with the backups that changed last. A page of the list
    has a few more backups than `backup_ids`.

    :param backup_ids: the ids of the wanted backups, at least one.
    :param count: about how many backups the project has. If the list may have
        as many pages as there are wanted backups, each backup is read with a
        GET. 0 if the wanted backups are probably at the beginning of the list.
    :param least_size: how many backups a page has at least, because others may
        have changed after the wanted ones. 0 if only a few others have.
    :returns: each backup by its id. If a backup could not be read, the error
        takes the place of the backup.
    :raises errors.Unreachable: Trove did not respond to the request for the
        list of backups.
    :raises errors.DeadlineExceeded: the client has reached its deadline.
    """
    pages = max(1, count // len(backup_ids))
    return _read(
        backup_ids, lambda ids: client.iterate_backup_pages(ids, least_size)
        if pages < len(backup_ids) else iter(()), client.get_backup, pages)


class InstanceReader:
    """Reads several instances of one project with few requests.

    If Trove's list has fewer pages than there are wanted instances, the reader
    reads pages of the list. Otherwise it reads each instance with a GET. The
    reader estimates the number of pages from its earlier reads.

    Trove sorts the list by the ids of the instances. So a wanted instance may
    be on any page.
    """

    def __init__(self) -> None:
        """Create the reader. No request is sent."""
        # An estimate of how many pages have to be read until they contain all
        # instances of a read.
        self._pages = 1
        # False as soon as Trove has no list of instances with details.
        self._has_details = True

    def read(self, client: trove_client.TroveClient, instance_ids: List[str]
             ) -> Dict[str, Union[models.Instance, errors.KarborTroveError]]:
        """Read several instances with few requests.

        In an older Trove, the list of instances lacks some values of each
        instance. With such a Trove, the reader sends an additional GET for
        each listed instance that is ready, broken or being deleted. The other
        listed instances lack these values.

        :returns: each instance by its id. If an instance could not be read,
            the error takes the place of the instance.
        :raises errors.Unreachable: Trove did not respond to the request for
            the list of instances.
        :raises errors.DeadlineExceeded: the client has reached its deadline.
        """
        listed: Set[str] = set()
        pages = 0
        is_whole = False

        def iterate_pages(ids: List[str]) -> Iterator[List[models.Instance]]:
            nonlocal pages, is_whole
            for page in self._iterate_pages(client, ids):
                pages += 1
                listed.update(instance.id for instance in page)
                yield page
            # The whole list has been read, so the number is exact.
            self._pages = pages
            is_whole = True

        instances = _read(
            instance_ids, iterate_pages if self._pages < len(instance_ids)
            else lambda ids: iter(()), client.get_instance, self._pages)
        if pages and not is_whole and len(listed) < len(instance_ids):
            # The pages lack some instances. The ids are random, so each page
            # has about the same number of the requested instances.
            self._pages = max(self._pages, pages + 1, pages * len(
                instance_ids) // max(1, len(listed)))
        if not self._has_details:
            # The list lacks values. The caller needs these values only of
            # instances with a status that ends a wait.
            ended = [id_ for id_, instance in instances.items()
                     if id_ in listed and isinstance(instance, models.Instance)
                     and (instance.is_ready or instance.is_lost)]
            instances.update(_read_with_gets(ended, client.get_instance))
        return instances

    def _iterate_pages(self, client: trove_client.TroveClient, ids: List[str]
                       ) -> Iterator[List[models.Instance]]:
        if self._has_details:
            try:
                yield from client.iterate_instance_pages(ids, True)
                return
            except (errors.NotFound, errors.Rejected) as error:
                # An older Trove treats "detail" as the id of an instance.
                LOG.debug('Trove lists no details of instances: %s', error)
                self._has_details = False
        yield from client.iterate_instance_pages(ids, False)


def _read(ids: List[str],
          iterate_pages: Callable[[List[str]], Iterator[List[T]]],
          get: Callable[[str], T], expected_pages: int = 1
          ) -> Dict[str, Union[T, errors.KarborTroveError]]:
    """Read objects from the pages of a list, and the missing ones with GETs.

    A single object is read with a GET. For several objects, the function reads
    page after page. After each page it estimates how many pages remain. If the
    number of missing objects is at most this estimate, the function reads the
    missing objects with GETs, and reads no further page.

    The function estimates that the list has `expected_pages` pages. If the
    list is longer, it estimates that the remaining pages are as many as the
    pages that it has read.

    Two simpler ways are to read only pages, or to send only GETs. This
    function sends at most twice as many requests as the cheaper way, unless
    the list is shorter than `expected_pages`.

    :param ids: the ids of the wanted objects.
    :param iterate_pages: yields the objects with these ids, page by page.
    :param get: returns the object with an id.
    :param expected_pages: an estimate of the number of pages.
    :returns: each object by its id. If an object could not be read, the error
        takes the place of the object.
    :raises errors.Unreachable: Trove did not respond to the request for a
        page.
    :raises errors.DeadlineExceeded: the client has reached its deadline.
    """
    objects: Dict[str, Union[T, errors.KarborTroveError]] = {}
    if len(ids) > 1:
        try:
            for pages, page in enumerate(iterate_pages(ids), start=1):
                objects.update((item.id, item) for item in page)
                rest = (expected_pages - pages if expected_pages > pages
                        else pages)
                if len(ids) - len(objects) <= rest:
                    break
        except (errors.NotFound, errors.Rejected) as error:
            # HTTP 404 in response to the list does not show that an object
            # is gone.
            LOG.debug('Reading the objects one by one, because Trove rejected '
                      'the list: %s', error)
    objects.update(_read_with_gets(
        [id_ for id_ in ids if id_ not in objects], get))
    return objects


def _read_with_gets(ids: List[str], get: Callable[[str], T]
                    ) -> Dict[str, Union[T, errors.KarborTroveError]]:
    """Read each object with a GET.

    If a GET has no response, no further GET is sent. All remaining objects get
    the error of this GET.

    :param get: returns the object with an id.
    :returns: each object by its id. If an object could not be read, the error
        takes the place of the object.
    :raises errors.DeadlineExceeded: the client has reached its deadline. In
        that case it is not known whether the objects exist.
    """
    objects: Dict[str, Union[T, errors.KarborTroveError]] = {}
    outage: Optional[errors.Unreachable] = None
    for id_ in ids:
        try:
            objects[id_] = outage or get(id_)
        except errors.Unreachable as error:
            # Do not request the other objects, because each request would
            # wait until its timeout in the same outage.
            objects[id_] = outage = error
        except errors.DeadlineExceeded:
            raise
        except errors.KarborTroveError as error:
            objects[id_] = error
    return objects
