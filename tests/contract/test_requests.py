"""Request bodies of Karbor's dashboard and command line."""

import types
from unittest import mock

from karbor.api.schemas import plans as plan_schemas
from karbor.api.schemas import restores as restore_schemas
from karbor.api.schemas import verifications as verify_schemas
from karbor.api.v1 import plans as plans_api
from karbor.api.validation import validators
from karbor import exception
from karbor.objects import base
from karbor.services.protection import manager
import karborclient.utils
import pytest
from webob import exc

from karbor_trove.parameters import parsing
from karbor_trove.parameters import schemas
from karbor_trove import protection
from tests.contract import conftest

TYPE = 'OS::Trove::Instance'
CHECKPOINT_ID = 'dcb20606-ad71-40a3-80e4-ef0fafdad0c3'
PLUGIN = protection.TroveProtectionPlugin
PUBLISHED = {
    'options': PLUGIN.get_options_schema(TYPE),
    'restore': PLUGIN.get_restore_schema(TYPE),
    'verify': PLUGIN.get_verify_schema(TYPE),
    'saved info': PLUGIN.get_saved_info_schema(TYPE)}


def build_dashboard_bodies(schema):
    """Return what karbor-dashboard sends for a schema, by the user's action.

    It sends the default of every property that has one. Once the dialog was
    saved, it sends an empty text for each string that is not filled in.
    """
    properties = schema['properties']
    defaults = {key: value['default'] for key, value in properties.items()
                if 'default' in value}
    return {
        'never opened': defaults,
        'saved empty': dict({key: '' if value['type'] == 'string' else False
                             for key, value in properties.items()},
                            **defaults),
        'filled': {key: 'text' if value['type'] == 'string' else True
                   for key, value in properties.items()}}


def build_command_line_body(*arguments):
    """Return what `karbor ... --parameters` sends for its arguments."""
    return karborclient.utils.extract_parameters(types.SimpleNamespace(
        parameters=list(arguments), parameters_json=None))[TYPE]


OPTIONS = dict(build_dashboard_bodies(schemas.OPTIONS), **{
    'command line': build_command_line_body(
        'resource_type=%s,backup_name=nightly,description=of the night'
        % TYPE),
    'command line, empty': build_command_line_body(
        'resource_type=%s,backup_name=,description=' % TYPE)})
RESTORE = dict(build_dashboard_bodies(schemas.RESTORE), **{
    'command line': build_command_line_body(
        'resource_type=%s,restore_name=again,restore_description=test'
        % TYPE)})


def parametrize(mapping):
    return pytest.mark.parametrize('parameters', mapping.values(),
                                   ids=list(mapping))


@parametrize(OPTIONS)
def test_karbor_accepts_a_plan(provider, context, parameters):
    plan = {'name': 'nightly', 'description': '',
            'provider_id': conftest.PROVIDER_ID,
            'resources': [{'id': CHECKPOINT_ID, 'type': TYPE, 'name': 'db'}],
            'parameters': {TYPE: parameters}}
    validators._SchemaValidator(plan_schemas.create).validate({'plan': plan})
    check_plan(provider, context, plan)


def check_plan(provider, context, plan):
    controller = plans_api.PlansController.__new__(plans_api.PlansController)
    controller.protection_api = mock.Mock(show_provider=lambda *args: {
        'extended_info_schema': provider.extended_info_schema})
    controller.validate_plan_resources(plan)
    controller.validate_plan_parameters(context, plan)


def test_karbor_rejects_an_unknown_plan_parameter(provider, context):
    with pytest.raises(exc.HTTPBadRequest):
        check_plan(provider, context, {
            'provider_id': conftest.PROVIDER_ID,
            'resources': [{'id': '1', 'type': TYPE, 'name': 'db'}],
            'parameters': {TYPE: {'backup_nam': 'nightly'}}})


@parametrize(RESTORE)
def test_karbor_accepts_a_restore(provider, parameters):
    restore = {'provider_id': conftest.PROVIDER_ID,
               'checkpoint_id': CHECKPOINT_ID, 'restore_target': None,
               'restore_auth': {'type': 'password', 'username': 'tenant',
                                'password': 'example'},
               'parameters': {TYPE: parameters}}
    validators._SchemaValidator(restore_schemas.create).validate(
        {'restore': restore})
    check_restore(provider, {TYPE: parameters})


def check_restore(provider, parameters):
    manager.ProtectionManager.validate_restore_parameters(
        mock.Mock(), {'parameters': parameters}, provider)


def test_karbor_rejects_an_unknown_restore_parameter(provider):
    with pytest.raises(exception.InvalidInput):
        check_restore(provider, {TYPE: {'name': 'again'}})


def test_karbor_accepts_a_verification():
    validators._SchemaValidator(verify_schemas.create).validate(
        {'verification': {'provider_id': conftest.PROVIDER_ID,
                          'checkpoint_id': CHECKPOINT_ID, 'parameters': {}}})


@parametrize(OPTIONS)
def test_plan_parameters_are_parsed_from_strings(parameters):
    field = base.DictOfDictOfStringsField(nullable=True)
    stored = field.coerce(None, 'parameters', {TYPE: parameters})[TYPE]
    request = parsing.parse_protect(stored, CHECKPOINT_ID, 'the-instance')
    assert request.name in ('nightly', 'text') or CHECKPOINT_ID in request.name
    assert request.description


@pytest.mark.parametrize('name', PUBLISHED)
def test_schemas_have_only_what_the_dashboard_can_show(name):
    schema = PUBLISHED[name]
    assert schema['type'] == 'object'
    assert schema['title']
    for key, value in schema['properties'].items():
        assert value['type'] in ('string', 'boolean'), key
        assert value['title'], key
        assert value['description'], key
        assert 'default' not in value, key
        assert 'enum' not in value, key


def test_schemas_have_the_words_of_the_blueprint():
    assert schemas.OPTIONS['title'] == 'Database Instance Protection Options'
    assert schemas.OPTIONS['required'] == ['backup_name', 'description']
    assert schemas.RESTORE['title'] == 'Database Instance Protection Restore'
    for properties, titles in (
            (schemas.OPTIONS['properties'], {
                'backup_name': 'Backup Name', 'description': 'Description'}),
            (schemas.RESTORE['properties'], {
                'restore_name': 'Restore Name',
                'restore_description': 'Restore Description'})):
        assert titles.items() <= {key: value['title'] for key, value
                                  in properties.items()}.items()


def test_restore_options_are_in_the_order_of_use():
    assert list(schemas.RESTORE['properties'])[:6] == [
        'restore_name', 'restore_skip', 'restore_description',
        'restore_flavor_id', 'restore_volume_size', 'restore_net_id']


def test_titles_say_the_unit_and_the_form():
    titles = {key: value['title'] for key, value
              in schemas.RESTORE['properties'].items()}
    assert titles['restore_skip'] == 'Leave Out'
    assert titles['restore_volume_size'] == 'Volume Size (GB)'
    assert titles['restore_net_id'] == 'Network (id)'
    assert titles['restore_is_public'] == 'Public (True or False)'
    for key in titles.keys() - {'restore_name', 'restore_skip',
                                'restore_description'}:
        assert titles[key].endswith(')'), key


def test_required_options_have_no_text_for_an_empty_value():
    for key in schemas.OPTIONS['required']:
        assert 'empty' not in schemas.OPTIONS['properties'][key][
            'description']


def test_provider_publishes_the_schemas(provider):
    published = provider.extended_info_schema
    assert published['options_schema'] == {TYPE: schemas.OPTIONS}
    assert published['restore_schema'] == {TYPE: schemas.RESTORE}
    assert published['saved_info_schema'] == {TYPE: schemas.SAVED_INFO}
