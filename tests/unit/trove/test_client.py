"""Lists, missing objects and old versions of python-troveclient."""

import datetime
import pathlib
import subprocess
import sys
import uuid

import pytest
from troveclient.v1 import backups
from troveclient.v1 import instances

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import models
from tests.fake_trove import cloud
from tests.fake_trove import Response


def test_unknown_id_is_not_found(client, resource):
    for call in (client.get_instance, client.get_backup, client.delete_backup):
        with pytest.raises(errors.NotFound):
            call(str(uuid.uuid4()))


def test_list_that_repeats_a_marker_ends(client, fake_trove):
    id_ = fake_trove.add_instance()
    page = '{"instances": [{"id": "%s"}], "links": [{"rel": "next", "href": ' \
           '"http://trove.example.com/v1.0/p/instances?marker=%s"}]}' % (
               id_, id_)
    fake_trove.fail('GET', '/instances', Response(200, page), times=None)
    assert {instance.id for instance in client.list_instances()} == {id_}
    assert len(fake_trove.find_requests('GET', '/instances')) == 2


def test_listing_fails_if_a_later_page_fails(client, fake_trove):
    page = '{"instances": [{"id": "1"}], "links": [{"rel": "next", "href": ' \
           '"http://trove.example.com/v1.0/p/instances?marker=1"}]}'
    fake_trove.fail('GET', '/instances', Response(200, page))
    fake_trove.fail('GET', '/instances', 503)
    with pytest.raises(errors.Unreachable, match='listing database instances'):
        client.list_instances()
    assert len(fake_trove.find_requests('GET', '/instances')) == 2


def test_listing_sends_no_request_for_missing_attributes(client, fake_trove):
    fake_trove.add_instance()
    [instance] = client.list_instances()
    assert instance.fault is None
    assert len(fake_trove.requests) == 1


def test_unsupported_argument_of_old_client_is_rejected_with_its_name(
        client, fake_trove, resource, monkeypatch):
    def create(self, name, instance, description=None, parent_id=None,
               incremental=False, swift_container=None):
        raise AssertionError('not to be called')

    monkeypatch.setattr(backups.Backups, 'create', create)
    with pytest.raises(errors.Rejected, match='too old to send '
                       'storage_driver'):
        client.create_backup(models.BackupRequest(
            resource.id, 'nightly', 'of the night', storage_driver='cinder'))


def test_version_number_is_not_sent_by_old_client(
        client, fake_trove, resource, monkeypatch):
    sent = []

    def create(self, name, flavor_id=None, volume=None, restorePoint=None,
               datastore=None, datastore_version=None, **kwargs):
        sent.append(kwargs)
        return original(self, name, flavor_id, volume,
                        restorePoint=restorePoint, datastore=datastore,
                        datastore_version=datastore_version)

    original = instances.Instances.create
    monkeypatch.setattr(instances.Instances, 'create', create)
    backup_id = fake_trove.add_backup(resource.id)
    client.create_instance(models.InstanceRequest(
        'a', backup_id, 'again', datastore='postgresql',
        datastore_version='18', datastore_version_number='18.1',
        flavor_id='2', volume_size=2))
    assert sent == [{}]


@pytest.mark.parametrize('count', [1, 2, 3])
@pytest.mark.parametrize('limit', [2, 3, None])
def test_list_of_backups_has_no_hole_after_deletions_between_pages(
        client, fake_trove, resource, clock, count, limit):
    ids = []
    for _ in range(7):
        clock.sleep(1)
        ids.append(fake_trove.add_backup(resource.id))
    fake_trove.max_backup_limit = limit
    fake_trove.delete_between_pages(*ids[-count:])
    listed = set(client.list_backups())
    assert listed >= set(fake_trove.backups)
    lists = [request for request in fake_trove.find_requests(
        'GET', '/backups') if 'marker' not in request.query]
    assert len(lists) == (1 if limit is None else count + 2)


def test_list_of_backups_that_changes_all_the_time_is_unreachable(
        client, fake_trove, resource):
    fake_trove.max_backup_limit = 2
    ids = [fake_trove.add_backup(resource.id) for _ in range(60)]
    fake_trove.delete_between_pages(*ids[:40])
    with pytest.raises(errors.Unreachable, match='were never equal'):
        client.list_backups()


@pytest.mark.parametrize('date, expected', [
    ('Thu, 01 Jan 2026 12:00:00 GMT', datetime.datetime(2026, 1, 1, 12)),
    ('Thu, 01 Jan 2026 12:00:00 -0000', datetime.datetime(2026, 1, 1, 12)),
    ('Thu, 01 Jan 2026 14:00:00 +0200', datetime.datetime(2026, 1, 1, 12)),
    ('yesterday', None)])
def test_time_of_a_response_is_read_with_its_zone(
        client, fake_trove, date, expected):
    fake_trove.mocker.get('%s/%s/instances' % (fake_trove.url, cloud.PROJECT),
                          json={'instances': []}, headers={'Date': date})
    client.list_instances()
    assert client.last_response_time == expected


@pytest.mark.parametrize('threads', ['real', 'green'])
def test_threads_share_connections_and_have_their_own_deadlines(threads):
    result = subprocess.run(
        [sys.executable, '-m', 'tests.unit.trove.shared_client', threads],
        timeout=300, capture_output=True, text=True,
        cwd=pathlib.Path(__file__).parents[3])
    connections, _, rest = result.stdout.partition('\n')
    assert rest == 'ended\n', result.stderr
    assert int(connections) <= 8


def test_client_with_a_deadline_does_not_limit_the_other_clients(
        client, fake_trove, resource, clock):
    limited = client.with_deadline(polling.Deadline(2.0, clock))
    for one in client, limited, client:
        one.get_instance(resource.id)
    clock.sleep(2.0)
    with pytest.raises(errors.DeadlineExceeded):
        limited.get_instance(resource.id)
    client.get_instance(resource.id)
    assert [request.timeout for request in fake_trove.requests] == [
        (5.0, 25.0), (2.0, 2.0), (5.0, 25.0), (5.0, 25.0)]
