"""The bank plugin of this package with the real Swift."""

import datetime
import uuid

from karbor import exception
from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import client_factory
from oslo_config import cfg
from oslo_utils import timeutils
import pytest

from karbor_trove.bank import storage
from karbor_trove.bank_plugins import swift
from karbor_trove import errors
from karbor_trove import timeouts
from tests.fault_injection import environment
from tests.sandbox import proxy
from tests.sandbox.services import launch
from tests.sandbox.services import provider_files


@pytest.fixture
def cloud(sandbox):
    """Proxies in front of the services, for faults."""
    with proxy.Proxies({
            service: sandbox.urls[service]
            for service in ('keystone', 'swift', 'trove')}) as cloud:
        yield cloud


@pytest.fixture
def make_bank(sandbox, cloud, tmp_path, monkeypatch):
    """A function that creates a bank in a container of its own."""
    monkeypatch.setattr(client_factory.ClientFactory, '_keystone_plugin',
                        None)
    environment.configure_karbor(sandbox, cloud, tmp_path)
    assert client_factory.ClientFactory.get_client_module('swift')
    sections = provider_files.swift_bank(dict(
        sandbox.services['karbor'].settings,
        keystone_url=cloud.urls['keystone']), 'bank-%s' % uuid.uuid4())
    sections['swift_client'].update(swift_retry_attempts=0)

    def make(plugin_class=swift.SwiftBankPlugin):
        config = cfg.ConfigOpts()
        config(['--config-file', launch.write_config(
            tmp_path / 'provider.conf', sections)], default_config_dirs=[])
        return bank_plugin.Bank(plugin_class(config))
    return make


def test_both_plugins_read_what_the_other_has_written(make_bank):
    ours, karbors = make_bank(), make_bank(swift_bank_plugin.SwiftBankPlugin)
    ours.update_object('/a/ours', {'text': 'Größe'})
    karbors.update_object('/a/karbors', {'text': 'Größe'})
    for bank in ours, karbors:
        assert bank.list_objects('/a/') == ['/a/karbors', '/a/ours']
        for key in '/a/ours', '/a/karbors':
            assert bank.get_object(key) == {'text': 'Größe'}
    ours.delete_object('/a/karbors')
    assert karbors.list_objects('/a/') == ['/a/ours']


@pytest.mark.parametrize('sort_dir', ['asc', 'desc'])
def test_list_has_the_requested_order(make_bank, sort_dir):
    bank = make_bank()
    keys = ['/a/%d' % number for number in range(5)]
    for key in keys:
        bank.update_object(key, key)
    ordered = keys[::-1] if sort_dir == 'desc' else keys
    assert bank.list_objects('/a/', sort_dir=sort_dir) == ordered
    page = bank.list_objects('/a/', limit=2, sort_dir=sort_dir)
    assert page == ordered[:2]
    assert bank.list_objects('/a/', limit=2, marker=page[-1],
                             sort_dir=sort_dir) == ordered[2:4]


def test_newest_checkpoints_come_first_in_the_list_that_retention_reads(
        make_bank, monkeypatch):
    collection = karbor_checkpoint.CheckpointCollection(make_bank())
    plan = {'id': str(uuid.uuid4()), 'name': 'nightly', 'resources': [],
            'provider_id': str(uuid.uuid4()), 'project_id': uuid.uuid4().hex}
    night = datetime.datetime(2026, 1, 1, 2)
    ids = []
    for number in range(7):
        monkeypatch.setattr(timeutils, 'utcnow', lambda *_, number=number: (
            night + datetime.timedelta(days=number)))
        ids.append(collection.create(plan).id)
    assert collection.list_ids(
        plan['project_id'], plan['provider_id'], plan_id=plan['id'],
        sort_dir='desc') == ids[::-1]


@pytest.mark.parametrize('code', [404, 200])
def test_response_of_a_load_balancer_is_a_failure(make_bank, cloud, code):
    def respond(exchange):
        body = b'<html>Please log in</html>'
        exchange.reply(proxy.Response(code, [
            ('Content-Type', 'text/html'),
            ('Content-Length', str(len(body)))], body))

    bank = make_bank()
    bank.update_object('/a/status', 'available')
    cloud.injector = lambda request: (
        respond if request.service == 'swift' else None)
    section = bank.get_sub_section('/a')
    with pytest.raises(errors.BankError):
        storage.read(section, 'status')
    with pytest.raises(errors.BankError):
        storage.list_keys(section)
    cloud.heal()
    assert storage.read(section, 'status') == 'available'
    assert storage.read(section, 'absent') is None


def test_request_ends_if_swift_does_not_respond(
        make_bank, cloud, monkeypatch):
    bank = make_bank()
    monkeypatch.setattr(timeouts, 'HTTP_READ', 1.0)
    cloud.injector = lambda request: (
        (lambda exchange: exchange.wait_for_disconnect(20.0))
        if request.service == 'swift' else None)
    with pytest.raises(exception.BankGetObjectFailed):
        bank.get_object('/a/status')
