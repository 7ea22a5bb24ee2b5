"""A user of the sandbox: Karbor's REST API, Trove and the databases."""

import re
import time
import uuid

import pg8000.native
import swiftclient
from troveclient.apiclient import exceptions as trove_exceptions
from troveclient import client as trove_client

from tests.sandbox import cloud
from tests.sandbox.services import cloud as catalog

TYPE = 'OS::Trove::Instance'
#: Timeout of each wait and interval between two checks, in seconds.
TIMEOUT = 90.0
POLL_INTERVAL = 0.2


def wait_for(check):
    """Call the check until its result is true, and return the result."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        result = check()
        if result:
            return result
        time.sleep(POLL_INTERVAL)
    raise AssertionError('%r was not true within %g s' % (check, TIMEOUT))


def count_create_requests(sandbox, kind):
    """Return how many create requests Trove has received.

    :param kind: 'instances' or 'backups'. Trove must have received at least
        one request of this kind.
    """
    log = sandbox.services['trove'].log.read_text()
    requests = re.findall('"POST /v1.0/[0-9a-f]+/%s HTTP' % kind, log)
    assert requests, 'Trove logs its requests in another format'
    return len(requests)


class Tenant:
    """A user of one project."""

    def __init__(self, sandbox, user='tenant'):
        self.session = sandbox.session(user)
        self.project_id = self.session.get_project_id()
        self.trove = trove_client.Client('1.0', session=self.session)
        self._port = sandbox.database_port
        self._karbor = '%s/%s' % (sandbox.urls['karbor'], self.project_id)

    def send(self, method, path, body=None, expect=(200, 202, 204)):
        """Send a request to Karbor and return its parsed response."""
        response = self.session.request(
            self._karbor + path, method, json=body, raise_exc=False)
        assert response.status_code in expect, (
            response.status_code, response.text)
        return response.json() if response.content else None

    def create_instance(self, name='orders', **kw):
        """Create an instance, wait until it is up and return its id."""
        return self.create_instances([name], **kw)[0]

    def create_instances(self, names, **kw):
        """Create several instances at the same time."""
        properties = dict({
            'flavor_id': '1', 'volume': {'size': 1},
            'datastore': catalog.DATASTORE,
            'datastore_version': catalog.VERSION,
            'nics': [{'net-id': catalog.NETWORK}]}, **kw)
        ids = [self.trove.instances.create(name, **properties).id
               for name in names]
        for id_ in ids:
            wait_for(lambda: self.is_up(id_))
        return ids

    def is_up(self, id_):
        instance = self.trove.instances.get(id_).to_dict()
        assert instance['status'] not in ('ERROR', 'FAILED'), instance
        return instance['operating_status'] == 'HEALTHY'

    def sql(self, id_, statement, database='postgres'):
        """Run a statement in the PostgreSQL of an instance."""
        [address] = [address['address']
                     for address in self.trove.instances.get(
                         id_).to_dict()['addresses']
                     if address['type'] == 'private']
        with pg8000.native.Connection(
                'postgres', host=address, port=self._port,
                database=database) as connection:
            return connection.run(statement)

    def create_table(self, id_, rows, **kw):
        self.sql(id_, 'CREATE TABLE orders AS SELECT '
                      'generate_series(1, %d) AS number' % rows, **kw)

    def count_rows(self, id_, **kw):
        [[count]] = self.sql(id_, 'SELECT count(*) FROM orders', **kw)
        return count

    def delete_instances(self, *ids):
        """Delete instances and wait until they are deleted."""
        for id_ in ids:
            wait_for(lambda: self._request_deletion(id_))
        wait_for(lambda: not set(ids) & self.list_instance_ids())

    def delete_everything(self):
        """Delete all backups and instances, wait until they are deleted."""
        for id_ in self.list_backups():
            self.trove.backups.delete(id_)
        self.delete_instances(*self.list_instance_ids())
        wait_for(lambda: not self.list_backups())

    def _request_deletion(self, id_):
        """Return False if the instance cannot be deleted yet.

        Trove rejects the deletion of an instance that it still builds.
        """
        try:
            self.trove.instances.delete(id_)
        except trove_exceptions.UnprocessableEntity:
            return False
        return True

    def list_instance_ids(self):
        ids, marker = set(), None
        while True:
            page = self.trove.instances.list(marker=marker)
            ids.update(instance.id for instance in page)
            marker = page.next
            if marker is None:
                return ids

    def list_backups(self):
        """Return all backups in Trove, by id."""
        return {backup.id: backup.to_dict()
                for backup in self.trove.backups.list(limit=1000)}

    def list_objects(self):
        """Return (container, name) of all objects in the project's Swift."""
        swift = swiftclient.Connection(session=self.session)
        return {(container['name'], item['name'])
                for container in swift.get_account()[1]
                for item in swift.get_container(
                    container['name'], full_listing=True)[1]}

    def create_plan(self, resources, parameters=None,
                    provider=cloud.PROVIDER_ID):
        """Create a plan and return its id.

        :param resources: ids of instances, or resources as dicts.
        """
        resources = [resource if isinstance(resource, dict) else
                     {'id': resource, 'type': TYPE, 'name': 'orders'}
                     for resource in resources]
        return self.send('POST', '/plans', {'plan': {
            'name': 'nightly', 'description': '', 'provider_id': provider,
            'resources': resources, 'parameters': parameters or {}}}
        )['plan']['id']

    def checkpoints_path(self, provider=cloud.PROVIDER_ID):
        return '/providers/%s/checkpoints' % provider

    def get_checkpoint_status(self, checkpoint_id, **kw):
        path = '%s/%s' % (self.checkpoints_path(**kw), checkpoint_id)
        return self.send('GET', path)['checkpoint']['status']

    def protect(self, plan_id, expect='available', **kw):
        """Create a checkpoint, wait for its end and return its id."""
        id_ = self.send('POST', self.checkpoints_path(**kw), {'checkpoint': {
            'plan_id': plan_id}})['checkpoint']['id']
        self._wait_for_status(
            id_, expect, ('available', 'error', 'deleted', 'error-deleting'),
            **kw)
        return id_

    def delete_checkpoint(self, checkpoint_id, expect='deleted', **kw):
        """Delete a checkpoint and wait for the end of the deletion."""
        self.send('DELETE', '%s/%s' % (
            self.checkpoints_path(**kw), checkpoint_id))
        self._wait_for_status(checkpoint_id, expect,
                              ('deleted', 'error-deleting'), **kw)

    def _wait_for_status(self, checkpoint_id, expect, final_statuses, **kw):
        status = wait_for(lambda: self.get_checkpoint_status(
            checkpoint_id, **kw) in final_statuses
            and self.get_checkpoint_status(checkpoint_id, **kw))
        assert status == expect

    def _run(self, kind, body, expect):
        path = '/%ss' % kind
        id_ = self.send('POST', path, {kind: body})[kind]['id']
        record = wait_for(lambda: self.find_ended(kind, id_))
        assert record['status'] == expect, record
        return record

    def find_ended(self, kind, id_):
        """Return the record of a restore or verification.

        None if the operation has not ended.
        """
        record = self.send('GET', '/%ss/%s' % (kind, id_))[kind]
        return record if record['status'] in ('success', 'fail') else None

    def restore(self, checkpoint_id, parameters=None, expect='success',
                provider=cloud.PROVIDER_ID, each=None):
        """Restore a checkpoint, wait for the end and return Karbor's record.

        :param parameters: the parameters of all instances.
        :param each: the parameters of single instances, by id.
        """
        all_parameters = {TYPE: parameters} if parameters else {}
        all_parameters.update(('%s#%s' % (TYPE, id_), own)
                              for id_, own in (each or {}).items())
        return self._run('restore', {
            'provider_id': provider, 'checkpoint_id': checkpoint_id,
            'parameters': all_parameters}, expect)

    def verify(self, checkpoint_id, expect='success',
               provider=cloud.PROVIDER_ID):
        """Verify a checkpoint, wait for the end and return Karbor's record."""
        return self._run('verification', {
            'provider_id': provider, 'checkpoint_id': checkpoint_id,
            'parameters': {}}, expect)


def restored_instance_id(restore):
    """Return the id of the only instance in Karbor's record of a restore."""
    [key] = restore['resources_status']
    assert key.startswith(TYPE + '#')
    id_ = key.rpartition('#')[2]
    return str(uuid.UUID(id_))
