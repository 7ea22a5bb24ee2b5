"""Fixtures for the tests of trove/."""

from karbor.services.protection import client_factory
import pytest

from karbor_trove.trove import connect


@pytest.fixture(params=['session', 'bare token'])
def http_layer(request, monkeypatch):
    """Both kinds of troveclient that Karbor may create."""
    if request.param == 'bare token':
        monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                            lambda *args: None)


@pytest.fixture
def client(http_layer, fake_trove, context):
    return connect.connect(context)
