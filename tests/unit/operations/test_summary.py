"""What a user reads of a restore."""

import dataclasses

import pytest

from karbor_trove.operations import summary
from karbor_trove.trove import models

ORIGINAL = models.Instance('one', name='orders', region='RegionOne',
                           locality='affinity', flavor_id='1')
REQUEST = models.InstanceRequest('one', 'backup', 'orders', flavor_id='1')


@pytest.mark.parametrize('chosen, words', [
    ({'flavor_id': '2'}, 'flavor 2 instead of 1'),
    ({'region_name': 'RegionTwo'}, 'region RegionTwo instead of RegionOne'),
    ({'locality': 'anti-affinity'},
     'locality anti-affinity instead of affinity'),
    ({'volume_type': 'fast'}, 'volume type fast'),
    ({'subnet_id': 'a'}, 'subnet a'),
    ({'ip_address': '192.0.2.7'}, 'address 192.0.2.7'),
    ({'availability_zone': 'nova'}, 'availability zone nova')])
def test_every_choice_is_told(chosen, words):
    assert summary.list_changes(dataclasses.replace(REQUEST, **chosen),
                                ORIGINAL) == [words]


@pytest.mark.parametrize('chosen', [
    {}, {'region_name': 'RegionOne'}, {'locality': 'affinity'}])
def test_what_is_as_it_was_is_not_told(chosen):
    assert summary.list_changes(dataclasses.replace(REQUEST, **chosen),
                                ORIGINAL) == []
