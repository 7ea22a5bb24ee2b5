"""What we rely on when we list databases and users."""

from tests.conformance.cloud import Cloud
from tests.conformance.cloud import refused


def _names(cloud: Cloud, kind: str, id_: str):
    """All of them, page by page."""
    pages, marker = [], None
    while True:
        page = getattr(cloud.client, kind).list(id_, marker=marker)
        pages.append([of.name for of in page])
        marker = page.next
        if marker is None:
            return pages


class AccountBehaviour:

    def test_databases_and_users_are_told_page_by_page(self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.named('accounts'))
        assert _names(cloud, 'databases', id_) == [[]]
        assert _names(cloud, 'users', id_) == [[]]
        databases = ['shop%02d' % number for number in range(23)]
        cloud.client.databases.create(
            id_, [{'name': name} for name in databases])
        cloud.client.users.create(id_, [
            {'name': 'seller', 'password': 'secret', 'databases': []}])
        cloud.wait(lambda: cloud.client.users.list(id_))
        assert _names(cloud, 'databases', id_) == [databases[:20],
                                                   databases[20:]]
        [user] = [of.to_dict() for of in cloud.client.users.list(id_)]
        assert (user['name'], user['host']) == ('seller', '%')

    def test_they_come_with_a_restore(self, cloud: Cloud):
        id_ = cloud.create_instance(cloud.named('accounts'))
        cloud.client.databases.create(id_, [{'name': 'shop'}])
        cloud.client.users.create(id_, [
            {'name': 'seller', 'password': 'secret', 'databases': []}])
        cloud.wait(lambda: cloud.client.users.list(id_))
        new = cloud.create_instance('restored', restorePoint={
            'backupRef': cloud.back_up(id_)})
        assert _names(cloud, 'databases', new) == [['shop']]
        assert _names(cloud, 'users', new) == [['seller']]

    def test_those_of_an_instance_being_built_are_not_told(
            self, cloud: Cloud):
        id_ = cloud.create(cloud.named('slow-create-2'))
        for kind in cloud.client.databases, cloud.client.users:
            with refused(422):
                kind.list(id_)
        cloud.ready(id_)
