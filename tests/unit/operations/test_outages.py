"""Operations during an outage of Keystone."""

from karbor import exception
from karbor.services.protection import client_factory
import pytest
import requests

from tests.fake_trove import keystone

TIMEOUT = {'exc': requests.exceptions.ConnectTimeout}
VERSIONS = {'status_code': 300,
            'json': {'versions': {'values': [keystone.VERSION]}}}


@pytest.fixture
def start_keystone_outage(fake_trove, protect, monkeypatch):
    """Return a function that restarts Karbor with these Keystone responses."""
    def start(responses):
        monkeypatch.setattr(client_factory.ClientFactory, '_keystone_plugin',
                            None)
        fake_trove.mocker.get(keystone.URL + '/', responses)
    return start


def test_protect_succeeds_after_a_short_keystone_outage(
        start_keystone_outage, protect, section):
    start_keystone_outage([TIMEOUT, TIMEOUT, VERSIONS])
    protect()
    assert section.get_object('status') == 'available'


def test_verify_succeeds_after_a_short_keystone_outage(
        start_keystone_outage, protect, do_verify, verify):
    protect()
    start_keystone_outage([TIMEOUT, TIMEOUT, VERSIONS])
    do_verify()
    assert set(verify.resources_status.values()) == {'available'}


def test_restore_succeeds_after_a_short_keystone_outage(
        start_keystone_outage, protect, do_restore):
    protect()
    start_keystone_outage([TIMEOUT, TIMEOUT, VERSIONS])
    assert do_restore()


def test_delete_succeeds_after_a_short_keystone_outage(
        start_keystone_outage, protect, delete, fake_trove, journal):
    protect()
    start_keystone_outage([TIMEOUT, TIMEOUT, VERSIONS])
    delete()
    assert not fake_trove.backups and not journal.list_entries()


def test_protect_fails_after_60_s_keystone_outage(
        start_keystone_outage, protect, section, clock):
    start_keystone_outage([TIMEOUT])
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='could not be found: given up after 60 s'):
        protect()
    assert clock.now() - start_time == pytest.approx(60)
    assert section.get_object('status') == 'error'


def test_deletion_is_deferred_after_60_s_keystone_outage(
        start_keystone_outage, protect, delete, journal, clock):
    protect()
    start_keystone_outage([TIMEOUT])
    start_time = clock.now()
    delete()
    assert clock.now() - start_time == pytest.approx(60)
    [entry] = journal.list_entries()
    assert 'could not be found' in entry.reason
