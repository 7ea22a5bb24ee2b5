"""Tests of how Trove creates, shows and lists configuration groups."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import http_error

UNKNOWN_ID = '00000000-0000-4000-8000-000000000000'
#: The keys of a group in a list.
LIST_KEYS = {'created', 'datastore_name', 'datastore_version_id',
             'datastore_version_name', 'description', 'id', 'name', 'updated'}
#: The keys in the response for one group.
DETAIL_KEYS = LIST_KEYS | {'datastore_version_number', 'instance_count',
                           'values'}
VALUES = {'max_connections': 77, 'work_mem': '8MB'}


class ConfigurationBehaviour:
    """Tests of configuration groups."""

    def test_a_configuration_group_has_values_of_their_types(
            self, cloud: Cloud):
        id_ = cloud.create_configuration(values=VALUES, description='fast')
        group = cloud.client.configurations.get(id_).to_dict()
        assert set(group) == DETAIL_KEYS
        assert group['values'] == VALUES
        assert (group['name'], group['description']) == ('tuned', 'fast')
        assert (group['datastore_name'], group['datastore_version_name']) == (
            cloud.datastore, cloud.version)
        assert group['instance_count'] == 0

    def test_a_list_has_configuration_groups_without_values(
            self, cloud: Cloud):
        id_ = cloud.create_configuration(description='fast')
        [item] = [item for item in cloud.list_configurations()
                  if item['id'] == id_]
        assert set(item) == LIST_KEYS
        assert item['description'] == 'fast'

    def test_a_page_has_at_most_20_configuration_groups(self, cloud: Cloud):
        ids = {cloud.create_configuration() for _ in range(21)}
        page = cloud.client.configurations.list(limit=100)
        assert len(page) == 20
        assert page.next == page[-1].id == max(item.id for item in page)
        assert ids <= {item['id'] for item in cloud.list_configurations()}

    def test_configuration_groups_may_have_one_name(self, cloud: Cloud):
        ids = {cloud.create_configuration('tuned', description='fast')
               for _ in range(2)}
        assert len(ids) == 2

    def test_the_version_of_a_configuration_group_may_be_an_id(
            self, cloud: Cloud):
        group = cloud.client.configurations.get(
            cloud.create_configuration()).to_dict()
        created = cloud.client.configurations.create(
            'tuned', '{}', datastore=cloud.datastore,
            datastore_version=group['datastore_version_id']).to_dict()
        assert created['datastore_version_name'] == cloud.version

    def test_a_value_is_masked_if_its_name_looks_like_a_password(
            self, cloud: Cloud):
        id_ = cloud.create_configuration(values={
            **VALUES, 'password_encryption': 'md5'})
        assert cloud.client.configurations.get(id_).to_dict()['values'] == {
            **VALUES, 'password_encryption': '***'}

    @pytest.mark.parametrize('values, text', [
        ({'no_such_parameter': 1}, 'not supported'),
        ({'max_connections': 'many'}, 'not of type')])
    def test_a_value_that_the_version_does_not_support_is_rejected(
            self, cloud: Cloud, values, text):
        with http_error(422, text):
            cloud.create_configuration(values=values)

    @pytest.mark.parametrize('name', ['', '---', 'x' * 256])
    def test_an_invalid_name_of_a_configuration_group_is_rejected(
            self, cloud: Cloud, name):
        with http_error(400, 'Validation error'):
            cloud.create_configuration(name)

    def test_an_unknown_configuration_group_is_not_found(self, cloud: Cloud):
        with http_error(404, 'be found'):
            cloud.client.configurations.get(UNKNOWN_ID)

    def test_an_attached_configuration_group_cannot_be_deleted(
            self, cloud: Cloud):
        group_id = cloud.create_configuration()
        id_ = cloud.create_instance(cloud.build_name('without-database'),
                                    configuration=group_id)
        configurations = cloud.client.configurations
        assert configurations.get(group_id).instance_count == 1
        with http_error(400, 'cannot be deleted'):
            configurations.delete(group_id)
        cloud.client.instances.delete(id_)
        cloud.wait_for(lambda: cloud.get_statuses(id_)[0] == 'deleted')
        configurations.delete(group_id)
        with http_error(404):
            configurations.get(group_id)
