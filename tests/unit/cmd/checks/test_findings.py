"""Tests of the list of all kinds of findings, its page and its tests."""

import pathlib
import re

import pytest

from karbor_trove.cmd.checks import findings

ROOT = pathlib.Path(__file__).parents[4]
PAGE = ROOT / 'doc/source/admin/findings.rst'
RESULTS = {0: 'Success', 1: 'Warning', 2: 'Failure'}


def read_entries():
    """Return the entries of the tables of the page by kind of finding."""
    return dict(re.findall(
        r'^   \* - ``([a-z-]+)``\n(.*?)(?=^   \* |^\S|\Z)',
        PAGE.read_text(), re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize('kind', findings.Kind, ids=lambda kind: kind.label)
def test_page_has_result_meaning_and_remedy_of_the_finding(kind):
    entry = read_entries()[kind.label]
    assert entry.startswith('     - %s\n' % RESULTS[kind.code])
    assert entry.count('     - ') == 3


def test_page_has_no_other_findings():
    assert set(read_entries()) == {kind.label for kind in findings.Kind}


@pytest.mark.parametrize('kind', findings.Kind, ids=lambda kind: kind.label)
def test_finding_has_a_test(kind):
    assert any("'%s'" % kind.label in path.read_text()
               for path in pathlib.Path(__file__).parent.glob('test_*.py'))


def test_nearest_name_is_suggested_and_no_far_one():
    assert findings.suggest('pol_intervall', ['poll_interval', 'id']) == (
        'poll_interval')
    assert findings.suggest('Poll_Interval', ['poll_interval']) == (
        'poll_interval')
    assert findings.suggest('zzz', ['poll_interval']) is None
