"""Reason text of a successful restore."""

import dataclasses

from karbor import resource
import pytest

from karbor_trove.operations import restore_summary
from karbor_trove.trove import models

ORIGINAL = models.Instance('one', name='orders', region='RegionOne',
                           locality='affinity', flavor_id='1')
REQUEST = models.InstanceRequest('one', 'backup', 'orders', flavor_id='1')


@pytest.mark.parametrize('options, words', [
    ({'flavor_id': '2'}, 'flavor 2 instead of 1'),
    ({'region_name': 'RegionTwo'}, 'region RegionTwo instead of RegionOne'),
    ({'locality': 'anti-affinity'},
     'locality anti-affinity instead of affinity'),
    ({'volume_type': 'fast'}, 'volume type fast'),
    ({'subnet_id': 'a'}, 'subnet a'),
    ({'ip_address': '192.0.2.7'}, 'address 192.0.2.7'),
    ({'availability_zone': 'nova'}, 'availability zone nova')])
def test_list_changes_names_each_changed_option(options, words):
    request = dataclasses.replace(REQUEST, **options)
    assert restore_summary.list_changes(request, ORIGINAL) == [words]


@pytest.mark.parametrize('options', [
    {}, {'region_name': 'RegionOne'}, {'locality': 'affinity'}])
def test_list_changes_omits_unchanged_options(options):
    request = dataclasses.replace(REQUEST, **options)
    assert restore_summary.list_changes(request, ORIGINAL) == []


def test_describe_restore_has_the_most_important_sentences_first():
    assert restore_summary.describe_restore(
        models.Instance('new', name='orders', addresses=('192.0.2.7',)), 12.0,
        dataclasses.replace(REQUEST, flavor_id='2'), ORIGINAL,
        'for the audit', ['a note'], ['not checked']).split('\n') == [
            'orders at 192.0.2.7 is up after 12.0 s, from backup backup',
            'a note', 'changed: flavor 2 instead of 1', 'not checked',
            'for the audit']


@pytest.mark.parametrize('name, shown', [
    ('orders', 'orders'), ('a,b', 'new'), ('a=b', 'new'), ('', 'new')])
def test_describe_plan_has_the_command_for_a_plan_with_a_lost_instance(
        name, shown):
    original = resource.Resource('OS::Trove::Instance', 'one', 'orders')
    [sentence] = restore_summary.describe_plan(
        {'id': 'p', 'resources': [{'id': 'two'}, {'id': 'one'}]}, original,
        models.Instance('new', name=name))
    assert ('"karbor plan-update p --resources new=OS::Trove::Instance=%s"'
            % shown) in sentence
    assert 'instance one, which Trove does not have' in sentence


@pytest.mark.parametrize('plan', [
    {'id': 'p'}, {'id': 'p', 'resources': [{'id': 'the-project'}]}])
def test_describe_plan_is_empty_if_the_plan_does_not_name_the_instance(plan):
    original = resource.Resource('OS::Trove::Instance', 'one', 'orders')
    assert not restore_summary.describe_plan(plan, original,
                                             models.Instance('new'))
