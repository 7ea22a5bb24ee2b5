# SPDX-License-Identifier: Apache-2.0

"""Reads of several backups or instances with few requests.

They are for a shared poll. A list shows what exists. Only the response to a
GET shows that an object does not exist.
"""

from typing import Callable, Dict, Iterator, List, Optional, Protocol, Set
from typing import TypeVar, Union

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class _Identified(Protocol):
    @property
    def id(self) -> str:
        """Return the id of the object."""


T = TypeVar('T', bound=_Identified)


def read_backups(client: trove_client.TroveClient, backup_ids: List[str]
                 ) -> Dict[str, Union[models.Backup, errors.KarborTroveError]]:
    """Return for each id the backup, or why it could not be read.

    :raises errors.Unreachable: the backups could not be listed.
    """
    return _read(backup_ids, client.iterate_backup_pages, client.get_backup)


class InstanceReader:
    """Reads instances of one project, by pages or one by one.

    It remembers what is cheaper. Trove lists instances by their ids, in small
    pages. So a few instances in a large project are read one by one.
    """

    def __init__(self) -> None:
        """Create the reader. No request is sent."""
        # How many pages have all instances of the reads. An estimate.
        self._pages = 1
        self._has_details = True

    def read(self, client: trove_client.TroveClient, instance_ids: List[str]
             ) -> Dict[str, Union[models.Instance, errors.KarborTroveError]]:
        """Return for each id the instance, or why it could not be read.

        The instances have all values that a GET returns.

        :raises errors.Unreachable: the instances could not be listed.
        """
        listed: Set[str] = set()
        pages = 0

        def iterate_pages(ids: List[str]) -> Iterator[List[models.Instance]]:
            nonlocal pages
            for page in self._iterate_pages(client, ids):
                pages += 1
                listed.update(instance.id for instance in page)
                yield page
            # The list is at its end.
            self._pages = pages

        instances = _read(
            instance_ids, iterate_pages if self._pages < len(instance_ids)
            else lambda ids: iter(()), client.get_instance, self._pages)
        if pages and len(listed) < len(instance_ids):
            # The list has more pages. The ids are random, so the listed ones
            # are evenly distributed.
            self._pages = max(self._pages, pages + 1, pages * len(
                instance_ids) // max(1, len(listed)))
        if not self._has_details:
            # The status of these ends a wait, and the list lacks values.
            ended = [id_ for id_, instance in instances.items()
                     if id_ in listed and isinstance(instance, models.Instance)
                     and (instance.is_ready or instance.is_lost)]
            instances.update(_read_alone(ended, client.get_instance))
        return instances

    def _iterate_pages(self, client: trove_client.TroveClient, ids: List[str]
                       ) -> Iterator[List[models.Instance]]:
        if self._has_details:
            try:
                yield from client.iterate_instance_pages(ids, True)
                return
            except (errors.NotFound, errors.Rejected) as error:
                # An older Trove takes "detail" for the id of an instance.
                LOG.debug('Trove lists no details of instances: %s', error)
                self._has_details = False
        yield from client.iterate_instance_pages(ids, False)


def _read(ids: List[str],
          iterate_pages: Callable[[List[str]], Iterator[List[T]]],
          get: Callable[[str], T], expected_pages: int = 1
          ) -> Dict[str, Union[T, errors.KarborTroveError]]:
    """Read one object with a GET, and several ones with a list.

    The list ends when GETs of the objects that it still lacks cost less than
    the rest of the list. If the rest is not known, it ends when it has cost as
    many requests as these GETs. So both together cost at most twice as many
    requests as the cheaper one of the two.

    :param expected_pages: how many pages the list probably has, or less.
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
        except errors.Rejected as error:
            LOG.debug('Objects are read one by one: %s', error)
    objects.update(_read_alone(
        [id_ for id_ in ids if id_ not in objects], get))
    return objects


def _read_alone(ids: List[str], get: Callable[[str], T]
                ) -> Dict[str, Union[T, errors.KarborTroveError]]:
    """Read each object with a GET."""
    objects: Dict[str, Union[T, errors.KarborTroveError]] = {}
    outage: Optional[errors.Unreachable] = None
    for id_ in ids:
        try:
            objects[id_] = outage or get(id_)
        except errors.Unreachable as error:
            # Each of the others would wait for the same outage.
            objects[id_] = outage = error
        except errors.KarborTroveError as error:
            objects[id_] = error
    return objects
