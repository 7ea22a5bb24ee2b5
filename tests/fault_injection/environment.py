"""Environment of one worker process: a project, a bank and proxies.

Operations run in this process, with Karbor's classes and without a running
Karbor.
"""

import argparse
from concurrent import futures
import functools
import json
import pathlib
import tempfile
import time
import uuid

from karbor import context as karbor_context
from karbor import resource as karbor_resource
from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import client_factory
from karbor.services.protection import graph
from oslo_config import cfg

from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.bank_plugins import swift as swift_bank
from karbor_trove.cmd.commands import acceptance
from karbor_trove.cmd import providers
from karbor_trove import options
from karbor_trove import protection
from tests.fake_trove import karbor_records
from tests.fault_injection import timeouts
from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.functional import test_preflight
from tests.sandbox import proxy
from tests.sandbox.services import launch
from tests.sandbox.services import provider_files

_KINDS = {'restore': karbor_records.Restore,
          'verify': karbor_records.Verification}
#: Hooks of an operation. Karbor calls the first hook for all databases of a
#: checkpoint before it calls any other hook.
_FIRST_HOOKS = ('on_prepare_begin',)
_FURTHER_HOOKS = ('on_prepare_finish', 'on_main', 'on_complete')
#: The name of the database that cannot be backed up.
BROKEN = 'fail-create'

#: Kinds of banks.
FILES, SWIFT = 'files', 'Swift'


def _configuration(directory, sections):
    """Write a new configuration file and return its path."""
    path = directory / ('%s.conf' % uuid.uuid4())
    return launch.write_config(path, sections)


def configure_karbor(sandbox, cloud, directory):
    """Load a karbor.conf for the plugin and for the commands.

    :param cloud: the proxies, which take the place of the services.
    :param directory: an existing directory for the file.
    """
    settings = sandbox.services['karbor'].settings
    account = {'auth_type': 'password', 'auth_url': cloud.urls['keystone'],
               'username': settings['service_user'],
               'password': settings['service_password'],
               'user_domain_id': 'default'}
    assert client_factory.ClientFactory.get_client_module('trove')
    cfg.CONF(['--config-file', _configuration(directory, {
        'trustee': account,
        'keystone_authtoken': account,
        'clients_keystone': {
            'auth_uri': cloud.urls['keystone'].removesuffix('/v3')},
        'trove_client': {'trove_endpoint': cloud.urls['trove']},
    })], project='karbor', default_config_dirs=[])


def _context(session, cloud):
    """Return Karbor's context of a request by the user of a session."""
    access = session.auth.get_access(session)
    return karbor_context.RequestContext(
        user_id=access.user_id, project_id=access.project_id, is_admin=False,
        roles=list(access.role_names), auth_token=access.auth_token,
        # The plugin takes the URL of Swift from the catalog of the token.
        auth_token_info=json.loads(cloud.redirect_urls(
            json.dumps(access._data).encode())), overwrite=False)


def list_resources(checkpoint, left_out=None):
    """Return the databases of a checkpoint.

    :param left_out: the database that is not returned. None to return all
        databases.
    """
    resources = [node.value for node in checkpoint.resource_graph]
    return resources if left_out is None else [
        resource for resource in resources if resource != left_out]


class Environment:
    """One project with its databases, and a bank.

    Attributes after use_bank(): `resource` is the first database, `journal`
    is its backup journal, and `survivor` is a checkpoint of this database. No
    scenario deletes the survivor.

    :param user: one of runner.USERS. The project has only this user.
    """

    def __init__(self, sandbox, user):
        self.directory = pathlib.Path(tempfile.mkdtemp(
            prefix='project-', dir=sandbox.directory))
        self.cloud = proxy.Proxies({
            service: sandbox.urls[service]
            for service in ('keystone', 'swift', 'trove')})
        self.tenant = tenants.Tenant(sandbox, user)
        test_manage.Operator(sandbox, self.tenant).grant_access()
        configure_karbor(sandbox, self.cloud, self.directory)
        launch.set_constants(timeouts.CONSTANTS)
        self.context = _context(self.tenant.session, self.cloud)
        self._swift = provider_files.swift_bank(dict(
            sandbox.services['karbor'].settings,
            keystone_url=self.cloud.urls['keystone']), 'karbor')
        # Retries of Swift's client would hide how the plugin reacts.
        self._swift['swift_client'].update(
            swift_retry_attempts=0, swift_retry_backoff=0)
        self._kind = None

    def use_bank(self, kind):
        """Use a bank of this kind.

        If the kind of the bank changes, reset() creates a new database.

        :param kind: FILES or SWIFT.
        """
        if kind == self._kind:
            return
        self._kind = kind
        config = self._provider({})
        if kind == FILES:
            config.register_opts(
                file_system_bank_plugin.file_system_bank_plugin_opts,
                'file_system_bank_plugin')
            plugin = file_system_bank_plugin.FileSystemBankPlugin(config)
        else:
            # Karbor's own plugin does not notice if a load balancer responds
            # with HTTP 200 instead of Swift. An object that it writes then is
            # lost.
            plugin = swift_bank.SwiftBankPlugin(config)
        self.bank = bank_plugin.Bank(plugin)
        self._collection = karbor_checkpoint.CheckpointCollection(self.bank)
        self.reset()

    def reset(self):
        """Create a new database, and a checkpoint of it: the survivor."""
        self.cloud.heal()
        # Ignore the objects that an earlier violation has left.
        self._other_object_ids = self._list_all_object_ids()
        self._databases = {}
        self.resource = self.get_database('orders')
        self.journal = backup_journal.BackupJournal(
            self.bank, self.resource.id)
        self.survivor = self.create_checkpoint()

    def get_database(self, name):
        """Return the database with this name. The first call creates it."""
        if name not in self._databases:
            id_ = (test_preflight.create_failed_instance(self.tenant)
                   if name == BROKEN else self.tenant.create_instance(name))
            self._databases[name] = karbor_resource.Resource(
                tenants.TYPE, id_, name)
        return self._databases[name]

    @property
    def database_ids(self):
        """The ids of all databases since the last reset()."""
        return [resource.id for resource in self._databases.values()]

    def _provider(self, provider_options):
        """Return the configuration of a provider file.

        :param provider_options: options besides timeouts.OPTIONS, or other
            values for these.
        """
        config = cfg.ConfigOpts()
        config(['--config-file', _configuration(self.directory, {
            'file_system_bank_plugin': {
                'file_system_bank_path': self.directory / 'bank'},
            **self._swift,
            options.GROUP: {**timeouts.OPTIONS, **provider_options}})],
            default_config_dirs=[])
        return config

    def new_checkpoint(self, *resources):
        """Return a checkpoint without backups.

        :param resources: the databases of the checkpoint. By default it has
            only the first database.
        """
        checkpoint = self._collection.create(
            {'id': str(uuid.uuid4()), 'name': 'nightly', 'resources': [],
             'provider_id': str(uuid.uuid4()),
             'project_id': self.context.project_id}, context=self.context)
        checkpoint.resource_graph = graph.build_graph(
            resources or [self.resource], lambda node: [])
        return checkpoint

    def run(self, operation, checkpoint, parameters=None, each=None,
            at_once=False, **provider_options):
        """Run an operation as Karbor does, but one database at a time.

        :param operation: 'protect', 'restore', 'verify' or 'delete'.
        :param parameters: the parameters of all databases.
        :param each: the parameters of single databases, by id.
        :param at_once: True to work on all databases at the same time, each in
            a thread of its own. The first hooks run one after the other
            nevertheless.
        :param provider_options: options besides timeouts.OPTIONS, or other
            values for these.
        :returns: a dict. 'seconds' is the duration. 'raised' has the
            exceptions, and is missing if there are none. 'restore' or
            'verify' has Karbor's record of such an operation.
        """
        plugin = protection.TroveProtectionPlugin(
            self._provider(provider_options))
        parameters, each = parameters or {}, each or {}
        arguments = {'new_resources': {}}
        if operation in _KINDS:
            arguments[operation] = karbor_records.new(
                _KINDS[operation], self.context, checkpoint.id)
            arguments[operation].parameters = {
                tenants.TYPE: parameters, **{
                    '%s#%s' % (tenants.TYPE, id_): own
                    for id_, own in each.items()}}
        create = getattr(plugin, 'get_%s_operation' % operation)
        operations = [(resource, create(resource))
                      for resource in list_resources(checkpoint)]

        def call(hooks, resource_and_operation):
            resource, operation_object = resource_and_operation
            try:
                for hook in hooks:
                    getattr(operation_object, hook)(
                        checkpoint, resource, self.context,
                        {**parameters, **each.get(resource.id, {})},
                        **arguments)
            except Exception as error:  # The invariants check its type.
                return error
            return None

        def call_all(hooks, map_=map):
            return list(filter(None, map_(functools.partial(call, hooks),
                                          operations)))

        start = time.monotonic()
        with futures.ThreadPoolExecutor(len(operations)) as pool:
            raised = call_all(_FIRST_HOOKS) or call_all(
                _FURTHER_HOOKS, pool.map if at_once else map)
        if raised:
            arguments['raised'] = raised
        return dict(arguments, seconds=time.monotonic() - start)

    def accept(self, checkpoint):
        """Run the command "karbor-trove-manage checkpoint accept".

        :returns: a dict. 'seconds' is the duration. 'raised' is a list with
            the exception, and is missing if there is none.
        """
        provider = providers.Provider(
            checkpoint.provider_id, self.bank,
            options.register(self._provider({})))
        result = {}
        start = time.monotonic()
        try:
            acceptance.CheckpointAcceptance().list_rows(
                argparse.Namespace(id=checkpoint.id, without=[]), [provider])
        except Exception as error:  # The invariants check its type.
            result['raised'] = [error]
        return dict(result, seconds=time.monotonic() - start)

    def section(self, checkpoint, resource=None):
        """Return the section of a database in a checkpoint.

        :param resource: the database. By default the first database.
        """
        return checkpoint.get_resource_bank_section(
            (resource or self.resource).id)

    def get_status(self, checkpoint, resource=None):
        """Return the resource status of a database in a checkpoint.

        None if the checkpoint has no status of this database.

        :param resource: the database. By default the first database.
        """
        status = storage.read(self.section(checkpoint, resource),
                              layout.STATUS)
        # The bank in Swift does not decode strings.
        return status.decode() if isinstance(status, bytes) else status

    def read_record(self, checkpoint, resource=None):
        """Return the backup record of a database in a checkpoint.

        None if there is no record.

        :param resource: the database. By default the first database.
        """
        return record.read(self.section(checkpoint, resource),
                           (resource or self.resource).id)

    def create_checkpoint(self, parameters=None, resources=(),
                          **provider_options):
        """Run a protect operation without faults, and return the checkpoint.

        The parameters are those of run() and of new_checkpoint().

        :raises AssertionError: the operation failed.
        """
        checkpoint = self.new_checkpoint(*resources)
        result = self.run('protect', checkpoint, parameters,
                          **provider_options)
        assert 'raised' not in result, result
        return checkpoint

    def clear_service_token(self):
        """Drop the cached service token, as if Karbor had just started."""
        client_factory.ClientFactory._keystone_plugin = None

    def list_backups(self):
        """Return Trove's backups of the databases of this environment, by id.

        The backups of databases before the last reset() are not among them.
        """
        return {id_: backup
                for id_, backup in self.tenant.list_backups().items()
                if backup['instance_id'] in self.database_ids}

    def list_entries(self):
        """Return the entries of the backup journals of all databases."""
        return [entry for id_ in self.database_ids for entry in
                backup_journal.BackupJournal(self.bank, id_).list_entries()]

    def list_object_ids(self):
        """Return the ids of the backups that have objects in Swift.

        Objects that existed before the last reset() are not among them.
        """
        return self._list_all_object_ids() - self._other_object_ids

    def _list_all_object_ids(self):
        return {name[:36] for _, name in self.tenant.list_objects()}
