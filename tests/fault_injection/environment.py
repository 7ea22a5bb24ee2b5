"""A tenant, a bank and a cloud of proxies, for one case after another."""

import json
import pathlib
import tempfile
import time
import uuid

from karbor import context as karbor_context
from karbor import resource as karbor_resource
from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import client_factory
from karbor.services.protection import graph
from oslo_config import cfg

from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove import options
from karbor_trove import protection
from tests.fake_trove import karbor_records
from tests.fault_injection import timeouts
from tests.functional import api_tenant as tenants
from tests.sandbox import proxy
from tests.sandbox.services import launch
from tests.sandbox.services import provider_files

_KINDS = {'restore': karbor_records.Restore,
          'verify': karbor_records.Verification}
_HOOKS = ('on_prepare_begin', 'on_prepare_finish', 'on_main', 'on_complete')

#: Where a bank is.
FILES, SWIFT = 'files', 'Swift'


def _configuration(directory, sections):
    path = directory / ('%s.conf' % uuid.uuid4())
    return launch.write_config(path, sections)


def _configure_karbor(sandbox, cloud, directory):
    """What the plugin reads of karbor.conf."""
    settings = sandbox.services['karbor'].settings
    assert client_factory.ClientFactory.get_client_module('trove')
    cfg.CONF(['--config-file', _configuration(directory, {
        'trustee': {
            'auth_type': 'password', 'auth_url': cloud.urls['keystone'],
            'username': settings['service_user'],
            'password': settings['service_password'],
            'user_domain_id': 'default'},
        'clients_keystone': {
            'auth_uri': cloud.urls['keystone'].removesuffix('/v3')},
        'trove_client': {'trove_endpoint': cloud.urls['trove']},
    })], project='karbor', default_config_dirs=[])


def _context(session, cloud):
    access = session.auth.get_access(session)
    return karbor_context.RequestContext(
        user_id=access.user_id, project_id=access.project_id, is_admin=False,
        roles=list(access.role_names), auth_token=access.auth_token,
        # Its catalog leads to Swift.
        auth_token_info=json.loads(cloud.redirect_urls(
            json.dumps(access._data).encode())), overwrite=False)


class Environment:
    """One project, one database, and a process of its own."""

    def __init__(self, sandbox, user):
        self.directory = pathlib.Path(tempfile.mkdtemp(
            prefix='project-', dir=sandbox.directory))
        self.cloud = proxy.Proxies({
            service: sandbox.urls[service]
            for service in ('keystone', 'swift', 'trove')})
        self.tenant = tenants.Tenant(sandbox, user)
        _configure_karbor(sandbox, self.cloud, self.directory)
        launch.set_constants(timeouts.CONSTANTS)
        self.context = _context(self.tenant.session, self.cloud)
        self._swift = provider_files.swift_bank(dict(
            sandbox.services['karbor'].settings,
            keystone_url=self.cloud.urls['keystone']), 'karbor')
        # It would try again by itself, and hide what the plugin does.
        self._swift['swift_client'].update(
            swift_retry_attempts=0, swift_retry_backoff=0)
        self._kind = None

    def use_bank(self, kind):
        """Have a bank of that kind, and a database of its own in it."""
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
            plugin = swift_bank_plugin.SwiftBankPlugin(config)
        self.bank = bank_plugin.Bank(plugin)
        self._collection = karbor_checkpoint.CheckpointCollection(self.bank)
        self.reset()

    def reset(self):
        """Take a new database, with one checkpoint that stays."""
        self.cloud.heal()
        # What an earlier violation has left is not counted again.
        self._others = self._all_object_ids()
        self.resource = karbor_resource.Resource(
            tenants.TYPE, self.tenant.create_instance('orders'), 'orders')
        self.journal = backup_journal.BackupJournal(
            self.bank, self.resource.id)
        self.survivor = self.create_checkpoint()

    def _provider(self, own):
        """The provider's file.

        :param own: options of the plugin beside those that all have.
        """
        config = cfg.ConfigOpts()
        config(['--config-file', _configuration(self.directory, {
            'file_system_bank_plugin': {
                'file_system_bank_path': self.directory / 'bank'},
            **self._swift,
            options.GROUP: {**timeouts.OPTIONS, **own}})],
            default_config_dirs=[])
        return config

    def new_checkpoint(self):
        checkpoint = self._collection.create(
            {'id': str(uuid.uuid4()), 'name': 'nightly', 'resources': [],
             'provider_id': str(uuid.uuid4()),
             'project_id': self.context.project_id}, context=self.context)
        checkpoint.resource_graph = graph.build_graph(
            [self.resource], lambda node: [])
        return checkpoint

    def run(self, operation, checkpoint, parameters=None, **own):
        """One operation, as Karbor calls it; what it left, and the seconds.

        :param own: options of the provider.
        """
        plugin = protection.TroveProtectionPlugin(self._provider(own))
        arguments = {'new_resources': {}}
        if operation in _KINDS:
            arguments[operation] = karbor_records.new(
                _KINDS[operation], self.context, checkpoint.id)
            arguments[operation].parameters = {
                tenants.TYPE: parameters or {}}
        begun = getattr(plugin, 'get_%s_operation' % operation)(self.resource)
        begin = time.monotonic()
        try:
            for hook in _HOOKS:
                getattr(begun, hook)(checkpoint, self.resource, self.context,
                                     parameters or {}, **arguments)
        except Exception as error:  # Which one it may be is what is tested.
            arguments['raised'] = error
        return dict(arguments, seconds=time.monotonic() - begin)

    def section(self, checkpoint):
        return checkpoint.get_resource_bank_section(self.resource.id)

    def status(self, checkpoint):
        """Karbor's word for the database; None: there is none."""
        kept = storage.read(self.section(checkpoint), layout.STATUS)
        # Swift's bank gives a string as it came from there.
        return kept.decode() if isinstance(kept, bytes) else kept

    def kept(self, checkpoint):
        """The record in the checkpoint; None: there is none."""
        return record.read(self.section(checkpoint))

    def create_checkpoint(self, parameters=None, **own):
        """A checkpoint with a complete backup."""
        checkpoint = self.new_checkpoint()
        told = self.run('protect', checkpoint, parameters, **own)
        assert 'raised' not in told, told
        return checkpoint

    def clear_service_token(self):
        """Be a Karbor that has just started."""
        client_factory.ClientFactory._keystone_plugin = None

    def backups(self):
        """The database's, in Trove, by id."""
        return {id_: told for id_, told in self.tenant.list_backups().items()
                if told['instance_id'] == self.resource.id}

    def object_ids(self):
        """The ids of the backups of which something is in Swift."""
        return self._all_object_ids() - self._others

    def _all_object_ids(self):
        return {name[:36] for _, name in self.tenant.list_objects()}
