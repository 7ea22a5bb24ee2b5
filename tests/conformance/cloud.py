"""Interface between the suite and one Trove: a client, a clock and ids."""

import abc
import contextlib
import json
import types
import typing

import pytest
from troveclient import exceptions as trove_exceptions

from tests.fake_trove import releases

#: Timeout of each wait and interval between two checks, in seconds.
TIMEOUT = 120.0
POLL_INTERVAL = 0.1

T = typing.TypeVar('T')


class Cloud(abc.ABC):
    """A Trove with one project. The items that a test creates are deleted."""

    #: A client of python-troveclient, version 1.
    client: typing.Any
    #: The release of this Trove, with its differences.
    release: releases.Release
    #: Has now() and sleep(seconds).
    clock: typing.Any
    flavor_id: str
    #: A flavor of 512 MB that Nova lists for no project.
    private_flavor_id = 'private'
    network_id: str
    datastore = 'postgresql'
    version = '18'
    inactive_version = '16'
    max_volume_size: int

    @abc.abstractmethod
    def build_name(self, behaviour: str) -> str:
        """Return a name that makes the next item behave in this way.

        :param behaviour: fail-create, fail-restore, fail-backup,
            slow-create-<seconds>, slow-backup-<seconds>,
            slow-restart-<seconds>, huge-backup (500 GB) or without-database
            (the instance needs no running database).
        """

    @abc.abstractmethod
    def get_shared_instance(self) -> str:
        """Return the id of a ready instance without backups.

        Several tests may share it.
        """

    @abc.abstractmethod
    def lose_server(self, instance_id: str) -> None:
        """Let Nova have no server for this instance."""

    @abc.abstractmethod
    def return_server(self, instance_id: str) -> None:
        """Let Nova have the server of this instance again."""

    def wait_for(self, check: typing.Callable[[], T]) -> T:
        """Call the check until its result is true, and return the result."""
        start = self.clock.now()
        while self.clock.now() - start < TIMEOUT:
            result = check()
            if result:
                return result
            self.clock.sleep(POLL_INTERVAL)
        raise AssertionError('%r was not true within %g s' % (check, TIMEOUT))

    def collect_states(self, get_state: typing.Callable[[], T], last: T
                       ) -> typing.List[T]:
        """Poll until the last state is reached.

        :returns: the states, without repetitions, in their order.
        """
        states: typing.List[T] = []

        def is_last() -> bool:
            state = get_state()
            if states[-1:] != [state]:
                states.append(state)
            return state == last
        self.wait_for(is_last)
        return states

    def build_body(self, name: str = 'db', **kw: typing.Any
                   ) -> typing.Dict[str, typing.Any]:
        """Return the body of a request for an instance.

        :param kw: properties of the instance. None removes a property.
        """
        instance: typing.Dict[str, typing.Any] = {
            'name': name, 'flavorRef': self.flavor_id, 'volume': {'size': 1},
            'datastore': {'type': self.datastore, 'version': self.version},
            'nics': [{'net-id': self.network_id}]}
        instance.update(kw)
        return {'instance': {key: value for key, value in instance.items()
                             if value is not None}}

    def post(self, path: str, body: typing.Any) -> typing.Any:
        """Send a body that the client would not send, return the response."""
        return self.client.client.post(path, body=body)[1]

    def create(self, name: str = 'db', **kw: typing.Any) -> str:
        """Request an instance and return its id."""
        return str(self.post('/instances', self.build_body(
            name, **kw))['instance']['id'])

    def create_instance(self, name: str = 'db', **kw: typing.Any) -> str:
        """Create an instance, wait until it is ready and return its id."""
        id_ = self.create(name, **kw)
        self.wait_until_ready(id_)
        return id_

    def wait_until_ready(self, *instance_ids: str) -> None:
        """Wait until the databases of the instances are up."""
        for id_ in instance_ids:
            self.wait_for(lambda: self.get_statuses(id_) in (
                ('ACTIVE', 'HEALTHY'), ('ERROR', '')))
            assert self.get_statuses(id_)[0] == 'ACTIVE'

    def list_pages(self, limit: typing.Optional[int] = None
                   ) -> typing.List[typing.List[str]]:
        """Return the ids of all instances, page by page."""
        pages, marker = [], None
        while True:
            page = self.client.instances.list(limit=limit, marker=marker)
            pages.append([instance.id for instance in page])
            marker = page.next
            if marker is None:
                return pages

    def get_statuses(self, instance_id: str) -> typing.Tuple[str, str]:
        """Return the status and the operating status of an instance.

        They are ('deleted', '') if the instance does not exist.
        """
        with contextlib.suppress(trove_exceptions.NotFound):
            instance = self.client.instances.get(instance_id).to_dict()
            return instance['status'], instance['operating_status']
        return 'deleted', ''

    def create_backup(self, instance_id: str, name: str = 'nightly',
                      **kw: typing.Any) -> str:
        """Create a backup, wait for its end and return its id."""
        backup = self.client.backups.create(name, instance_id, **kw)
        self.wait_for(lambda: self.get_backup_status(backup.id) in (
            'COMPLETED', 'FAILED'))
        return str(backup.id)

    def get_backup_status(self, backup_id: str) -> str:
        """Return the status of a backup, 'deleted' if it does not exist."""
        with contextlib.suppress(trove_exceptions.NotFound):
            return str(self.client.backups.get(backup_id).status)
        return 'deleted'

    def create_configuration(self, name: str = 'tuned',
                             values: typing.Mapping[str, object]
                             = types.MappingProxyType({
                                 'max_connections': 77}),
                             **kw: typing.Any) -> str:
        """Create a configuration group and return its id."""
        return str(self.client.configurations.create(
            name, json.dumps(dict(values)), datastore=self.datastore,
            datastore_version=self.version, **kw).id)

    def list_configurations(self) -> typing.List[typing.Dict[str, typing.Any]]:
        """Return the items of all pages of the list."""
        items, marker = [], None
        while True:
            page = self.client.configurations.list(marker=marker)
            items += [item.to_dict() for item in page]
            marker = page.next
            if marker is None:
                return items

    def delete_backups(self, *backup_ids: str) -> None:
        """Delete backups one after another, and wait for each deletion."""
        for backup_id in backup_ids:
            self.client.backups.delete(backup_id)
            self.wait_for(
                lambda: self.get_backup_status(backup_id) == 'deleted')


@contextlib.contextmanager
def http_error(code: int, text: str = '') -> typing.Iterator[None]:
    """Assert that Trove responds with this HTTP code and this text."""
    with pytest.raises(trove_exceptions.HttpError) as raised:
        yield
    assert raised.value.http_status == code
    assert text in str(raised.value)
