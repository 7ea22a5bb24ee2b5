"""What we rely on when we look at instances."""

import email.utils
import re

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import refused

LIST_KEYS = {'access', 'addresses', 'datastore', 'flavor', 'id', 'ip',
             'links', 'name', 'operating_status', 'region', 'status',
             'volume'}
DETAIL_KEYS = LIST_KEYS | {'created', 'updated', 'service_status_updated'}
TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$')


class InstanceBehaviour:

    def test_a_new_instance_is_built_and_then_ready(self, cloud: Cloud):
        id_ = cloud.create(cloud.named('slow-create-1'))
        seen = cloud.seen(lambda: cloud.states(id_), ('ACTIVE', 'HEALTHY'))
        assert seen[0] == ('BUILD', '')
        assert {status for status, _ in seen} == {'BUILD', 'ACTIVE'}

    def test_a_look_tells_what_a_restore_needs_and_no_project(
            self, cloud: Cloud):
        told = cloud.client.instances.get(cloud.instance()).to_dict()
        assert DETAIL_KEYS <= set(told)
        assert not {'project_id', 'tenant_id'} & set(told)
        assert told['datastore'] == {
            'type': cloud.datastore, 'version': cloud.version,
            'version_number': cloud.version}
        assert told['flavor']['id'] == cloud.flavor_id
        assert told['volume']['size'] == 1
        assert told['access'] == {'is_public': False}
        [address] = told['addresses']
        assert address['network'] == cloud.network_id
        assert address['type'] == 'private'
        assert told['ip'] == [address['address']]
        assert TIME.match(told['created'])
        assert TIME.match(told['updated'])

    def test_a_list_tells_less(self, cloud: Cloud):
        id_ = cloud.instance()
        [item] = [of.to_dict() for of in cloud.client.instances.list()
                  if of.id == id_]
        assert set(item) == LIST_KEYS
        assert set(item['datastore']) == {'type', 'version'}
        assert item['status'] == 'ACTIVE'

    def test_an_unknown_instance_is_not_found(self, cloud: Cloud):
        with refused(404, 'cannot be found'):
            cloud.client.instances.get('00000000-0000-4000-8000-000000000000')

    def test_pages_give_every_instance_once(self, cloud: Cloud):
        expected = {cloud.instance()} | {
            cloud.create_instance(cloud.named('without-database'))
            for _ in range(2)}
        pages = cloud.pages(limit=1)
        found = [id_ for page in pages for id_ in page]
        assert set(found) == expected
        assert found == sorted(expected)
        assert max(map(len, pages)) == 1

    def test_a_page_has_twenty_at_the_most(self, cloud: Cloud):
        expected = {cloud.instance()} | {
            cloud.create(cloud.named('without-database')) for _ in range(21)}
        for limit in None, 100:
            pages = cloud.pages(limit)
            assert len(pages) == 2
            assert max(map(len, pages)) <= 20
            assert {id_ for page in pages for id_ in page} == expected
        cloud.ready(*expected)

    def test_an_unknown_configuration_leaves_a_hole_in_the_pages(
            self, cloud: Cloud):
        """Trove drops what it made when it refuses; not its row."""
        before = set(cloud.pages(limit=1)[0])
        with refused(404):
            cloud.create(configuration='00000000-0000-4000-8000-000000000000')
        pages = cloud.pages(limit=1)
        assert [] in pages
        assert before <= {id_ for page in pages for id_ in page}

    def test_without_a_network_there_is_no_address(self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.named('without-database'),
                                    nics=None)
        told = cloud.client.instances.get(id_).to_dict()
        assert not {'addresses', 'ip'} & set(told)

    def test_an_instance_being_restarted_is_not_backed_up(
            self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.named('slow-restart-5'))
        cloud.client.instances.restart(id_)
        assert cloud.states(id_) == ('REBOOT', '')
        with refused(422, 'not currently available'):
            cloud.client.backups.create('nightly', id_)
        assert cloud.seen(lambda: cloud.states(id_), ('ACTIVE', 'HEALTHY')
                          )[0] == ('REBOOT', '')

    def test_an_instance_being_built_is_not_backed_up_nor_deleted(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.named('slow-create-3'))
        for ask in (lambda: cloud.client.backups.create('nightly', id_),
                    lambda: cloud.client.instances.restart(id_),
                    lambda: cloud.client.instances.delete(id_)):
            with refused(422):
                ask()
        cloud.ready(id_)

    def test_only_an_administrator_may_reset_one_that_is_being_built(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.named('slow-create-3'))
        with refused(403, 'reset_status'):
            cloud.client.instances.force_delete(id_)
        cloud.ready(id_)

    def test_an_instance_being_deleted_is_shut_down_and_then_gone(
            self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.named('without-database'))
        cloud.client.instances.delete(id_)
        seen = cloud.seen(lambda: cloud.states(id_), ('gone', ''))
        assert set(seen) <= {('SHUTDOWN', ''), ('gone', '')}
        with refused(404):
            cloud.client.instances.delete(id_)

    def test_a_failed_instance_tells_why_and_can_be_deleted(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.named('fail-create'))
        cloud.wait(lambda: cloud.states(id_)[0] == 'ERROR')
        told = cloud.client.instances.get(id_).to_dict()
        assert told['operating_status'] == ''
        assert told['fault']['message']
        [item] = [of.to_dict() for of in cloud.client.instances.list()
                  if of.id == id_]
        assert item['status'] == 'ERROR'
        assert 'fault' not in item
        cloud.client.instances.delete(id_)
        cloud.wait(lambda: cloud.states(id_)[0] == 'gone')

    @pytest.mark.parametrize('path', ['/instances', '/backups'])
    def test_every_answer_carries_the_time(self, cloud: Cloud, path):
        answer, _ = cloud.client.client.get(path)
        told = email.utils.parsedate_to_datetime(answer.headers['Date'])
        assert abs(told.timestamp() - cloud.clock.now()) < 2
