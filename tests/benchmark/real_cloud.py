"""Real Keystone, Trove and Swift with databases, in the sandbox."""

import contextlib
import re
from typing import Any, Iterator
import urllib.parse

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import lockfiles
from tests.sandbox.services import cloud as catalog
from tests.sandbox.services import trove_config

#: The least seconds of a backup. The sandbox's guest agent reads them from
#: the name of the instance.
BACKUP_SECONDS = 5
_SERVICES = ('keystone', 'trove', 'swift')


class RealCloud:
    """The services of a sandbox, and the databases of its tenant.

    :param count: number of databases.
    """

    def __init__(self, sandbox: cloud.Sandbox, count: int) -> None:
        self._sandbox = sandbox
        self._tenant = tenants.Tenant(sandbox)
        self._instance_ids = self._tenant.create_instances([
            'orders-%d-slow-backup-%d' % (number, BACKUP_SECONDS)
            for number in range(count)])

    def build_settings(self, size: int) -> 'dict[str, Any]':
        """Return the settings of karbor_process.py for this cloud.

        :param size: number of databases of the measurement.
        """
        sandbox = self._sandbox
        servers = {name: urllib.parse.urlsplit(sandbox.urls[name])
                   for name in _SERVICES}
        karbor = sandbox.services['karbor'].settings
        return {
            'trove': 'http://' + servers['trove'].netloc,
            'real': {
                'servers': {server.netloc: name.capitalize()
                            for name, server in servers.items()},
                'database': str(sandbox.directory / 'trove'
                                / trove_config.DATABASE),
                'instances': self._instance_ids[:size],
                'context': self._build_context(),
                'config': {
                    'keystone': 'http://' + servers['keystone'].netloc,
                    'password': karbor['service_password']}}}

    def _build_context(self) -> 'dict[str, Any]':
        """Return what Karbor's API knows of a request of the tenant."""
        session = self._tenant.session
        token = session.get_token()
        described = session.get(
            self._sandbox.urls['keystone'] + '/auth/tokens',
            headers={'X-Subject-Token': token}).json()
        return {
            'user_id': session.get_user_id(),
            'project_id': session.get_project_id(), 'is_admin': False,
            'roles': [role['name'] for role in described['token']['roles']],
            'auth_token': token, 'auth_token_info': described,
            'overwrite': False}

    def delete_others(self) -> None:
        """Delete all backups, and all instances that a restore created."""
        for backup_id in self._tenant.list_backups():
            self._tenant.trove.backups.delete(backup_id)
        self._tenant.delete_instances(
            *self._tenant.list_instance_ids() - set(self._instance_ids))
        tenants.wait_for(lambda: not self._tenant.list_backups())


@contextlib.contextmanager
def run(count: int) -> 'Iterator[RealCloud]':
    """Run a sandbox with so many databases.

    :raises environments.InstallFailure: a Python environment cannot be
        created.
    :raises process.StartFailure: a service did not start.
    """
    with cloud.Sandbox(overrides={'trove': {
            # The in-tree plugin restores with the default datastore.
            'options': {'default_datastore': catalog.DATASTORE}}}) as sandbox:
        # The flows run in a Karbor of their own.
        sandbox.services['karbor'].stop()
        yield RealCloud(sandbox, count)


def read_versions() -> 'dict[str, str]':
    """Return the versions of the services, by name."""
    lists = {'trove': environments.TROVE}
    return {name.capitalize(): re.search(
        rf'^{name}==([\w.]+)', lockfiles.pinned(lists.get(name, 'services')),
        re.MULTILINE).group(1) for name in _SERVICES}
