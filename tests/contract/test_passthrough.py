"""The passthrough plugin in Karbor's providers, API and resource flows."""

import argparse
import importlib.metadata
import itertools
from unittest import mock

from karbor.api.schemas import plans as plan_schemas
from karbor.api.schemas import restores as restore_schemas
from karbor.api.v1 import providers as providers_api
from karbor.api.validation import validators
from karbor.common import constants
from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import manager
from karbor.services.protection.protectable_plugins import project
from karbor.services.protection import protectable_registry
from karbor import utils
import pytest
import stevedore

from karbor_trove.cmd.commands import checkpoints
from karbor_trove.cmd import providers as cmd_providers
from karbor_trove import options
from karbor_trove import passthrough
from karbor_trove import protectable
from karbor_trove import protection
from tests.contract import conftest
from tests.contract import test_requests
from tests.fake_trove import cloud
from tests.fake_trove import karbor_records

TYPE = constants.DATABASE_RESOURCE_TYPE
PROJECT = constants.PROJECT_RESOURCE_TYPE
SERVER = constants.SERVER_RESOURCE_TYPE
NAME = 'karbor-trove-passthrough-plugin'
OURS = 'karbor-trove-protection-plugin'
NOOP = 'karbor-noop-protection-plugin'
#: All protection plugins of Karbor.
KARBORS = sorted(
    entry_point.name for entry_point
    in importlib.metadata.distribution('karbor').entry_points
    if entry_point.group == 'karbor.protections'
    and not entry_point.name.endswith('bank-plugin'))
OTHERS = [name for name in KARBORS if name not in (
    NOOP, 'karbor-database-protection-plugin')]
#: The other ones have the default null in a schema. Karbor's API rejects it.
WITHOUT_NULL = ['karbor-network-protection-plugin',
                'karbor-pod-protection-plugin',
                'karbor-server-protection-plugin']


class Protectable:
    """Lists one resource of a type in every project."""

    def __init__(self, type_):
        self._type = type_

    def instance(self, context, conf=None):
        return self

    def get_resource_type(self):
        return self._type

    def get_parent_resource_types(self):
        return (PROJECT,)

    def get_dependent_resources(self, context, parent_resource):
        return [karbor_resource.Resource(self._type, 'one', 'name')]


@pytest.fixture
def load(load_providers):
    """Return a function that loads a provider with these plugins."""
    def load(*plugins, types=None):
        return load_providers(plugins, '' if types is None else (
            '[trove_passthrough_plugin]\ntypes = %s' % types)
        ).show_provider(conftest.PROVIDER_ID)
    return load


@pytest.fixture
def provider(load):
    """A provider with the passthrough plugin."""
    return load(NAME, OURS)


@pytest.fixture
def new_project_checkpoint(provider, context, fake_trove):
    """Return a function that creates a checkpoint of a project.

    The project has n databases and a resource of each of the other types.
    """
    def make(count, types=options.PASSTHROUGH_TYPES):
        for number in range(count):
            fake_trove.add_instance(name='db-%d' % number)
        registry = protectable_registry.ProtectableRegistry()
        registry.register_plugin(project.ProjectProtectablePlugin())
        registry.register_plugin(protectable.TroveInstanceProtectable())
        for type_ in types:
            if type_ != PROJECT:
                registry.register_plugin(Protectable(type_))
        resources = [{'id': cloud.PROJECT, 'type': PROJECT, 'name': 'tenant'}]
        checkpoint = provider.get_checkpoint_collection().create(
            {'id': 'plan', 'name': 'plan', 'provider_id': provider.id,
             'project_id': context.project_id, 'resources': resources},
            context=context)
        checkpoint.resource_graph = registry.build_graph(
            context, {karbor_resource.Resource(**resource)
                      for resource in resources})
        checkpoint.commit()
        return checkpoint
    return make


def list_ids(checkpoint, type_=TYPE):
    """Return the ids of the resources of a type in a project checkpoint."""
    [root] = checkpoint.resource_graph
    return {node.value.id for node in root.child_nodes
            if node.value.type == type_}


def list_statuses(checkpoint):
    return {checkpoint.get_resource_bank_section(id_).get_object('status')
            for id_ in list_ids(checkpoint)}


def test_plugin_is_found_by_its_entry_point():
    assert stevedore.DriverManager('karbor.protections', NAME).driver is (
        passthrough.PassthroughPlugin)


def test_types_are_all_that_karbor_knows_but_ours():
    assert sorted([TYPE, *options.PASSTHROUGH_TYPES]) == sorted(
        constants.RESOURCE_TYPES)


@pytest.mark.parametrize('name', KARBORS)
def test_provider_with_a_plugin_of_karbor_uses_each_for_its_types(load, name):
    theirs = utils.load_class('karbor.protections', name)
    provider = load(NAME, name, OURS)
    assert provider.plugins == {
        **dict.fromkeys(options.PASSTHROUGH_TYPES,
                        passthrough.PassthroughPlugin),
        **dict.fromkeys(theirs.get_supported_resources_types(), theirs),
        TYPE: protection.TroveProtectionPlugin}
    for type_, plugin in provider.load_plugins().items():
        assert type(plugin) is provider.plugins[type_]


def test_provider_with_all_plugins_of_karbor_uses_each_for_its_types(
        load, run_flow, new_project_checkpoint, fake_trove):
    provider = load(NAME, *OTHERS, OURS)
    theirs = [utils.load_class('karbor.protections', name) for name in OTHERS]
    assert provider.plugins == {
        **dict.fromkeys(options.PASSTHROUGH_TYPES,
                        passthrough.PassthroughPlugin),
        **{type_: plugin for plugin in theirs
           for type_ in plugin.get_supported_resources_types()},
        TYPE: protection.TroveProtectionPlugin}
    assert PROJECT not in {type_ for plugin in theirs for type_
                           in plugin.get_supported_resources_types()}
    checkpoint = new_project_checkpoint(2, [])
    run_flow('protect', checkpoint, provider=provider)
    assert list_statuses(checkpoint) == {'available'}
    run_flow('delete', checkpoint, provider=provider)
    assert not fake_trove.backups


@pytest.mark.parametrize('name', OTHERS)
def test_type_of_a_plugin_in_an_earlier_line_is_refused(
        load, run_flow, new_project_checkpoint, fake_trove, name):
    [type_] = utils.load_class('karbor.protections', name
                               ).get_supported_resources_types()
    checkpoint = new_project_checkpoint(1)
    with pytest.raises(exception.CreateResourceFailed,
                       match='names %s for %s' % (name, type_)):
        run_flow('protect', checkpoint, provider=load(name, NAME, OURS))
    assert not fake_trove.backups


def build_dashboard_parameters(schemas):
    """Return what the dashboard sends for all types of a provider.

    See getResourceDefaultParameters() in jquery.karbor.js, 1.5.1.
    """
    return {type_: {name: value['default']
                    for name, value in schema.get('properties', {}).items()
                    if 'default' in value}
            for type_, schema in schemas.items()}


@pytest.fixture
def show():
    """Return a function that returns Karbor's response for a provider."""
    def show(provider):
        service = mock.Mock()
        service.provider_registry.show_provider.return_value = provider
        return providers_api.ProviderViewBuilder().detail(
            None, manager.ProtectionManager.show_provider(
                service, None, provider.id))['provider']
    return show


def check_dashboard(provider, context, schemas):
    """Check with Karbor's code what the dashboard sends."""
    plan = {'name': 'all', 'description': '', 'provider_id': provider.id,
            'resources': [{'id': cloud.PROJECT, 'type': PROJECT,
                           'name': 'tenant'}],
            'parameters': build_dashboard_parameters(
                schemas['options_schema'])}
    validators._SchemaValidator(plan_schemas.create).validate({'plan': plan})
    test_requests.check_plan(provider, context, plan)
    parameters = build_dashboard_parameters(schemas['restore_schema'])
    assert set(parameters) == set(constants.RESOURCE_TYPES)
    validators._SchemaValidator(restore_schemas.create).validate({'restore': {
        'provider_id': provider.id,
        'checkpoint_id': test_requests.CHECKPOINT_ID, 'restore_target': None,
        'restore_auth': {'type': 'password', 'username': 'tenant',
                         'password': 'example'},
        'parameters': parameters}})
    test_requests.check_restore(provider, parameters)


@pytest.mark.parametrize('names', [
    (), *((name,) for name in WITHOUT_NULL)], ids=' '.join)
def test_karbor_accepts_what_the_dashboard_sends_for_all_types(
        load, show, context, names):
    provider = load(NAME, *names, OURS)
    check_dashboard(provider, context, show(provider)['extended_info_schema'])


@pytest.mark.parametrize('name', [
    name for name in OTHERS if name not in WITHOUT_NULL])
def test_karbor_still_refuses_what_the_dashboard_sends_for_its_own_plugins(
        load, show, context, name):
    """The documentation says so. Change it if the test fails."""
    provider = load(NAME, name, OURS)
    with pytest.raises(exception.ValidationError, match='Value: None'):
        check_dashboard(
            provider, context, show(provider)['extended_info_schema'])


def test_karbor_still_refuses_what_the_dashboard_sends_for_the_noop_plugin(
        load, show, context):
    """The documentation says so. Change it if the test fails."""
    provider = load(NOOP, OURS)
    with pytest.raises(KeyError, match='properties'):
        check_dashboard(
            provider, context, show(provider)['extended_info_schema'])


def test_provider_show_says_which_types_are_not_protected(provider, show):
    schemas = show(provider)['extended_info_schema']
    for type_, kind in itertools.product(
            options.PASSTHROUGH_TYPES,
            ('options_schema', 'restore_schema', 'saved_info_schema')):
        assert schemas[kind][type_] == {
            'title': type_ + ' itself is NOT protected', 'type': 'object',
            'properties': {}}


def test_all_operations_on_a_project_succeed_in_karbors_flow(
        run_flow, new_project_checkpoint, fake_trove, context):
    checkpoint = new_project_checkpoint(5)
    assert len(list_ids(checkpoint)) == 5
    for type_ in options.PASSTHROUGH_TYPES:
        assert type_ == PROJECT or list_ids(checkpoint, type_) == {'one'}
    run_flow('protect', checkpoint)
    assert list_statuses(checkpoint) == {'available'}
    assert {backup['instance_id'] for backup in fake_trove.backups.values()
            } == list_ids(checkpoint)

    verify = karbor_records.new(karbor_records.Verification, context,
                                checkpoint.id)
    run_flow('verify', checkpoint, verify=verify, new_resources={})
    assert verify.resources_status == {
        '%s#%s' % (TYPE, id_): 'available' for id_ in list_ids(checkpoint)}

    restore = karbor_records.new(karbor_records.Restore, context,
                                 checkpoint.id)
    new_resources = {}
    run_flow('restore', checkpoint, restore=restore,
             new_resources=new_resources)
    assert set(new_resources) == list_ids(checkpoint)
    assert set(restore.resources_status.values()) == {'available'}

    run_flow('delete', checkpoint)
    assert not fake_trove.backups
    assert list_statuses(checkpoint) == {'deleted'}


def test_project_without_databases_is_copied_in_karbors_flow(
        run_flow, new_project_checkpoint):
    checkpoint = new_project_checkpoint(0)
    run_flow('copy', checkpoint, {
        'checkpoint': checkpoint, 'checkpoint_copy': checkpoint,
        'operation_log': None})


@pytest.mark.parametrize('types, reason', [
    (PROJECT, 'no plugin that protects ' + SERVER),
    (PROJECT + ',OS::Nova', "types '%s,OS::Nova' is not allowed" % PROJECT)])
def test_project_with_a_type_that_is_not_allowed_is_refused(
        load, run_flow, new_project_checkpoint, fake_trove, types, reason):
    checkpoint = new_project_checkpoint(1, [PROJECT, SERVER])
    provider = load(NAME, OURS, types=types)
    with pytest.raises(exception.CreateResourceFailed, match=reason):
        run_flow('protect', checkpoint, provider=provider)
    assert not fake_trove.backups
    run_flow('delete', checkpoint, provider=provider)


def test_type_that_is_not_in_the_option_does_not_disturb_a_plan_without_it(
        load, run_flow, new_project_checkpoint):
    checkpoint = new_project_checkpoint(1, [])
    run_flow('protect', checkpoint, provider=load(NAME, OURS, types=PROJECT))
    assert list_statuses(checkpoint) == {'available'}


def test_checkpoint_of_a_provider_without_the_plugin_is_reset_and_deleted(
        load, run_flow, new_project_checkpoint, fake_trove):
    checkpoint = new_project_checkpoint(1)
    provider = load(OURS)
    for operation in 'protect', 'delete':
        with pytest.raises(exception.ProtectionPluginNotFound):
            run_flow(operation, checkpoint, provider=provider)
    assert checkpoint.status == 'protecting'
    assert not fake_trove.find_requests('POST')

    provider = load(NAME, OURS)
    checkpoints.CheckpointReset().list_rows(
        argparse.Namespace(id=checkpoint.id, force=True),
        cmd_providers.load_providers([]))
    checkpoint.reload_meta_data()
    assert checkpoint.status == 'error'
    run_flow('delete', checkpoint, provider=provider)
    assert list_statuses(checkpoint) == {'deleted'}
