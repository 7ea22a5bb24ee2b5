"""Interface between the suite and the Trove that it tests."""

import abc
import contextlib
import json
import types
import typing

import pytest
from troveclient import exceptions as trove_exceptions

from tests.fake_trove import releases

#: Timeout of each wait in seconds of the clock.
TIMEOUT = 120.0
#: Seconds of the clock between two checks of a wait.
POLL_INTERVAL = 0.1

#: The type of the result of a check.
T = typing.TypeVar('T')


class Cloud(abc.ABC):
    """A Trove with one project, and the actions of the tests in it.

    What a test creates does not exist any more in the next test. Only the
    shared instance may stay.
    """

    #: The client of python-troveclient for Trove's API v1.0.
    client: typing.Any
    #: The release of this Trove, with its differences.
    release: releases.Release
    #: The clock of the tests, with the methods now() and sleep(seconds).
    clock: typing.Any
    #: The flavor of the instances.
    flavor_id: str
    #: A flavor of 512 MB RAM that is in no list. Trove accepts its id.
    private_flavor_id = 'private'
    #: The network of the instances.
    network_id: str
    #: The datastore of the instances, and its default version.
    datastore = 'postgresql'
    version = '18'
    #: An inactive version of the datastore.
    inactive_version = '16'
    #: GB.
    max_volume_size: int

    @abc.abstractmethod
    def build_name(self, behaviour: str) -> str:
        """Return a name for the next instance or backup of the test.

        The instance or backup with this name behaves in a certain way.

        :param behaviour: a word that tests/sandbox/services/guest_agent.py
            describes: fail-create, fail-restore, fail-backup,
            slow-create-<seconds>, slow-backup-<seconds>,
            slow-restart-<seconds>, huge-backup or without-database. With
            another word, for example 'accounts', the behaviour is as usual.
        """

    @abc.abstractmethod
    def get_shared_instance(self) -> str:
        """Return the id of an instance that is up and has no backups.

        Several tests may use the same instance.
        """

    @abc.abstractmethod
    def lose_server(self, instance_id: str) -> None:
        """Let Nova lose the server of an instance."""

    @abc.abstractmethod
    def return_server(self, instance_id: str) -> None:
        """Let Nova have the lost server of an instance again."""

    def wait_for(self, check: typing.Callable[[], T]) -> T:
        """Call a function until its result is true, and return the result.

        :param check: the function.
        :raises AssertionError: the result is still false after the timeout.
        """
        start = self.clock.now()
        while self.clock.now() - start < TIMEOUT:
            result = check()
            if result:
                return result
            self.clock.sleep(POLL_INTERVAL)
        raise AssertionError('%r was not true within %g s' % (check, TIMEOUT))

    def collect_states(self, get_state: typing.Callable[[], T], last: T
                       ) -> typing.List[T]:
        """Poll a state until it has the last value.

        :param get_state: a function that returns the state.
        :param last: the last value.
        :returns: the values in their order. Equal values in a row count once.
        :raises AssertionError: the last value is not reached within the
            timeout.
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

        :param kw: further properties of the instance, or other values of its
            properties. None removes a property.
        """
        instance: typing.Dict[str, typing.Any] = {
            'name': name, 'flavorRef': self.flavor_id, 'volume': {'size': 1},
            'datastore': {'type': self.datastore, 'version': self.version},
            'nics': [{'net-id': self.network_id}]}
        instance.update(kw)
        return {'instance': {key: value for key, value in instance.items()
                             if value is not None}}

    def post(self, path: str, body: typing.Any) -> typing.Any:
        """Send a POST request with any body, and return the response's body.

        The methods of the client do not send every body.
        """
        return self.client.client.post(path, body=body)[1]

    def create(self, name: str = 'db', **kw: typing.Any) -> str:
        """Request an instance, and return its id without waiting for it.

        :param kw: see build_body().
        """
        return str(self.post('/instances', self.build_body(
            name, **kw))['instance']['id'])

    def create_instance(self, name: str = 'db', **kw: typing.Any) -> str:
        """Create an instance, wait until it is up, and return its id.

        :param kw: see build_body().
        """
        id_ = self.create(name, **kw)
        self.wait_until_ready(id_)
        return id_

    def wait_until_ready(self, *instance_ids: str) -> None:
        """Wait until the databases of instances are up.

        :raises AssertionError: an instance is in ERROR, or is not up within
            the timeout.
        """
        for id_ in instance_ids:
            self.wait_for(lambda: self.get_statuses(id_) in (
                ('ACTIVE', 'HEALTHY'), ('ERROR', '')))
            assert self.get_statuses(id_)[0] == 'ACTIVE'

    def list_pages(self, limit: typing.Optional[int] = None
                   ) -> typing.List[typing.List[str]]:
        """Return the ids of all instances of the project.

        :param limit: the limit of a page. None for Trove's default.
        :returns: one list for each page.
        """
        pages, marker = [], None
        while True:
            page = self.client.instances.list(limit=limit, marker=marker)
            pages.append([instance.id for instance in page])
            marker = page.next
            if marker is None:
                return pages

    def get_statuses(self, instance_id: str) -> typing.Tuple[str, str]:
        """Return the status and the operating status of an instance.

        If the instance does not exist, return ('deleted', '').
        """
        with contextlib.suppress(trove_exceptions.NotFound):
            instance = self.client.instances.get(instance_id).to_dict()
            return instance['status'], instance['operating_status']
        return 'deleted', ''

    def create_backup(self, instance_id: str, name: str = 'nightly',
                      **kw: typing.Any) -> str:
        """Create a backup, wait for its end, and return its id.

        At its end, the backup is complete or has failed.

        :param kw: further arguments of the client's method.
        """
        backup = self.client.backups.create(name, instance_id, **kw)
        self.wait_for(lambda: self.get_backup_status(backup.id) in (
            'COMPLETED', 'FAILED'))
        return str(backup.id)

    def get_backup_status(self, backup_id: str) -> str:
        """Return the status of a backup.

        If the backup does not exist, return 'deleted'.
        """
        with contextlib.suppress(trove_exceptions.NotFound):
            return str(self.client.backups.get(backup_id).status)
        return 'deleted'

    def create_configuration(self, name: str = 'tuned',
                             values: typing.Mapping[str, object]
                             = types.MappingProxyType({
                                 'max_connections': 77}),
                             **kw: typing.Any) -> str:
        """Create a configuration group and return its id.

        :param kw: further arguments of the client's method.
        """
        return str(self.client.configurations.create(
            name, json.dumps(dict(values)), datastore=self.datastore,
            datastore_version=self.version, **kw).id)

    def list_configurations(self) -> typing.List[typing.Dict[str, typing.Any]]:
        """Return the configuration groups of all pages of the list."""
        items, marker = [], None
        while True:
            page = self.client.configurations.list(marker=marker)
            items += [item.to_dict() for item in page]
            marker = page.next
            if marker is None:
                return items

    def delete_backups(self, *backup_ids: str) -> None:
        """Delete backups one after another.

        Wait for the end of a deletion before the next one.
        """
        for backup_id in backup_ids:
            self.client.backups.delete(backup_id)
            self.wait_for(
                lambda: self.get_backup_status(backup_id) == 'deleted')


@contextlib.contextmanager
def http_error(code: int, text: str = '') -> typing.Iterator[None]:
    """Check that Trove responds with an error during the `with` block.

    Without an error, or with another error, the test fails.

    :param code: the HTTP code of the response.
    :param text: a part of the error message.
    """
    with pytest.raises(trove_exceptions.HttpError) as raised:
        yield
    assert raised.value.http_status == code
    assert text in str(raised.value)
