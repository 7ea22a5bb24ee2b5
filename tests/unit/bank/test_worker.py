"""Who works on something, and who is known to be gone."""

import json
import subprocess
import sys

import pytest

from karbor_trove.bank import worker


@pytest.fixture(scope='module')
def ended():
    """A process that has named itself and ended."""
    told = subprocess.run(
        [sys.executable, '-c', 'import json\nfrom karbor_trove.bank import worker as worker\n'
         'print(json.dumps(worker.current()))'], capture_output=True, text=True)
    return json.loads(told.stdout)


def test_this_process_lives():
    assert worker.may_be_alive(worker.current())
    assert worker.may_be_alive(json.loads(json.dumps(worker.current())))


def test_one_that_has_ended_is_gone(ended):
    assert not worker.may_be_alive(ended)


def test_an_id_that_is_somebody_elses_now_is_gone(ended):
    assert not worker.may_be_alive(dict(worker.current(), started=ended['started']))


@pytest.mark.parametrize('elsewhere', [
    {'host': 'another'}, {'namespace': 'pid:[1]'}])
def test_of_another_machine_or_container_nobody_knows(ended, elsewhere):
    assert worker.may_be_alive(dict(ended, **elsewhere))


@pytest.mark.parametrize('torn', [None, '', 'x', b'x', [], {}, {'pid': 1}])
def test_of_what_cannot_be_read_nobody_knows(torn):
    assert worker.may_be_alive(torn)


def test_without_proc_nobody_knows(ended, monkeypatch, tmp_path):
    monkeypatch.setattr(worker, '_PROC', tmp_path)
    named = worker.current()
    assert named['started'] is None
    assert worker.may_be_alive(named)
    assert worker.may_be_alive(ended)
