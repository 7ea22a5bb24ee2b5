"""Listing and showing of instances."""

import collections
import tracemalloc
import uuid

from karbor import exception
from karbor import resource as karbor_resource
import pytest
import requests

from karbor_trove import protectable
from tests.fake_trove import cloud
from tests.fake_trove import errors
from tests.fake_trove import fixtures
from tests.fake_trove import keystone
from tests.unit.simulation import simulation


@pytest.fixture
def plugin():
    return protectable.TroveInstanceProtectable()


def project(id_):
    return karbor_resource.Resource('OS::Keystone::Project', id_, 'project')


def test_plugin_has_type_instance_below_project(plugin):
    assert plugin.get_resource_type() == 'OS::Trove::Instance'
    assert plugin.get_parent_resource_types() == ('OS::Keystone::Project',)


@pytest.mark.parametrize('count', [0, 1, 19, 20, 21, 40, 45])
def test_list_reads_all_pages_without_a_request_per_instance(
        plugin, fake_trove, context, count):
    ids = {fake_trove.add_instance() for _ in range(count)}
    listed = plugin.list_resources(context)
    assert len(listed) == count
    assert {resource.id for resource in listed} == ids
    assert not fake_trove.find_requests('GET', '/instances/*')


def test_list_of_1000_instances_has_memory_for_its_result_only(
        plugin, context):
    world = simulation.World()
    for number in range(1000):
        world.fake.add_instance(name='database %d' % number)
    with world.connected():
        plugin.list_resources(context)
        page_count = len(world.fake.requests)
        # The fake keeps the requests.
        world.fake.requests = collections.deque(maxlen=1)
        tracemalloc.start()
        try:
            listed = plugin.list_resources(context)
            size, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(listed) == 1000 + len(world.instances)
    assert page_count == 51
    # The models of all instances would take 1 MB.
    assert size < 1.5e6
    assert peak - size < 0.4e6


def test_list_continues_after_an_empty_page(plugin, fake_trove, context):
    ids = {fake_trove.add_instance() for _ in range(45)}
    fake_trove.ghosts.update({str(uuid.UUID(int=number)): cloud.PROJECT
                              for number in range(22)})
    assert {resource.id for resource in plugin.list_resources(context)} == ids


def test_resource_has_name_status_datastore_and_size(
        plugin, fake_trove, context):
    id_ = fake_trove.add_instance(name='orders', volume_size=7)
    [listed] = plugin.list_resources(context)
    for resource in listed, plugin.show_resource(context, id_):
        assert resource.to_dict() == {
            'type': 'OS::Trove::Instance', 'id': id_, 'name': 'orders',
            'extra_info': {'status': 'ACTIVE', 'datastore': 'postgresql',
                           'version': '18', 'volume_size': 7}}


@pytest.mark.parametrize('status', [
    'BUILD', 'REBOOT', 'RESIZE', 'BACKUP', 'ERROR', 'FAILED', 'BLOCKED',
    'UPGRADE', 'LATER_INVENTION'])
def test_busy_or_broken_instance_is_listed_and_shown(
        plugin, fake_trove, context, status):
    id_ = fake_trove.add_instance(status=status)
    [listed] = plugin.list_resources(context)
    assert listed.extra_info['status'] == status
    assert plugin.show_resource(context, id_).extra_info['status'] == status


def test_temporary_instance_is_shown_and_not_listed(
        plugin, fake_trove, context):
    name = 'karbor-verify-%s-%s' % (uuid.uuid4(), uuid.uuid4())
    id_ = fake_trove.add_instance(name=name)
    users_id = fake_trove.add_instance(name=name + '-of-a-user')
    assert [resource.id for resource in plugin.list_resources(context)] == [
        users_id]
    assert plugin.show_resource(context, id_).name == name


@pytest.mark.parametrize('is_deleting', [True, False])
def test_instance_with_status_shutdown_is_listed_and_shown(
        plugin, fake_trove, context, is_deleting):
    id_ = fake_trove.add_instance(status='SHUTDOWN', deleting=is_deleting)
    [listed] = plugin.list_resources(context)
    assert (listed.id, listed.extra_info['status']) == (id_, 'SHUTDOWN')
    assert plugin.show_resource(context, id_).id == id_


@pytest.mark.parametrize('release', ['train', 'victoria'])
def test_stopped_instance_is_listed(plugin, fake_trove, context, release):
    id_ = fake_trove.add_instance(status='SHUTDOWN')
    assert [resource.id for resource
            in plugin.list_resources(context)] == [id_]


def test_dependents_are_the_instances_of_the_tokens_project(
        plugin, fake_trove, context):
    mine = fake_trove.add_instance()
    fake_trove.add_instance(project_id=uuid.uuid4().hex)
    assert [resource.id for resource in plugin.get_dependent_resources(
        context, project(cloud.PROJECT))] == [mine]


def test_dependents_of_another_project_are_empty(plugin, fake_trove, context):
    fake_trove.add_instance(project_id='other')
    assert plugin.get_dependent_resources(context, project('other')) == []
    assert not fake_trove.requests


def test_plugin_keeps_no_data_of_a_request(plugin, fake_trove, context):
    other = uuid.uuid4().hex
    mine = fake_trove.add_instance()
    theirs = fake_trove.add_instance(project_id=other)
    first = protectable.TroveInstanceProtectable(context).instance(context)
    assert [resource.id for resource
            in first.list_resources(context)] == [mine]
    assert [resource.id for resource in first.list_resources(
        fixtures.request_context(other))] == [theirs]


@pytest.mark.parametrize('fault', [
    'refused', 'reset', 'timeout', 'broken', 401, 403, 429, 500, 503])
def test_listing_fails_with_karbors_exception(
        plugin, fake_trove, context, fault):
    for _ in range(25):
        fake_trove.add_instance()
    fake_trove.fail('GET', '/instances', fault, times=None)
    with pytest.raises(exception.ListProtectableResourceFailed) as raised:
        plugin.list_resources(context)
    assert raised.value.__cause__ is not None
    with pytest.raises(exception.ListProtectableResourceFailed):
        plugin.get_dependent_resources(context, project(cloud.PROJECT))


def test_listing_fails_if_a_page_fails(
        plugin, fake_trove, context, monkeypatch):
    for _ in range(25):
        fake_trove.add_instance()
    original_index = fake_trove._on_instances.index

    def index(project_id, query):
        if 'marker' in query:
            raise errors.ErrorResponse(503, 'Service unavailable.')
        return original_index(project_id, query)

    monkeypatch.setattr(fake_trove._on_instances, 'index', index)
    with pytest.raises(exception.ListProtectableResourceFailed):
        plugin.list_resources(context)
    assert len(fake_trove.find_requests('GET', '/instances')) == 2


@pytest.mark.parametrize('fault', ['refused', 'timeout', 'broken', 401, 403,
                                   500])
def test_showing_fails_with_karbors_exception(
        plugin, fake_trove, context, fault):
    id_ = fake_trove.add_instance()
    fake_trove.fail('GET', '/instances/*', fault, times=None)
    with pytest.raises(exception.ProtectableResourceNotFound):
        plugin.show_resource(context, id_)


@pytest.fixture
def slow_responses(fake_trove, clock, monkeypatch):
    """Let every response of Trove and Keystone take 9 s."""
    def respond(get_response, timeout):
        # The first request for Keystone's versions has the timeout None.
        limit = 9.0 if timeout is None else min(9.0, timeout[1])
        clock.sleep(limit)
        if limit < 9.0:
            raise requests.exceptions.ReadTimeout('Read timed out.')
        return get_response()

    def build_token(request, context):
        token = keystone.build_token()
        return respond(lambda: token, request.timeout)

    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=build_token,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    process = fake_trove._process
    monkeypatch.setattr(
        fake_trove, '_process',
        lambda request: respond(lambda: process(request), request.timeout))


@pytest.mark.parametrize('count, succeeds', [(1, True), (45, True),
                                             (200, False)])
def test_listing_ends_within_karbors_rpc_timeout(
        fake_trove, context, clock, slow_responses, count, succeeds):
    for _ in range(count):
        fake_trove.add_instance()
    plugin = protectable.TroveInstanceProtectable(clock=clock)
    start_time = clock.now()
    if succeeds:
        assert len(plugin.list_resources(context)) == count
    else:
        with pytest.raises(exception.ListProtectableResourceFailed):
            plugin.list_resources(context)
    assert clock.now() - start_time <= 50


@pytest.fixture
def slow_page(fake_trove, clock, monkeypatch):
    """Return a function that sets how long a page of instances takes."""
    seconds = 0

    def take(request):
        if request.path == '/instances':
            clock.sleep(min(seconds, request.timeout[1]))
            if seconds > request.timeout[1]:
                raise requests.exceptions.ReadTimeout('Read timed out.')
        return process(request)

    def set_seconds(value):
        nonlocal seconds
        seconds = value

    process = fake_trove._process
    monkeypatch.setattr(fake_trove, '_process', take)
    return set_seconds


@pytest.mark.parametrize('count, seconds, pages', [
    (320, 3, 15), (500, 2.5, 18), (100, 9.5, 4)])
def test_listing_with_slow_pages_names_the_option_of_trove(
        fake_trove, context, clock, slow_page, count, seconds, pages):
    slow_page(seconds)
    for _ in range(count):
        fake_trove.add_instance()
    plugin = protectable.TroveInstanceProtectable(clock=clock)
    with pytest.raises(exception.ListProtectableResourceFailed) as raised:
        plugin.list_resources(context)
    text = str(raised.value)
    assert 'given up after 45 s' in text and 'instances_page_size' in text
    assert 'returned %d instances in %d pages' % (20 * pages, pages) in text
    # The operator of Trove has followed the advice.
    fake_trove.instances_page_size = 200
    assert len(plugin.list_resources(context)) == count


@pytest.mark.parametrize('seconds', [3, 9.5])
def test_listing_with_slow_pages_succeeds_within_the_time_limit(
        fake_trove, context, clock, slow_page, seconds):
    slow_page(seconds)
    ids = {fake_trove.add_instance() for _ in range(80)}
    plugin = protectable.TroveInstanceProtectable(clock=clock)
    assert {resource.id for resource
            in plugin.list_resources(context)} == ids


@pytest.mark.parametrize('seconds', [11, 40])
def test_listing_with_a_page_that_is_too_slow_names_its_time_limit(
        fake_trove, context, clock, slow_page, seconds):
    slow_page(seconds)
    fake_trove.add_instance()
    plugin = protectable.TroveInstanceProtectable(clock=clock)
    with pytest.raises(exception.ListProtectableResourceFailed) as raised:
        plugin.list_resources(context)
    assert 'a page of instances within 10 s' in str(raised.value)
    assert 'lower the option instances_page_size' in str(raised.value)


def test_showing_ends_within_karbors_rpc_timeout(
        fake_trove, context, clock, slow_responses):
    id_ = fake_trove.add_instance()
    # Trove rejects the service token and accepts the user's token.
    fake_trove.refuse_tokens(times=2)
    start_time = clock.now()
    plugin = protectable.TroveInstanceProtectable(clock=clock)
    assert plugin.show_resource(context, id_).id == id_
    assert clock.now() - start_time <= 50


def test_showing_an_unknown_id_fails_with_troves_message(
        plugin, fake_trove, context):
    with pytest.raises(exception.ProtectableResourceNotFound,
                       match='cannot be found'):
        plugin.show_resource(context, str(uuid.uuid4()))


def test_listing_fails_when_there_is_no_endpoint(
        plugin, karbor_conf, context, fake_trove):
    karbor_conf.set_override('trove_endpoint', None, 'trove_client')
    karbor_conf.set_override('trove_catalog_info', 'none:none:none',
                             'trove_client')
    with pytest.raises(exception.ListProtectableResourceFailed,
                       match='endpoint'):
        plugin.list_resources(context)


@pytest.mark.parametrize('id_', [
    '../backups', '..', '', 'a/b', '%2e%2e', 'x?limit=1',
    'A1B2C3D4-E5F6-4718-893A-4B5C6D7E8F90',
    'a1b2c3d4e5f64718893a4b5c6d7e8f90'])
def test_show_rejects_an_id_that_is_no_uuid_without_a_request(
        plugin, fake_trove, context, id_):
    with pytest.raises(exception.ProtectableResourceNotFound,
                       match='is not the id of a database instance'):
        plugin.show_resource(context, id_)
    assert not fake_trove.find_requests('GET', '/*')
