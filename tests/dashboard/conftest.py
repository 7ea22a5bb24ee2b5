"""Fixtures: Horizon in this process, a fake Karbor behind it, Chromium."""

import datetime
import os
import pathlib
import signal
import socketserver
import tempfile
import threading
import types
import uuid
from wsgiref import simple_server

import pytest

from tests.dashboard import browser as browsers
from tests.dashboard import fake_karbor
from tests.dashboard import horizon_server

#: Time limit of all tests together, in seconds. The end of the fixtures takes
#: up to half a minute more, so a run has at most 10 minutes.
TIME_LIMIT = 570
PROJECT_ID = '7ea9e0de5a4b4e1ca0bfb3de5b6a3d1f'


def pytest_addoption(parser):
    parser.addoption('--pictures', metavar='DIR', type=pathlib.Path,
                     help='write a picture of each step into this folder')


@pytest.fixture(scope='session', autouse=True)
def time_limit(request):
    """Let the current test fail, and end the run, at the time limit."""
    def end(*_):
        request.session.shouldfail = f'The limit of {TIME_LIMIT} s is over'
        pytest.fail(request.session.shouldfail)

    previous = signal.signal(signal.SIGALRM, end)
    signal.alarm(TIME_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope='session')
def folder():
    """The templates and the static files of Horizon."""
    with tempfile.TemporaryDirectory(prefix='horizon-') as name:
        folder = pathlib.Path(name)
        horizon_server.write_templates(folder)
        horizon_server.write_static_files(folder)
        yield folder


@pytest.fixture(scope='session')
def django(folder):
    """Django with Horizon's settings and our customization module."""
    os.environ.update(horizon_server.environ(
        folder, KARBOR_TROVE_CUSTOMIZED='1'))
    import django
    django.setup()
    return django


@pytest.fixture
def karbor():
    with fake_karbor.FakeKarbor(PROJECT_ID) as fake:
        yield fake


@pytest.fixture
def user(django, karbor, monkeypatch):
    """A user that is logged in, without Keystone."""
    from openstack_auth import user as users
    from openstack_auth import utils
    from openstack_dashboard.api import keystone
    token = types.SimpleNamespace(
        id='token', expires=datetime.datetime.now(
            datetime.timezone.utc) + datetime.timedelta(hours=1),
        unscoped=False, project={'id': PROJECT_ID, 'name': 'shop'})
    user = users.User(
        id=uuid.uuid4().hex, token=token, user='tenant',
        tenant_id=PROJECT_ID, tenant_name='shop', enabled=True,
        roles=[{'name': 'member'}], authorized_tenants=[],
        endpoint='http://127.0.0.1:1/v3', services_region='RegionOne',
        service_catalog=[{'type': 'data-protect', 'name': 'karbor',
                          'endpoints': [{
                              'region': 'RegionOne', 'region_id': 'RegionOne',
                              'interface': 'public', 'id': uuid.uuid4().hex,
                              'url': karbor.url}]}])
    monkeypatch.setattr(utils, 'get_user', lambda request: user)
    # Horizon asks Keystone to draw the menu of the dashboard Identity.
    monkeypatch.setattr(keystone, 'get_identity_api_version',
                        lambda request: (3, 14))
    return user


@pytest.fixture
def client(user):
    """Django's test client, logged in."""
    from django.test import Client
    return Client()


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class _Handler(simple_server.WSGIRequestHandler):

    def log_message(self, *args):
        """Write nothing to the output of the tests."""


@pytest.fixture
def horizon_url(user):
    """The URL of Horizon in this process, where the user is logged in."""
    from django.contrib.staticfiles import handlers
    from django.core import wsgi
    application = handlers.StaticFilesHandler(wsgi.get_wsgi_application())
    server = simple_server.make_server(
        '127.0.0.1', 0, application, _Server, _Handler)
    threading.Thread(target=server.serve_forever).start()
    yield 'http://127.0.0.1:%d' % server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='session')
def chromium():
    with browsers.running() as chromium:
        yield chromium


@pytest.fixture
def browser(chromium, horizon_url, request):
    """A window of a user that is logged in."""
    pictures = request.config.getoption('pictures')
    browser = browsers.Browser(
        chromium, horizon_url, pictures and pictures / request.node.name)
    yield browser
    browser.page.close()
