"""What Karbor lists and shows."""

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


@pytest.fixture
def ours():
    return protectable.TroveInstanceProtectable()


def project(id_):
    return karbor_resource.Resource('OS::Keystone::Project', id_, 'project')


def test_it_is_an_instance_under_a_project(ours):
    assert ours.get_resource_type() == 'OS::Trove::Instance'
    assert ours.get_parent_resource_types() == ('OS::Keystone::Project',)


@pytest.mark.parametrize('count', [0, 1, 19, 20, 21, 40, 45])
def test_all_pages_are_listed_with_no_request_per_instance(
        ours, fake_trove, context, count):
    ids = {fake_trove.add_instance() for _ in range(count)}
    listed = ours.list_resources(context)
    assert len(listed) == count
    assert {found.id for found in listed} == ids
    assert not fake_trove.find_requests('GET', '/instances/*')


def test_a_page_of_which_nothing_is_shown_is_not_the_last(
        ours, fake_trove, context):
    ids = {fake_trove.add_instance() for _ in range(45)}
    fake_trove.ghosts.update({str(uuid.UUID(int=number)): cloud.PROJECT
                              for number in range(22)})
    assert {found.id for found in ours.list_resources(context)} == ids


def test_the_user_sees_what_is_protected(ours, fake_trove, context):
    id_ = fake_trove.add_instance(name='orders', volume_size=7)
    [listed] = ours.list_resources(context)
    for found in listed, ours.show_resource(context, id_):
        assert found.to_dict() == {
            'type': 'OS::Trove::Instance', 'id': id_, 'name': 'orders',
            'extra_info': {'status': 'ACTIVE', 'datastore': 'postgresql',
                           'version': '18', 'volume_size': 7}}


@pytest.mark.parametrize('status', [
    'BUILD', 'REBOOT', 'RESIZE', 'BACKUP', 'ERROR', 'FAILED', 'BLOCKED',
    'UPGRADE', 'LATER_INVENTION'])
def test_a_busy_or_broken_instance_is_listed_and_shown(
        ours, fake_trove, context, status):
    id_ = fake_trove.add_instance(status=status)
    [listed] = ours.list_resources(context)
    assert listed.extra_info['status'] == status
    assert ours.show_resource(context, id_).extra_info['status'] == status


def test_one_that_a_verification_makes_is_not_listed_but_shown(
        ours, fake_trove, context):
    name = 'karbor-verify-%s-%s' % (uuid.uuid4(), uuid.uuid4())
    id_ = fake_trove.add_instance(name=name)
    kept = fake_trove.add_instance(name=name + '-of-a-user')
    assert [one.id for one in ours.list_resources(context)] == [kept]
    assert ours.show_resource(context, id_).name == name


def test_one_being_deleted_is_not_listed_but_shown(
        ours, fake_trove, context):
    id_ = fake_trove.add_instance(status='SHUTDOWN', deleting=True)
    kept = fake_trove.add_instance()
    assert [found.id for found in ours.list_resources(context)] == [kept]
    assert ours.show_resource(context, id_).id == id_


@pytest.mark.parametrize('release', ['train', 'victoria'])
def test_one_that_may_only_be_stopped_is_listed(ours, fake_trove, context,
                                                release):
    id_ = fake_trove.add_instance(status='SHUTDOWN')
    assert [found.id for found in ours.list_resources(context)] == [id_]


def test_dependents_are_those_of_the_tokens_own_project(
        ours, fake_trove, context):
    mine = fake_trove.add_instance()
    fake_trove.add_instance(project_id=uuid.uuid4().hex)
    assert [found.id for found in ours.get_dependent_resources(
        context, project(cloud.PROJECT))] == [mine]


def test_of_another_project_there_is_nothing_to_tell(
        ours, fake_trove, context):
    fake_trove.add_instance(project_id='other')
    assert ours.get_dependent_resources(context, project('other')) == []
    assert not fake_trove.requests


def test_nothing_of_a_request_stays_for_the_next(ours, fake_trove, context):
    other = uuid.uuid4().hex
    mine = fake_trove.add_instance()
    theirs = fake_trove.add_instance(project_id=other)
    first = protectable.TroveInstanceProtectable(context).instance(context)
    assert [found.id for found in first.list_resources(context)] == [mine]
    assert [found.id for found in first.list_resources(
        fixtures.request_context(other))] == [theirs]


@pytest.mark.parametrize('trouble', [
    'refused', 'reset', 'timeout', 'broken', 401, 403, 429, 500, 503])
def test_no_whole_list_is_karbors_error(ours, fake_trove, context, trouble):
    for _ in range(25):
        fake_trove.add_instance()
    fake_trove.fail('GET', '/instances', trouble, times=None)
    with pytest.raises(exception.ListProtectableResourceFailed) as raised:
        ours.list_resources(context)
    assert raised.value.__cause__ is not None
    with pytest.raises(exception.ListProtectableResourceFailed):
        ours.get_dependent_resources(context, project(cloud.PROJECT))


def test_half_a_list_is_no_list(ours, fake_trove, context, monkeypatch):
    for _ in range(25):
        fake_trove.add_instance()
    answer = fake_trove._on_instances.index

    def index(project_id, query):
        if 'marker' in query:
            raise errors.ErrorResponse(503, 'Service unavailable.')
        return answer(project_id, query)

    monkeypatch.setattr(fake_trove._on_instances, 'index', index)
    with pytest.raises(exception.ListProtectableResourceFailed):
        ours.list_resources(context)
    assert len(fake_trove.find_requests('GET', '/instances')) == 2


@pytest.mark.parametrize('trouble', ['refused', 'timeout', 'broken', 401, 403,
                                     500])
def test_what_cannot_be_shown_is_karbors_error(
        ours, fake_trove, context, trouble):
    id_ = fake_trove.add_instance()
    fake_trove.fail('GET', '/instances/*', trouble, times=None)
    with pytest.raises(exception.ProtectableResourceNotFound):
        ours.show_resource(context, id_)


@pytest.fixture
def slow(fake_trove, clock, monkeypatch):
    """Every answer takes 9 s, of Trove and of Keystone."""
    def limited(answer, timeout):
        # None is what the first look at Keystone's versions has.
        limit = 9.0 if timeout is None else min(9.0, timeout[1])
        clock.sleep(limit)
        if limit < 9.0:
            raise requests.exceptions.ReadTimeout('Read timed out.')
        return answer()

    def later(sent, context):
        told = keystone.build_token()
        return limited(lambda: told, sent.timeout)

    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=later,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    process = fake_trove._process
    monkeypatch.setattr(
        fake_trove, '_process',
        lambda request: limited(lambda: process(request), request.timeout))


@pytest.mark.parametrize('count, whole', [(1, True), (45, True),
                                          (200, False)])
def test_a_list_ends_before_karbor_stops_waiting_for_it(
        fake_trove, context, clock, slow, count, whole):
    for _ in range(count):
        fake_trove.add_instance()
    ours = protectable.TroveInstanceProtectable(clock=clock)
    began = clock.now()
    if whole:
        assert len(ours.list_resources(context)) == count
    else:
        with pytest.raises(exception.ListProtectableResourceFailed):
            ours.list_resources(context)
    assert clock.now() - began <= 50


def test_a_look_at_one_does_too(fake_trove, context, clock, slow):
    id_ = fake_trove.add_instance()
    # Keystone's token refused, the user's taken.
    fake_trove.refuse_tokens(times=2)
    began = clock.now()
    ours = protectable.TroveInstanceProtectable(clock=clock)
    assert ours.show_resource(context, id_).id == id_
    assert clock.now() - began <= 50


def test_an_unknown_id_is_told_with_troves_words(ours, fake_trove, context):
    with pytest.raises(exception.ProtectableResourceNotFound,
                       match='cannot be found'):
        ours.show_resource(context, str(uuid.uuid4()))


def test_no_way_to_trove_is_karbors_error(
        ours, karbor_conf, context, fake_trove):
    karbor_conf.set_override('trove_endpoint', None, 'trove_client')
    karbor_conf.set_override('trove_catalog_info', 'none:none:none',
                             'trove_client')
    with pytest.raises(exception.ListProtectableResourceFailed,
                       match='endpoint'):
        ours.list_resources(context)
