"""The way to Trove, through Keystone, is borne to be away for a while."""

from karbor import exception
from karbor.services.protection import client_factory
import pytest
import requests

from tests.fake_trove import keystone

AWAY = {'exc': requests.exceptions.ConnectTimeout}
THERE = {'status_code': 300,
         'json': {'versions': {'values': [keystone._VERSION]}}}


@pytest.fixture
def away(fake_trove, protect, monkeypatch):
    """A Karbor that has just started, and a Keystone that is not there."""
    def begin(answers):
        monkeypatch.setattr(client_factory.ClientFactory, '_keystone_plugin',
                            None)
        fake_trove.mocker.get(keystone.URL + '/', answers)
    return begin


def test_a_protect_bears_it(away, protect, section):
    away([AWAY, AWAY, THERE])
    protect()
    assert section.get_object('status') == 'available'


def test_so_does_a_verification(away, protect, do_verify, verify):
    protect()
    away([AWAY, AWAY, THERE])
    do_verify()
    assert set(verify.resources_status.values()) == {'available'}


def test_and_a_restore(away, protect, do_restore):
    protect()
    away([AWAY, AWAY, THERE])
    assert do_restore()


def test_and_a_delete(away, protect, delete, fake_trove, journal):
    protect()
    away([AWAY, AWAY, THERE])
    delete()
    assert not fake_trove.backups and not journal.list_entries()


def test_but_not_for_ever(away, protect, section, clock):
    away([AWAY])
    began = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='could not be found: given up after 60 s'):
        protect()
    assert clock.now() - began == pytest.approx(60)
    assert section.get_object('status') == 'error'


def test_nor_by_a_delete(away, protect, delete, journal, clock):
    protect()
    away([AWAY])
    began = clock.now()
    delete()
    assert clock.now() - began == pytest.approx(60)
    [entry] = journal.list_entries()
    assert 'could not be found' in entry.reason
