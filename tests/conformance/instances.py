"""Tests of how Trove creates, shows, lists and deletes instances."""

import email.utils
import re

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import http_error

#: The keys of an instance in a list.
LIST_KEYS = {'access', 'addresses', 'datastore', 'flavor', 'id', 'ip',
             'links', 'name', 'operating_status', 'region', 'status',
             'volume'}
#: The keys in the response for one instance. There may be more keys.
DETAIL_KEYS = LIST_KEYS | {'created', 'updated', 'service_status_updated'}
#: A time in a response: UTC, without a time zone.
TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$')


class InstanceBehaviour:
    """Tests of instances."""

    def test_a_new_instance_is_built_and_then_ready(self, cloud: Cloud):
        id_ = cloud.create(cloud.build_name('slow-create-1'))
        states = cloud.collect_states(lambda: cloud.get_statuses(id_),
                                      ('ACTIVE', 'HEALTHY'))
        assert states[0] == ('BUILD', '')
        assert {status for status, _ in states} == {'BUILD', 'ACTIVE'}

    def test_an_instance_has_what_a_restore_needs_but_no_project(
            self, cloud: Cloud):
        instance = cloud.client.instances.get(
            cloud.get_shared_instance()).to_dict()
        assert DETAIL_KEYS <= set(instance)
        assert not {'project_id', 'tenant_id'} & set(instance)
        assert instance['datastore'] == {
            'type': cloud.datastore, 'version': cloud.version,
            'version_number': cloud.version}
        assert instance['flavor']['id'] == cloud.flavor_id
        assert instance['volume']['size'] == 1
        assert instance['access'] == {'is_public': False}
        [address] = instance['addresses']
        assert address['network'] == cloud.network_id
        assert address['type'] == 'private'
        assert instance['ip'] == [address['address']]
        assert TIME.match(instance['created'])
        assert TIME.match(instance['updated'])

    def test_an_instance_has_fewer_properties_in_a_list(self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        [item] = [item.to_dict() for item in cloud.client.instances.list()
                  if item.id == id_]
        assert set(item) == LIST_KEYS
        assert set(item['datastore']) == {'type', 'version'}
        assert item['status'] == 'ACTIVE'

    def test_an_unknown_instance_is_not_found(self, cloud: Cloud):
        with http_error(404, 'cannot be found'):
            cloud.client.instances.get('00000000-0000-4000-8000-000000000000')

    def test_pages_contain_every_instance_once(self, cloud: Cloud):
        expected = {cloud.get_shared_instance()} | {
            cloud.create_instance(cloud.build_name('without-database'))
            for _ in range(2)}
        pages = cloud.list_pages(limit=1)
        ids = [id_ for page in pages for id_ in page]
        assert set(ids) == expected
        assert ids == sorted(expected)
        assert max(map(len, pages)) == 1

    def test_a_page_has_at_most_20_instances(self, cloud: Cloud):
        expected = {cloud.get_shared_instance()} | {
            cloud.create(cloud.build_name('without-database'))
            for _ in range(21)}
        for limit in None, 100:
            pages = cloud.list_pages(limit)
            assert len(pages) == 2
            assert max(map(len, pages)) <= 20
            assert {id_ for page in pages for id_ in page} == expected
        cloud.wait_until_ready(*expected)

    def test_a_request_with_an_unknown_configuration_shortens_a_page(
            self, cloud: Cloud):
        """Check that pages count the row of a rejected request.

        Before Trove rejects the request, it stores a row for the instance. No
        page shows this row, but pages count it.
        """
        before = set(cloud.list_pages(limit=1)[0])
        with http_error(404):
            cloud.create(configuration='00000000-0000-4000-8000-000000000000')
        pages = cloud.list_pages(limit=1)
        assert [] in pages
        assert before <= {id_ for page in pages for id_ in page}

    def test_an_instance_without_a_network_has_no_address(self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.build_name('without-database'),
                                    nics=None)
        instance = cloud.client.instances.get(id_).to_dict()
        assert not {'addresses', 'ip'} & set(instance)

    def test_an_instance_being_restarted_is_not_backed_up(
            self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.build_name('slow-restart-5'))
        cloud.client.instances.restart(id_)
        assert cloud.get_statuses(id_) == ('REBOOT', '')
        with http_error(422, 'not currently available'):
            cloud.client.backups.create('nightly', id_)
        states = cloud.collect_states(lambda: cloud.get_statuses(id_),
                                      ('ACTIVE', 'HEALTHY'))
        assert states[0] == ('REBOOT', '')

    def test_an_instance_in_build_cannot_be_backed_up_or_deleted(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.build_name('slow-create-3'))
        for send in (lambda: cloud.client.backups.create('nightly', id_),
                     lambda: cloud.client.instances.restart(id_),
                     lambda: cloud.client.instances.delete(id_)):
            with http_error(422):
                send()
        cloud.wait_until_ready(id_)

    def test_a_user_may_not_reset_the_status_of_an_instance_in_build(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.build_name('slow-create-3'))
        with http_error(403, 'reset_status'):
            cloud.client.instances.force_delete(id_)
        cloud.wait_until_ready(id_)

    def test_a_deleted_instance_is_in_shutdown_and_then_not_found(
            self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.build_name('without-database'))
        cloud.client.instances.delete(id_)
        states = cloud.collect_states(lambda: cloud.get_statuses(id_),
                                      ('deleted', ''))
        assert set(states) <= {('SHUTDOWN', ''), ('deleted', '')}
        with http_error(404):
            cloud.client.instances.delete(id_)

    def test_an_instance_without_a_server_is_in_shutdown_until_it_returns(
            self, cloud: Cloud):
        """Check that the status is the same as during a deletion."""
        id_ = cloud.create_instance()
        cloud.lose_server(id_)
        cloud.wait_for(lambda: cloud.get_statuses(id_) == ('SHUTDOWN', ''))
        assert [instance.status for instance in cloud.client.instances.list()
                if instance.id == id_] == ['SHUTDOWN']
        with http_error(422, 'is not ready'):
            cloud.client.backups.create('nightly', id_)
        cloud.return_server(id_)
        cloud.wait_until_ready(id_)

    def test_an_instance_without_a_server_can_be_deleted(
            self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.build_name('without-database'))
        cloud.lose_server(id_)
        cloud.wait_for(lambda: cloud.get_statuses(id_) == ('SHUTDOWN', ''))
        cloud.client.instances.delete(id_)
        cloud.wait_for(lambda: cloud.get_statuses(id_)[0] == 'deleted')

    def test_soft_localities_are_accepted_only_from_trove_23_on(
            self, cloud: Cloud):
        for locality in 'soft-affinity', 'soft-anti-affinity':
            if locality in cloud.release.localities:
                id_ = cloud.create_instance(locality=locality)
                assert cloud.client.instances.get(id_).locality == locality
            else:
                with http_error(400, locality):
                    cloud.create(locality=locality)

    def test_a_private_flavor_is_in_no_list_and_can_be_used(
            self, cloud: Cloud):
        flavor_id = cloud.private_flavor_id
        [version] = [version for version
                     in cloud.client.datastore_versions.list(cloud.datastore)
                     if version.name == cloud.version]
        # python-troveclient 5 does not have `flavors`.
        get = cloud.client.client.get
        for path in '/flavors', '/datastores/%s/versions/%s/flavors' % (
                cloud.datastore, version.id):
            listed = {flavor['str_id'] for flavor in get(path)[1]['flavors']}
            assert cloud.flavor_id in listed and flavor_id not in listed
        flavor = get('/flavors/' + flavor_id)[1]['flavor']
        assert (flavor['str_id'], flavor['ram']) == (flavor_id, 512)
        id_ = cloud.create_instance(cloud.build_name('without-database'),
                                    flavorRef=flavor_id)
        instance = cloud.client.instances.get(id_).to_dict()
        assert instance['flavor']['id'] == flavor_id

    def test_an_unknown_flavor_is_not_found(self, cloud: Cloud):
        with http_error(404, 'Resource gone cannot be found.'):
            cloud.client.client.get('/flavors/gone')

    def test_a_failed_instance_has_a_fault_and_can_be_deleted(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.build_name('fail-create'))
        cloud.wait_for(lambda: cloud.get_statuses(id_)[0] == 'ERROR')
        instance = cloud.client.instances.get(id_).to_dict()
        assert instance['operating_status'] == ''
        assert instance['fault']['message']
        [item] = [item.to_dict() for item in cloud.client.instances.list()
                  if item.id == id_]
        assert item['status'] == 'ERROR'
        assert 'fault' not in item
        cloud.client.instances.delete(id_)
        cloud.wait_for(lambda: cloud.get_statuses(id_)[0] == 'deleted')

    @pytest.mark.parametrize('path', ['/instances', '/backups'])
    def test_every_response_has_the_current_date(self, cloud: Cloud, path):
        response, _ = cloud.client.client.get(path)
        date = email.utils.parsedate_to_datetime(response.headers['Date'])
        assert abs(date.timestamp() - cloud.clock.now()) < 2
