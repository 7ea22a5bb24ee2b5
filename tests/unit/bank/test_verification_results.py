"""What the bank keeps of verifications."""

import pytest

from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove import options


@pytest.fixture
def section(bank):
    return bank.get_sub_section('/checkpoints/one/resource-data/two')


def result(level, at, **kw):
    return verification_results.VerificationResult(level, at, True, 'as it was', **kw)


def test_the_last_result_of_each_level_is_kept(section):
    verification_results.write(section, result('data', '2026-01-01T00:00:00'))
    restored = result('restore', '2026-01-02T00:00:00', recovery_seconds=7.5)
    verification_results.write(section, restored)
    last = result('data', '2026-01-03T00:00:00')
    verification_results.write(section, last)
    assert verification_results.read_all(section) == [last, restored]
    verification_results.delete(section)
    assert verification_results.read_all(section) == []


@pytest.mark.parametrize('kept, error', [
    ('{"passed": tr', errors.CorruptObject), ({'level': 'data'}, errors.CorruptObject),
    ({'passed': True, 'version': 2}, errors.Rejected)])
def test_what_cannot_be_read_is_named(section, kept, error):
    section.update_object('verified-data', kept)
    with pytest.raises(error, match='"verified-data"'):
        verification_results.read_all(section)


def test_the_levels_are_those_that_can_be_configured():
    [level] = [one for one in options.OPTIONS if one.name == 'verify_level']
    assert tuple(level.type.choices) == verification_results.LEVELS
