"""One cloud as the suite sees it: a client, a clock, and a tenant's ids."""

import abc
import contextlib
import typing

import pytest
from troveclient import exceptions as trove_exceptions

#: Seconds that anything here may take, and between two looks.
PATIENCE = 120.0
PAUSE = 0.1

Found = typing.TypeVar('Found')


class Cloud(abc.ABC):
    """A Trove with one tenant; what a test makes is gone after it."""

    #: troveclient's, v1
    client: typing.Any
    #: has now() and sleep(seconds)
    clock: typing.Any
    flavor_id: str
    network_id: str
    datastore = 'postgresql'
    version = '18'
    inactive_version = '16'
    max_volume_size: int

    @abc.abstractmethod
    def named(self, words: str) -> str:
        """A name under which the next thing made does what the words say.

        fail-create, fail-restore, fail-backup, slow-create-<seconds>,
        slow-backup-<seconds>, slow-restart-<seconds>, huge-backup (500 GB);
        without-database: need not really run.
        """

    @abc.abstractmethod
    def instance(self) -> str:
        """The id of a ready instance without backups; several may share."""

    def wait(self, look: typing.Callable[[], Found]) -> Found:
        """Look until there is something, and give it."""
        start = self.clock.now()
        while self.clock.now() - start < PATIENCE:
            found = look()
            if found:
                return found
            self.clock.sleep(PAUSE)
        raise AssertionError('nothing came of %r' % look)

    def seen(self, look: typing.Callable[[], Found], end: Found
             ) -> typing.List[Found]:
        """What is seen from now on, each state once, until the end comes."""
        states: typing.List[Found] = []

        def ended() -> bool:
            state = look()
            if states[-1:] != [state]:
                states.append(state)
            return state == end
        self.wait(ended)
        return states

    def body(self, name: str = 'db', **kw: typing.Any
             ) -> typing.Dict[str, typing.Any]:
        """A request for an instance; None leaves a key out."""
        asked: typing.Dict[str, typing.Any] = {
            'name': name, 'flavorRef': self.flavor_id, 'volume': {'size': 1},
            'datastore': {'type': self.datastore, 'version': self.version},
            'nics': [{'net-id': self.network_id}]}
        asked.update(kw)
        return {'instance': {key: value for key, value in asked.items()
                             if value is not None}}

    def post(self, path: str, body: typing.Any) -> typing.Any:
        """What Trove answers to a body that the client would not send."""
        return self.client.client.post(path, body=body)[1]

    def create(self, name: str = 'db', **kw: typing.Any) -> str:
        """Ask for an instance; its id."""
        return str(self.post('/instances', self.body(
            name, **kw))['instance']['id'])

    def create_instance(self, name: str = 'db', **kw: typing.Any) -> str:
        """A ready instance's id."""
        id_ = self.create(name, **kw)
        self.ready(id_)
        return id_

    def ready(self, *instance_ids: str) -> None:
        """Wait until their databases are up."""
        for id_ in instance_ids:
            self.wait(lambda: self.states(id_) in (
                ('ACTIVE', 'HEALTHY'), ('ERROR', '')))
            assert self.states(id_)[0] == 'ACTIVE'

    def pages(self, limit: typing.Optional[int] = None
              ) -> typing.List[typing.List[str]]:
        """The ids of all instances, page by page."""
        pages, marker = [], None
        while True:
            page = self.client.instances.list(limit=limit, marker=marker)
            pages.append([of.id for of in page])
            marker = page.next
            if marker is None:
                return pages

    def states(self, instance_id: str) -> typing.Tuple[str, str]:
        """Its status and operating status; ('gone', '') when it is."""
        with contextlib.suppress(trove_exceptions.NotFound):
            told = self.client.instances.get(instance_id).to_dict()
            return told['status'], told['operating_status']
        return 'gone', ''

    def back_up(self, instance_id: str, name: str = 'nightly',
                **kw: typing.Any) -> str:
        """A backup's id when it has ended."""
        made = self.client.backups.create(name, instance_id, **kw)
        self.wait(lambda: self.status(made.id) in ('COMPLETED', 'FAILED'))
        return str(made.id)

    def status(self, backup_id: str) -> str:
        """A backup's status; 'gone' when it is."""
        with contextlib.suppress(trove_exceptions.NotFound):
            return str(self.client.backups.get(backup_id).status)
        return 'gone'

    def delete(self, *backup_ids: str) -> None:
        """Delete backups in that order and wait until they are gone."""
        for backup_id in backup_ids:
            self.client.backups.delete(backup_id)
            self.wait(lambda: self.status(backup_id) == 'gone')


@contextlib.contextmanager
def refused(code: int, words: str = '') -> typing.Iterator[None]:
    """Trove answers with that HTTP code and says those words."""
    with pytest.raises(trove_exceptions.HttpError) as raised:
        yield
    assert raised.value.http_status == code
    assert words in str(raised.value)
