"""Fixtures: Horizon in this process, and a fake Karbor behind it."""

import datetime
import os
import types
import uuid

import pytest

from tests.dashboard import fake_karbor
from tests.dashboard import horizon_server

PROJECT_ID = '7ea9e0de5a4b4e1ca0bfb3de5b6a3d1f'


@pytest.fixture(scope='session')
def django(tmp_path_factory):
    """Set Django up with Horizon's settings and our customization module."""
    folder = tmp_path_factory.mktemp('horizon')
    horizon_server.write_templates(folder)
    os.environ.update(horizon_server.environ(
        folder, KARBOR_TROVE_CUSTOMIZED='1'))
    import django
    django.setup()
    from django.test import utils
    utils.setup_test_environment()
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
