"""Tests of bank/verification_results.py."""

import pytest

from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove import options


def make_result(level, verified_at, **fields):
    return verification_results.VerificationResult(
        level, verified_at, True, 'as it was', **fields)


def test_last_result_of_each_level_is_read_newest_first(section):
    verification_results.write(section,
                               make_result('data', '2026-01-01T00:00:00'))
    restored = make_result('restore', '2026-01-02T00:00:00',
                           recovery_seconds=7.5)
    verification_results.write(section, restored)
    last = make_result('data', '2026-01-03T00:00:00')
    verification_results.write(section, last)
    assert verification_results.read_all(section) == [last, restored]
    verification_results.delete(section)
    assert verification_results.read_all(section) == []


def test_result_keeps_its_stored_form(section):
    verification_results.write(section, make_result(
        'restore', '2026-01-02T00:00:00', recovery_seconds=7.5))
    assert section.get_object('verified-restore') == {
        'version': 1, 'level': 'restore', 'at': '2026-01-02T00:00:00',
        'passed': True, 'reason': 'as it was', 'recovery_seconds': 7.5}


@pytest.mark.parametrize('document, error', [
    ('{"passed": tr', errors.CorruptObject),
    ({'level': 'data'}, errors.CorruptObject),
    ({'passed': True, 'version': 2}, errors.Rejected)])
def test_unreadable_result_is_named_in_the_error(section, document, error):
    section.update_object('verified-data', document)
    with pytest.raises(error, match='"verified-data"'):
        verification_results.read_all(section)
    assert verification_results.read_recovery_seconds(section, 'data') is None


def test_levels_are_those_of_the_option():
    [option] = [option for option in options.OPTIONS
                if option.name == 'verify_level']
    assert tuple(option.type.choices) == verification_results.LEVELS
