"""Tests of how Trove lists databases and users."""

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import http_error


def _list_names(cloud: Cloud, kind: str, id_: str):
    """Return the names of all databases or users of an instance.

    :param kind: 'databases' or 'users'.
    :param id_: the id of the instance.
    :returns: one list for each page.
    """
    pages, marker = [], None
    while True:
        page = getattr(cloud.client, kind).list(id_, marker=marker)
        pages.append([item.name for item in page])
        marker = page.next
        if marker is None:
            return pages


def _require_accounts(cloud: Cloud):
    if cloud.datastore not in cloud.release.account_datastores:
        pytest.skip('Trove %d lists no databases and users of %s' % (
            cloud.release.number, cloud.datastore))


class AccountBehaviour:
    """Tests of the databases and users of an instance."""

    def test_databases_and_users_are_listed_in_pages_of_20(
            self, cloud: Cloud):
        _require_accounts(cloud)
        id_ = cloud.create_instance(cloud.build_name('accounts'))
        assert _list_names(cloud, 'databases', id_) == [[]]
        assert _list_names(cloud, 'users', id_) == [[]]
        databases = ['shop%02d' % number for number in range(23)]
        cloud.client.databases.create(
            id_, [{'name': name} for name in databases])
        cloud.client.users.create(id_, [
            {'name': 'seller', 'password': 'secret', 'databases': []}])
        cloud.wait_for(lambda: cloud.client.users.list(id_))
        assert _list_names(cloud, 'databases', id_) == [
            databases[:20], databases[20:]]
        [user] = [user.to_dict() for user in cloud.client.users.list(id_)]
        assert (user['name'], user['host']) == ('seller', '%')

    def test_a_restored_instance_has_the_databases_and_users(
            self, cloud: Cloud):
        _require_accounts(cloud)
        id_ = cloud.create_instance(cloud.build_name('accounts'))
        cloud.client.databases.create(id_, [{'name': 'shop'}])
        cloud.client.users.create(id_, [
            {'name': 'seller', 'password': 'secret', 'databases': []}])
        cloud.wait_for(lambda: cloud.client.users.list(id_))
        restored_id = cloud.create_instance('restored', restorePoint={
            'backupRef': cloud.create_backup(id_)})
        assert _list_names(cloud, 'databases', restored_id) == [['shop']]
        assert _list_names(cloud, 'users', restored_id) == [['seller']]

    def test_databases_and_users_are_listed_for_supported_datastores_only(
            self, cloud: Cloud):
        id_ = cloud.get_shared_instance()
        for manager in cloud.client.databases, cloud.client.users:
            if cloud.datastore in cloud.release.account_datastores:
                assert not manager.list(id_)
            else:
                with http_error(422, 'not supported for datastore'):
                    manager.list(id_)

    def test_databases_and_users_cannot_be_listed_while_trove_builds(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.build_name('slow-create-2'))
        for manager in cloud.client.databases, cloud.client.users:
            with http_error(422):
                manager.list(id_)
        cloud.wait_until_ready(id_)
