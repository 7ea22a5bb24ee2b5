"""Tests of bank/worker_process.py: running, ended and unknown processes."""

import json
import subprocess
import sys

import pytest

from karbor_trove.bank import worker_process


@pytest.fixture(scope='module')
def ended():
    """Return the identity of a process that has ended."""
    process = subprocess.run(
        [sys.executable, '-c',
         'import json\n'
         'from karbor_trove.bank import worker_process\n'
         'print(json.dumps(worker_process.current()))'],
        capture_output=True, text=True)
    return json.loads(process.stdout)


def test_this_process_may_be_alive():
    assert worker_process.may_be_alive(worker_process.current())
    assert worker_process.may_be_alive(
        json.loads(json.dumps(worker_process.current())))


def test_ended_process_is_not_alive(ended):
    assert not worker_process.may_be_alive(ended)


def test_process_whose_id_was_reused_is_not_alive(ended):
    assert not worker_process.may_be_alive(
        dict(worker_process.current(), started=ended['started']))


@pytest.mark.parametrize('place', [
    {'host': 'another'}, {'namespace': 'pid:[1]'}])
def test_process_of_another_host_or_container_may_be_alive(ended, place):
    assert worker_process.may_be_alive(dict(ended, **place))


@pytest.mark.parametrize('identity', [None, '', 'x', b'x', [], {}, {'pid': 1}])
def test_process_of_an_unreadable_identity_may_be_alive(identity):
    assert worker_process.may_be_alive(identity)


def test_every_process_may_be_alive_without_proc(ended, monkeypatch, tmp_path):
    monkeypatch.setattr(worker_process, '_PROC', tmp_path)
    identity = worker_process.current()
    assert identity['started'] is None
    assert worker_process.may_be_alive(identity)
    assert worker_process.may_be_alive(ended)
