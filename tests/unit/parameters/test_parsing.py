"""Karbor's strings in, requests out."""

from hypothesis import given
from hypothesis import strategies
import pytest

from karbor_trove.bank import record
from karbor_trove import errors
from karbor_trove.parameters import fields
from karbor_trove.parameters import parsing
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models
from tests.fake_trove import errors as refusals
from tests.fake_trove import releases
from tests.fake_trove import schemas
from tests import request_samples

NEWEST = releases.Release.parse(26.0)
ORIGINAL = models.Instance(request_samples.ID, name='orders', volume_size=2)


@pytest.fixture(scope='module')
def sender():
    with request_samples.record_requests() as sender:
        yield sender


def refusal(ask, *args):
    """The lines of the refusal; none of a request."""
    try:
        ask(*args)
    except errors.Rejected as refused:
        return str(refused).split('\n')
    return []


def named(lines, given_ones):
    """Which of the given the lines are about, a line each."""
    keys = [line.split()[0] for line in lines]
    assert len(set(keys)) == len(keys)
    for key, line in zip(keys, lines):
        assert line.startswith('%s %s is not allowed: ' % (
            key, fields.quote(given_ones[key])))
        assert len(line) < 500
    return set(keys)


@given(request_samples.plans)
def test_any_plan_gives_a_request_or_names_the_bad_values(sender, given_ones):
    lines = refusal(sender.create_backup, given_ones)
    assert named(lines, given_ones) == {
        key for key, value in given_ones.items()
        if refusal(sender.create_backup, {key: value})}
    if not lines:
        schemas.parse_backup(sender.create_backup(given_ones, parent_id=request_samples.ID))


@given(request_samples.restores)
def test_any_restore_gives_a_request_or_names_the_bad_values(
        sender, given_ones):
    lines = refusal(sender.create_instance, given_ones, ORIGINAL)
    alone = {key for key, value in given_ones.items()
             if refusal(sender.create_instance, {key: value}, ORIGINAL)}
    if given_ones.get('restore_subnet_id') and not refusal(
            sender.create_instance, dict({'restore_subnet_id': request_samples.ID}, **{
                key: value for key, value in given_ones.items()
                if key == 'restore_ip_address'})):
        alone.discard('restore_ip_address')
    assert named(lines, given_ones) == alone
    if not lines:
        schemas.parse_instance(sender.create_instance(given_ones, ORIGINAL), NEWEST)


@pytest.mark.parametrize('key', restore_options.OPTIONS)
def test_each_choice_alone_gives_a_request_or_is_named(sender, key):
    # So that an address is not refused for want of its subnet.
    needs = {'restore_subnet_id': request_samples.ID} if key == 'ip_address' else {}
    for value in request_samples.VALUES:
        given_ones = dict(needs, **{'restore_' + key: value})
        lines = refusal(sender.create_instance, given_ones, ORIGINAL)
        if lines:
            assert named(lines, given_ones) == {'restore_' + key}
        else:
            schemas.parse_instance(sender.create_instance(given_ones, ORIGINAL), NEWEST)


@given(request_samples.restores, request_samples.originals)
def test_whatever_was_recorded_gives_a_request_or_says_what_to_pass(
        sender, given_ones, original):
    lines = refusal(sender.create_instance, given_ones, original)
    named([line for line in lines if not line.startswith('the recorded ')],
          given_ones)
    for line in lines:
        if line.startswith('the recorded '):
            key = line.split(': pass ')[1].split(',')[0]
            assert not given_ones.get(key)
    if not lines:
        schemas.parse_instance(sender.create_instance(given_ones, original), NEWEST)


@given(strategies.text(min_size=1, max_size=300))
def test_what_is_refused_trove_refuses(name):
    try:
        parsing.parse_protect({'backup_name': name}, 'checkpoint',
                              request_samples.ID)
    except errors.Rejected:
        with pytest.raises(refusals.ErrorResponse):
            schemas.parse_backup(
                {'backup': {'name': name, 'instance': request_samples.ID}})


@pytest.mark.parametrize('key, value, sent', [
    ('volume_size', '007', {'volume': {'size': 7}}),
    ('net_id', request_samples.ID.upper(), {'nics': [{
        'net-id': request_samples.ID.upper()}]}),
    ('allowed_cidrs', '192.0.2.7, 192.0.2.7/32', {'access': {
        'allowed_cidrs': ['192.0.2.7/32']}}),
    ('allowed_cidrs', '192.0.2.0/255.255.255.0', {'access': {
        'allowed_cidrs': ['192.0.2.0/24']}}),
    ('is_public', 'TRUE', {'access': {'is_public': True}}),
    ('flavor_id', '0017', {'flavorRef': '0017'})])
def test_what_is_taken_goes_on_in_troves_form(sender, key, value, sent):
    body = sender.create_instance({'restore_' + key: value})['instance']
    assert {name: body[name] for name in sent} == sent


@pytest.mark.parametrize('key, values_', [
    ('name', ['---', 'x' * 256, 'a\nb', 'a\ud800', '\xe9']),
    ('volume_size', ['0', ' 7 ', '+7', '\u0663', '\uff17', '0.5', '9' * 5000]),
    ('net_id', ['{%s}' % request_samples.ID, request_samples.ID.replace('-', ''),
                request_samples.ID + '\n', request_samples.ID[:-1] + '\u0663']),
    ('allowed_cidrs', ['192.0.2.7/24', '192.0.2.0/33', '192.0.2.0/24,',
                       '192.0.2.0/\u0662\u0664', '2001:db8::/32']),
    ('is_public', ['yes', '1', ' true']),
    ('locality', ['Affinity', 'affinity\n'])])
def test_what_trove_would_not_understand_is_refused(sender, key, values_):
    for value in values_:
        assert named(refusal(sender.create_instance, {'restore_' + key: value}),
                     {'restore_' + key: value})


def test_an_address_and_a_type_say_what_they_need(sender):
    told = refusal(sender.create_instance, {
        'restore_name': '---', 'restore_ip_address': '192.0.2.7',
        'restore_volume_type': 'fast', 'restore_locality': 'near'})
    assert told[1:3] == [
        "restore_volume_type 'fast' is not allowed: only together with "
        'restore_volume_size',
        "restore_ip_address '192.0.2.7' is not allowed: only together with "
        'restore_subnet_id']
    assert len(told) == 4
    assert not refusal(sender.create_instance, {
        'restore_ip_address': '192.0.2.7', 'restore_subnet_id': request_samples.ID,
        'restore_volume_type': 'fast'}, ORIGINAL)


def test_a_recorded_name_that_trove_no_longer_takes_can_be_replaced(sender):
    # As a replica of many has, of an instance with a long name.
    original = models.Instance(request_samples.ID, name='x' * 254 + '-1')
    [told] = refusal(sender.create_instance, {}, original)
    assert told.startswith("the recorded name 'xxx")
    assert ': pass restore_name, one line of 1 to 255' in told
    assert not refusal(sender.create_instance, {'restore_name': 'new'}, original)


@pytest.mark.parametrize('value, name', [(True, 'True'), (7, '7')])
def test_other_types_are_taken_as_karbor_stores_them(value, name):
    request = parsing.parse_protect({'backup_name': value}, 'c', 'i')
    assert request.name == name


def test_an_instance_without_a_known_name_gets_one_that_tells_its_origin():
    kept = record.BackupRecord(models.Instance('the-instance'), backup_id='k')
    request = parsing.parse_restore({}, kept.instance, kept.backup_id,
                                    'the-checkpoint')
    assert request.name == 'the-checkpoint@the-instance'


@pytest.mark.parametrize('given_one, text', [
    ({}, ''), ({'restore_description': None}, ''),
    ({'restore_description': 'two\nlines'}, 'two\nlines')])
def test_the_description_of_a_restore_may_be_anything(given_one, text):
    assert parsing.restore_description(given_one) == text
