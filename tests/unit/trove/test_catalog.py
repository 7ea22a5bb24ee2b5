"""Flavors of a datastore version and volume types."""

from karbor_trove.trove import catalog


def test_flavors_are_listed_with_a_client_without_the_attribute_flavors(
        client, fake_trove, context):
    with client.prepare_request('removing the attribute') as api:
        # python-troveclient 5.1.2 does not have it.
        vars(api).pop('flavors', None)
    fake_trove.flavors['m1.small'] = 1024
    version_id = fake_trove.version('postgresql', '18')['version_id']
    flavors = catalog.Catalog(client, context.project_id).list_flavors(
        'postgresql', version_id)
    assert flavors == {'1': 512, '2': 2048, '3': 4096, 'm1.small': 1024}


def test_volume_types_are_listed_by_name_and_id(client, fake_trove, context):
    fake_trove.volume_types = {'fast'}
    assert catalog.Catalog(client, context.project_id).list_volume_types() == [
        'fast', 'id-of-fast']
