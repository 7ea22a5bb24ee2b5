"""Karbor's strings in, requests out."""

from hypothesis import given
from hypothesis import strategies
import pytest

from karbor_trove import choices
from karbor_trove import errors
from karbor_trove import parameters
from karbor_trove import record
from karbor_trove import values
from karbor_trove import wording
from tests.fake_trove import refusals
from tests.fake_trove import release
from tests.fake_trove import schemas

KEPT = record.Record(values.Instance('a', name='orders'), backup_id='k')
ID = '00000000-0000-4000-8000-000000000000'


@given(strategies.dictionaries(
    strategies.sampled_from(['backup_name', 'description', 'other']),
    strategies.one_of(strategies.none(), strategies.booleans(),
                      strategies.integers(), strategies.text(max_size=300),
                      strategies.from_regex(r'\A.{0,3}[a-z].{0,3}\Z'))))
def test_what_is_accepted_trove_accepts_and_the_rest_is_named(given_ones):
    try:
        request = parameters.backup_request(given_ones, 'checkpoint', ID)
    except errors.Refused as refused:
        assert any('%s %r' % (key, str(value)) in str(refused)
                   for key, value in given_ones.items())
        return
    schemas.backup({'backup': {
        'name': request.name, 'description': request.description,
        'instance': ID}})


@given(strategies.text(min_size=1, max_size=300))
def test_what_is_refused_trove_refuses(name):
    try:
        parameters.backup_request({'backup_name': name}, 'checkpoint', ID)
    except errors.Refused:
        with pytest.raises(refusals.Refused):
            schemas.backup({'backup': {'name': name, 'instance': ID}})


@given(strategies.dictionaries(
    strategies.sampled_from(['restore_' + name for name in choices.RESTORE]),
    strategies.one_of(
        strategies.text(max_size=300), strategies.sampled_from([
            '', 'none', 'True', 'false', '7', '0', '-1', '1e3', ID, 'affinity',
            '192.0.2.7', '192.0.2.0/24,198.51.100.0/24', '::1']))))
def test_any_choices_give_a_request_or_a_refusal_that_names_the_key(
        given_ones):
    try:
        request = parameters.instance_request(
            given_ones, record.Record(values.Instance('a', name='orders'),
                                      backup_id=ID), 'checkpoint')
    except errors.Refused as refused:
        assert any('%s %r' % (key, value) in str(refused)
                   for key, value in given_ones.items())
        return
    body = {key: value for key, value
            in wording.restore_arguments(request).items()
            if value is not None}
    schemas.instance({'instance': dict(
        {'name': request.name}, **{key: body[key] for key in (
            'volume', 'nics', 'availability_zone', 'access', 'locality',
            'region_name') if key in body})},
        release.Release.named(26.0))


@pytest.mark.parametrize('value, name', [(True, 'True'), (7, '7')])
def test_other_types_are_taken_as_karbor_stores_them(value, name):
    request = parameters.backup_request({'backup_name': value}, 'c', 'i')
    assert request.name == name


def test_an_instance_without_a_known_name_gets_one_that_tells_its_origin():
    kept = record.Record(values.Instance('the-instance'), backup_id='k')
    request = parameters.instance_request({}, kept, 'the-checkpoint')
    assert request.name == 'the-checkpoint@the-instance'


@pytest.mark.parametrize('given_one, text', [
    ({}, ''), ({'restore_description': None}, ''),
    ({'restore_description': 'two\nlines'}, 'two\nlines')])
def test_the_description_of_a_restore_may_be_anything(given_one, text):
    assert parameters.restore_description(given_one) == text
