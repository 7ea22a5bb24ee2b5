"""Restores of chosen databases of a checkpoint, and their names."""

from karbor import exception
from karbor.services.protection import graph
import pytest

from tests.fake_trove import karbor_records

TYPE = 'OS::Trove::Instance'
NAMES = ('orders', 'stock', 'users')


@pytest.fixture
def originals(plugin, fake_trove, checkpoint, context, build_resource):
    """Protect three databases of 2 GB, delete them, and return their ids."""
    resources = [build_resource(fake_trove.add_instance(name=name))
                 for name in NAMES]
    for resource in resources:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    checkpoint.resource_graph = graph.build_graph(resources, lambda node: [])
    fake_trove.instances.clear()
    return [resource.id for resource in resources]


@pytest.fixture
def run(plugin, fake_trove, checkpoint, context, restore, build_resource,
        originals):
    """Return a function that restores the checkpoint.

    The function takes the parameters of all databases, and by number the
    parameters of single databases. It returns new_resources. None if the
    restore is refused.
    """
    def run(parameters={}, **each):
        restore.parameters = {TYPE: parameters, **{
            '%s#%s' % (TYPE, originals[NAMES.index(name)]): own
            for name, own in each.items()}}
        operations = {id_: plugin.get_restore_operation(build_resource(id_))
                      for id_ in originals}
        new_resources = {}
        for hook in 'on_prepare_begin', 'on_main':
            for name, (id_, operation) in zip(NAMES, operations.items()):
                arguments = dict(
                    checkpoint=checkpoint, resource=build_resource(id_),
                    context=context, restore=restore,
                    parameters={**parameters, **each.get(name, {})},
                    new_resources=new_resources)
                try:
                    getattr(operation, hook)(**arguments)
                except exception.RestoreResourceFailed:
                    assert hook == 'on_prepare_begin'
                    new_resources = None
            if new_resources is None:
                assert not fake_trove.find_requests('POST', '/instances')
                return None
        return new_resources
    return run


@pytest.fixture
def reasons(restore, originals):
    """Return a function that lists the sentences, by the original's name."""
    return lambda: {
        name: karbor_records.split_reason(
            restore.resources_reason['%s#%s' % (TYPE, id_)])
        for name, id_ in zip(NAMES, originals)
        if '%s#%s' % (TYPE, id_) in restore.resources_reason}


@pytest.mark.parametrize('parameters, each', [
    ({'restore_skip': 'True'}, {'stock': {'restore_skip': 'False'}}),
    ({}, {'orders': {'restore_skip': 'True'},
          'users': {'restore_skip': 'true'}})])
def test_only_chosen_databases_are_restored(
        run, reasons, restore, fake_trove, originals, parameters, each):
    # The quotas suffice for one database only.
    fake_trove.quotas.update(instances=1, volumes=2, ram=2048)
    assert list(run(parameters, **each)) == [originals[1]]
    [instance] = fake_trove.instances.values()
    assert instance['name'] == 'stock'
    left_out = ['not restored: left out by restore_skip']
    assert reasons() == {'orders': left_out, 'users': left_out}
    assert sorted(restore.resources_status.values()) == [
        'available', 'undefined', 'undefined']


def test_database_that_is_left_out_needs_no_backup(
        run, fake_trove, originals):
    lost = fake_trove.backups
    [backup_id] = [id_ for id_, backup in lost.items()
                   if backup['instance_id'] == originals[0]]
    del lost[backup_id]
    assert set(run(orders={'restore_skip': 'True'})) == set(originals[1:])


def test_restore_that_leaves_out_all_databases_is_refused(
        run, reasons, restore, fake_trove):
    request_count = len(fake_trove.requests)
    assert run({'restore_skip': 'True'}) is None
    assert len(fake_trove.requests) == request_count
    assert reasons() == dict.fromkeys(NAMES, [
        'restore_skip leaves out all databases of the checkpoint: pass '
        'restore_skip=False for each database to restore'])
    assert set(restore.resources_status.values()) == {'error'}


def test_value_that_is_not_allowed_leaves_nothing_out(run, reasons):
    assert run(stock={'restore_skip': 'perhaps',
                      'restore_volume_size': 'big'}) is None
    assert reasons()['stock'] == [
        "restore_skip 'perhaps' is not allowed: True or False",
        "restore_volume_size 'big' is not allowed: a whole number of GB from "
        '1']


def test_each_database_has_the_name_of_its_original(run, fake_trove):
    run({'restore_name': '{name}-again'}, users={'restore_name': 'people'})
    assert {instance['name'] for instance in fake_trove.instances.values()
            } == {'orders-again', 'stock-again', 'people'}


def test_one_name_for_several_databases_is_refused(run, reasons):
    assert run({'restore_name': 'again'}) is None
    assert reasons() == dict.fromkeys(NAMES, [
        "restore_name 'again' is requested for 3 databases: pass a different "
        'name for each, or a name with "{name}" for the name of the original'])


def test_one_name_is_allowed_for_the_only_chosen_database(run, fake_trove):
    run({'restore_name': 'again', 'restore_skip': 'True'},
        stock={'restore_skip': 'False'})
    [instance] = fake_trove.instances.values()
    assert instance['name'] == 'again'
