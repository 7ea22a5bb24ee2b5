"""Karbor's parameters become requests that Trove accepts, or are rejected."""

import hypothesis
from hypothesis import strategies as st
import pytest

from karbor_trove import errors
from karbor_trove.parameters import fields
from karbor_trove.parameters import parsing
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models
from tests.fake_trove import errors as fake_errors
from tests.fake_trove import releases
from tests.fake_trove import schemas
from tests import request_samples

ID = request_samples.ID
NEWEST = releases.Release.parse(26.0)
ORIGINAL = models.Instance(ID, name='orders', volume_size=2)


@pytest.fixture(scope='module')
def recorder():
    with request_samples.record_requests() as recorder:
        yield recorder


def list_problems(create, *args):
    """Return the lines of the rejection. Empty if a request was sent."""
    try:
        create(*args)
    except errors.Rejected as error:
        return str(error).split('\n')
    return []


def get_named_keys(lines, parameters):
    """Return the keys of the parameters that the lines reject, one each."""
    keys = [line.split()[0] for line in lines]
    assert len(set(keys)) == len(keys)
    for key, line in zip(keys, lines):
        assert line.startswith('%s %s is not allowed: ' % (
            key, fields.quote(parameters[key])))
        assert len(line) < 500
    return set(keys)


@hypothesis.given(request_samples.plans)
def test_plan_gives_a_valid_request_or_names_every_bad_value(
        recorder, parameters):
    lines = list_problems(recorder.create_backup, parameters)
    assert get_named_keys(lines, parameters) == {
        key for key, value in parameters.items()
        if list_problems(recorder.create_backup, {key: value})}
    if not lines:
        schemas.parse_backup(recorder.create_backup(parameters, parent_id=ID))


@hypothesis.given(request_samples.restores)
def test_restore_gives_a_valid_request_or_names_every_bad_value(
        recorder, parameters):
    lines = list_problems(recorder.create_instance, parameters, ORIGINAL)
    bad_alone = {
        key for key, value in parameters.items()
        if list_problems(recorder.create_instance, {key: value}, ORIGINAL)}
    # An address alone lacks its subnet.
    address = {key: value for key, value in parameters.items()
               if key == 'restore_ip_address'}
    if parameters.get('restore_subnet_id') and not list_problems(
            recorder.create_instance,
            dict({'restore_subnet_id': ID}, **address)):
        bad_alone.discard('restore_ip_address')
    assert get_named_keys(lines, parameters) == bad_alone
    if not lines:
        schemas.parse_instance(
            recorder.create_instance(parameters, ORIGINAL), NEWEST)


@pytest.mark.parametrize('name', restore_options.OPTIONS)
def test_single_restore_option_gives_a_valid_request_or_is_named(
        recorder, name):
    # An address is rejected without a subnet.
    others = {'restore_subnet_id': ID} if name == 'ip_address' else {}
    for value in request_samples.VALUES:
        parameters = dict(others, **{'restore_' + name: value})
        lines = list_problems(recorder.create_instance, parameters, ORIGINAL)
        if lines:
            assert get_named_keys(lines, parameters) == {'restore_' + name}
        else:
            schemas.parse_instance(
                recorder.create_instance(parameters, ORIGINAL), NEWEST)


@hypothesis.given(request_samples.restores, request_samples.originals)
def test_recorded_values_give_a_valid_request_or_name_the_parameter_to_pass(
        recorder, parameters, original):
    lines = list_problems(recorder.create_instance, parameters, original)
    get_named_keys([line for line in lines
                    if not line.startswith('the recorded ')], parameters)
    for line in lines:
        if line.startswith('the recorded '):
            key = line.split(': pass ')[1].split(',')[0]
            assert not parameters.get(key)
    if not lines:
        schemas.parse_instance(
            recorder.create_instance(parameters, original), NEWEST)


@hypothesis.given(st.text(min_size=1, max_size=300))
def test_rejected_name_is_one_that_trove_rejects(name):
    try:
        parsing.parse_protect({'backup_name': name}, 'checkpoint', ID)
    except errors.Rejected:
        with pytest.raises(fake_errors.ErrorResponse):
            schemas.parse_backup({'backup': {'name': name, 'instance': ID}})


@pytest.mark.parametrize('name, value, expected', [
    ('volume_size', '007', {'volume': {'size': 7}}),
    ('net_id', ID.upper(), {'nics': [{'net-id': ID.upper()}]}),
    ('allowed_cidrs', '192.0.2.7, 192.0.2.7/32', {'access': {
        'allowed_cidrs': ['192.0.2.7/32']}}),
    ('allowed_cidrs', '192.0.2.0/255.255.255.0', {'access': {
        'allowed_cidrs': ['192.0.2.0/24']}}),
    ('allowed_cidrs', '192.0.2.7/24, 192.0.2.0/24', {'access': {
        'allowed_cidrs': ['192.0.2.0/24']}}),
    ('locality', 'affinity', {'locality': 'affinity'}),
    ('locality', 'anti-affinity', {'locality': 'anti-affinity'}),
    ('locality', 'soft-affinity', {'locality': 'soft-affinity'}),
    ('locality', 'soft-anti-affinity', {'locality': 'soft-anti-affinity'}),
    ('is_public', 'TRUE', {'access': {'is_public': True}}),
    ('flavor_id', '0017', {'flavorRef': '0017'})])
def test_allowed_value_is_sent_in_the_form_that_trove_uses(
        recorder, name, value, expected):
    body = recorder.create_instance({'restore_' + name: value})['instance']
    assert {key: body[key] for key in expected} == expected


@pytest.mark.parametrize('name, values', [
    ('name', ['---', 'x' * 256, 'a\nb', 'a\ud800', '\xe9']),
    ('volume_size', ['0', ' 7 ', '+7', '\u0663', '\uff17', '0.5', '9' * 5000]),
    ('net_id', ['{%s}' % ID, ID.replace('-', ''), ID + '\n',
                ID[:-1] + '\u0663']),
    ('allowed_cidrs', ['192.0.2.0/33', '192.0.2.0/24,',
                       '192.0.2.0/\u0662\u0664', '2001:db8::/32',
                       '192.0.2.0/24, ::/0']),
    ('is_public', ['yes', '1', ' true']),
    ('locality', ['Affinity', 'affinity\n', 'anti-soft-affinity', 'soft'])])
def test_value_that_trove_does_not_understand_is_rejected(
        recorder, name, values):
    for value in values:
        parameters = {'restore_' + name: value}
        lines = list_problems(recorder.create_instance, parameters)
        assert get_named_keys(lines, parameters) == {'restore_' + name}


def test_address_and_volume_type_are_rejected_without_subnet_and_size(
        recorder):
    lines = list_problems(recorder.create_instance, {
        'restore_name': '---', 'restore_ip_address': '192.0.2.7',
        'restore_volume_type': 'fast', 'restore_locality': 'near'})
    assert lines[1:3] == [
        "restore_volume_type 'fast' is not allowed: only together with "
        'restore_volume_size',
        "restore_ip_address '192.0.2.7' is not allowed: only together with "
        'restore_subnet_id']
    assert len(lines) == 4
    assert not list_problems(recorder.create_instance, {
        'restore_ip_address': '192.0.2.7', 'restore_subnet_id': ID,
        'restore_volume_type': 'fast'}, ORIGINAL)


def test_recorded_name_that_trove_rejects_can_be_replaced(recorder):
    # Trove accepts such a name from itself, for one of several replicas of an
    # instance with a long name.
    original = models.Instance(ID, name='x' * 254 + '-1')
    [line] = list_problems(recorder.create_instance, {}, original)
    assert line.startswith("the recorded name 'xxx")
    assert ': pass restore_name, one line of 1 to 255' in line
    assert not list_problems(recorder.create_instance,
                             {'restore_name': 'new'}, original)


@pytest.mark.parametrize('passed, name', [
    ('{name}', 'orders'), ('{name}-again, {name}', 'orders-again, orders'),
    ('{Name} {} %s', '{Name} {} %s'), ('x' * 249 + '{name}',
                                       'x' * 249 + 'orders')])
def test_name_of_the_original_replaces_its_placeholder(
        recorder, passed, name):
    body = recorder.create_instance({'restore_name': passed}, ORIGINAL)
    assert body['instance']['name'] == name


@pytest.mark.parametrize('passed, original, shown', [
    ('x' * 250 + '{name}', 'orders', 'x' * 250 + 'orders'),
    ('-{name}-', '---', '-----'), ('{name}', 'a\nb', 'a\nb')])
def test_name_is_checked_after_the_replacement(
        recorder, passed, original, shown):
    [line] = list_problems(
        recorder.create_instance, {'restore_name': passed},
        models.Instance(ID, name=original))
    assert line.startswith('restore_name %s is not allowed: one line of'
                           % fields.quote(shown))


def test_placeholder_is_replaced_by_the_ids_if_no_name_was_recorded():
    request = parsing.parse_restore(
        {'restore_name': 'new {name}'}, models.Instance('the-instance'),
        'the-backup', 'the-checkpoint')
    assert request.name == 'new the-checkpoint@the-instance'


def test_one_name_for_several_databases_is_a_problem():
    assert list(parsing.check_names([
        {'restore_name': 'a'}, {'restore_name': 'b'}, {'restore_name': 'b'},
        {'restore_name': '{name}'}, {'restore_name': '{name}'}, {},
        {'restore_name': ''}, {'restore_name': ''}, {'restore_name': None},
        {'restore_name': None}])) == [
            "restore_name 'b' is requested for 2 databases: pass a different "
            'name for each, or a name with "{name}" for the name of the '
            'original']


@pytest.mark.parametrize('value, is_skipped', [
    ('True', True), ('true', True), (True, True), ('False', False),
    (False, False), ('', False), (None, False), ('perhaps', False)])
def test_database_is_left_out_if_the_user_says_so(value, is_skipped):
    assert parsing.is_skipped({'restore_skip': value}) == is_skipped
    assert not parsing.is_skipped({})


def test_value_of_restore_skip_that_is_not_allowed_is_rejected(recorder):
    assert list_problems(recorder.create_instance, {
        'restore_skip': 'perhaps'}) == [
            "restore_skip 'perhaps' is not allowed: True or False"]


def test_configuration_group_is_not_created_anew_if_there_was_none(recorder):
    body = recorder.create_instance({'restore_configuration_id': 'recreate'},
                                    ORIGINAL)
    assert 'configuration' not in body['instance']


@pytest.mark.parametrize('value, name', [(True, 'True'), (7, '7')])
def test_boolean_and_integer_are_parsed_as_the_strings_that_karbor_stores(
        value, name):
    request = parsing.parse_protect({'backup_name': value}, 'c', 'i')
    assert request.name == name


def test_name_is_made_of_both_ids_if_none_was_recorded():
    request = parsing.parse_restore({}, models.Instance('the-instance'),
                                    'the-backup', 'the-checkpoint')
    assert request.name == 'the-checkpoint@the-instance'
