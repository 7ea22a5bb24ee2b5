"""JSON of Trove to models."""

from karbor_trove.trove import models
from karbor_trove.trove import serialization


def test_instance_without_optional_keys_is_parsed():
    assert serialization.parse_instance({'id': '1'}) == models.Instance('1')


def test_instance_with_null_values_is_parsed():
    assert serialization.parse_instance({
        'id': '1', 'flavor': None, 'datastore': None, 'volume': None,
        'access': None, 'addresses': None, 'fault': None,
        'replica_of': None, 'configuration': None}) == models.Instance('1')
