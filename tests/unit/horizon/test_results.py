"""Tests of the results in Karbor's records."""

import types

import pytest

from karbor_trove.horizon import results

TYPE = 'OS::Trove::Instance'


def build_record(**by_id):
    """Return a record with a status and a reason for each id."""
    return types.SimpleNamespace(
        resources_status={'%s#%s' % (TYPE, id_): status
                          for id_, (status, _) in by_id.items()},
        resources_reason={'%s#%s' % (TYPE, id_): reason
                          for id_, (_, reason) in by_id.items() if reason})


def test_results_with_an_error_are_first():
    record = build_record(a=('available', 'fine'), c=('error', 'bad\nworse'),
                          b=('error', None))

    assert results.list_results(record, {'a': 'orders'}) == [
        (TYPE, 'b', '', 'error', ''), (TYPE, 'c', '', 'error', 'bad\nworse'),
        (TYPE, 'a', 'orders', 'available', 'fine')]


def test_summary_begins_with_the_cause_of_a_failed_restore():
    others = {'a%d' % number: ('error', 'not started, because of z')
              for number in range(20)}
    record = build_record(z=('error', 'bad'), **others)

    assert results.summarize(record) == 'bad\nnot started, because of z'


def test_resource_with_only_a_reason_has_a_result():
    record = types.SimpleNamespace(
        resources_status=None, resources_reason={TYPE + '#a': 'bad'})

    assert results.list_results(record) == [(TYPE, 'a', '', '', 'bad')]


@pytest.mark.parametrize('record', [
    types.SimpleNamespace(),
    types.SimpleNamespace(resources_status=None, resources_reason=None),
    build_record(a=('restoring', None)), build_record(a=('restoring', ' '))])
def test_summary_of_a_record_without_reasons_is_empty(record):
    assert results.summarize(record) == ''


def test_summary_has_the_first_line_of_each_reason():
    record = build_record(a=('available', 'fine\nfrom a backup'),
                          b=('error', 'bad\nworse'))

    assert results.summarize(record) == 'bad\nfine'


def test_summary_of_many_reasons_counts_the_others():
    record = build_record(**{'i%d' % number: ('error', 'bad %d' % number)
                             for number in range(5)})

    assert results.summarize(record) == 'bad 0\nbad 1\nbad 2\nand 2 more'
