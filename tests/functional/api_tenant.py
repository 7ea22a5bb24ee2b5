"""A tenant of the sandbox: Karbor's REST API, Trove and the databases."""

import re
import time
import uuid

import pg8000.native
import swiftclient
from troveclient.apiclient import exceptions as trove_exceptions
from troveclient import client as trove_client

from tests.sandbox import cloud
from tests.sandbox.services import cloud as offered

TYPE = 'OS::Trove::Instance'
#: Seconds that anything here may take, and between two looks.
PATIENCE = 90.0
PAUSE = 0.2


def wait(look, patience=PATIENCE):
    """Look until there is something, and give it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(PAUSE)
    raise AssertionError('nothing came of %r in %g s' % (look, patience))


def asked_for(sandbox, kind):
    """How often anybody has asked Trove to make one; once at least."""
    log = sandbox.services['trove'].log.read_text()
    found = re.findall('"POST /v1.0/[0-9a-f]+/%s HTTP' % kind, log)
    assert found, 'Trove logs its requests in another way'
    return len(found)


class Tenant:
    """What a user of one project does, and sees."""

    def __init__(self, sandbox, user='tenant'):
        self.session = sandbox.session(user)
        self.project_id = self.session.get_project_id()
        self.trove = trove_client.Client('1.0', session=self.session)
        self._port = sandbox.database_port
        self._karbor = '%s/%s' % (sandbox.urls['karbor'], self.project_id)

    def ask(self, method, path, body=None, expect=(200, 202, 204)):
        """One request to Karbor; its answer, read."""
        answer = self.session.request(
            self._karbor + path, method, json=body, raise_exc=False)
        assert answer.status_code in expect, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def create(self, name='orders', **kw):
        """A running database's id."""
        return self.create_many([name], **kw)[0]

    def create_many(self, names, **kw):
        """Several of them, made at once."""
        asked = dict({
            'flavor_id': '1', 'volume': {'size': 1},
            'datastore': offered.DATASTORE,
            'datastore_version': offered.VERSION,
            'nics': [{'net-id': offered.NETWORK}]}, **kw)
        ids = [self.trove.instances.create(name, **asked).id
               for name in names]
        for id_ in ids:
            wait(lambda: self.is_up(id_))
        return ids

    def is_up(self, id_):
        told = self.trove.instances.get(id_).to_dict()
        assert told['status'] not in ('ERROR', 'FAILED'), told
        return told['operating_status'] == 'HEALTHY'

    def sql(self, id_, statement, database='postgres'):
        """What the instance's PostgreSQL answers."""
        [address] = [one['address'] for one in self.trove.instances.get(
            id_).to_dict()['addresses'] if one['type'] == 'private']
        with pg8000.native.Connection(
                'postgres', host=address, port=self._port,
                database=database) as connection:
            return connection.run(statement)

    def fill(self, id_, rows, **kw):
        self.sql(id_, 'CREATE TABLE orders AS SELECT '
                      'generate_series(1, %d) AS number' % rows, **kw)

    def rows(self, id_, **kw):
        [[count]] = self.sql(id_, 'SELECT count(*) FROM orders', **kw)
        return count

    def remove(self, *ids):
        """Deletes databases, and waits until they are gone."""
        for id_ in ids:
            wait(lambda: self._lets_go(id_))
        wait(lambda: not set(ids) & self.instance_ids())

    def leave_nothing(self):
        """Delete all backups and databases, and wait until they are gone."""
        for id_ in self.backups():
            self.trove.backups.delete(id_)
        self.remove(*self.instance_ids())
        wait(lambda: not self.backups())

    def _lets_go(self, id_):
        """Ask for the deletion; one that is being built does not go yet."""
        try:
            self.trove.instances.delete(id_)
        except trove_exceptions.UnprocessableEntity:
            return False
        return True

    def instance_ids(self):
        found, marker = set(), None
        while True:
            page = self.trove.instances.list(marker=marker)
            found.update(one.id for one in page)
            marker = page.next
            if marker is None:
                return found

    def backups(self):
        """All backups in Trove, by id."""
        return {one.id: one.to_dict()
                for one in self.trove.backups.list(limit=1000)}

    def objects(self):
        """The names of what is in the tenant's Swift."""
        swift = swiftclient.Connection(session=self.session)
        return {(container['name'], kept['name'])
                for container in swift.get_account()[1]
                for kept in swift.get_container(
                    container['name'], full_listing=True)[1]}

    def plan(self, resources, parameters=None, provider=cloud.PROVIDER_ID):
        """A plan's id; resources are ids of instances or whole resources."""
        resources = [one if isinstance(one, dict) else
                     {'id': one, 'type': TYPE, 'name': 'orders'}
                     for one in resources]
        return self.ask('POST', '/plans', {'plan': {
            'name': 'nightly', 'description': '', 'provider_id': provider,
            'resources': resources, 'parameters': parameters or {}}}
        )['plan']['id']

    def checkpoints(self, provider=cloud.PROVIDER_ID):
        return '/providers/%s/checkpoints' % provider

    def protect(self, plan_id, expect='available', **kw):
        """A checkpoint's id, when it has ended that way."""
        path = self.checkpoints(**kw)
        id_ = self.ask('POST', path, {'checkpoint': {
            'plan_id': plan_id}})['checkpoint']['id']
        self.ended(id_, expect, **kw)
        return id_

    def ended(self, checkpoint_id, expect, **kw):
        path = '%s/%s' % (self.checkpoints(**kw), checkpoint_id)
        end = wait(lambda: self.ask('GET', path)['checkpoint']['status'] in (
            'available', 'error', 'deleted', 'error-deleting')
            and self.ask('GET', path)['checkpoint']['status'])
        assert end == expect

    def delete(self, checkpoint_id, expect='deleted', **kw):
        path = '%s/%s' % (self.checkpoints(**kw), checkpoint_id)
        self.ask('DELETE', path)
        wait(lambda: self.ask('GET', path)['checkpoint']['status'] in (
            'deleted', 'error-deleting'))
        assert self.ask('GET', path)['checkpoint']['status'] == expect

    def _run(self, kind, body, expect):
        path = '/%ss' % kind
        id_ = self.ask('POST', path, {kind: body})[kind]['id']

        def look():
            told = self.ask('GET', '%s/%s' % (path, id_))[kind]
            return told if told['status'] in ('success', 'fail') else None

        told = wait(look)
        assert told['status'] == expect, told
        return told

    def restore(self, checkpoint_id, parameters=None, expect='success',
                provider=cloud.PROVIDER_ID, each=None):
        """Karbor's record of a restore that ended that way.

        :param parameters: for all databases.
        :param each: for one each, by its id.
        """
        given = {TYPE: parameters} if parameters else {}
        given.update(('%s#%s' % (TYPE, id_), own)
                     for id_, own in (each or {}).items())
        return self._run('restore', {
            'provider_id': provider, 'checkpoint_id': checkpoint_id,
            'parameters': given}, expect)

    def verify(self, checkpoint_id, expect='success',
               provider=cloud.PROVIDER_ID):
        """Karbor's record of a verification that ended that way."""
        return self._run('verification', {
            'provider_id': provider, 'checkpoint_id': checkpoint_id,
            'parameters': {}}, expect)


def new_instance(told):
    """The id of the one instance that a restore's record names."""
    [key] = told['resources_status']
    assert key.startswith(TYPE + '#')
    id_ = key.rpartition('#')[2]
    return str(uuid.UUID(id_))
