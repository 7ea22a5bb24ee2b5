"""The plugin as a flow of Karbor has it, with the time of the fake Trove."""

from concurrent import futures
import functools

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
from oslo_config import cfg
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import verification_journal
from karbor_trove.bank import verification_results
from karbor_trove import protection


@pytest.fixture
def provider_conf(tmp_path):
    """Makes the configuration of a provider's file, as Karbor reads it."""
    def make(**options):
        path = tmp_path / 'provider.conf'
        path.write_text('[trove_protection_plugin]\n' + ''.join(
            '%s = %s\n' % item for item in options.items()))
        config = cfg.ConfigOpts()
        config(['--config-file', str(path)], default_config_dirs=[])
        return config
    return make


@pytest.fixture
def make_plugin(provider_conf, clock):
    """Makes a plugin with the options given."""
    return lambda **options: protection.TroveProtectionPlugin(
        provider_conf(**options), clock)


@pytest.fixture
def plugin(make_plugin):
    return make_plugin(poll_interval=1)


@pytest.fixture
def protect(make_plugin, checkpoint, resource, context):
    """Protects the instance; takes the parameters of the plan."""
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])

    def do(**parameters):
        operation = make_plugin(poll_interval=1).get_protect_operation(
            resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint=checkpoint, resource=resource, context=context,
                 parameters=parameters, operation_log=None)
    return do


@pytest.fixture
def do_restore(plugin, checkpoint, resource, context, restore):
    """Restores the instance; takes the parameters, gives new_resources."""
    def do(**parameters):
        new_resources = {}
        plugin.get_restore_operation(resource).on_main(
            checkpoint=checkpoint, resource=resource, context=context,
            parameters=parameters, restore=restore,
            new_resources=new_resources, operation_log=None)
        return new_resources
    return do


@pytest.fixture
def do_verify(plugin, checkpoint, resource, context, verify):
    """Verifies the checkpoint."""
    return functools.partial(
        plugin.get_verify_operation(resource).on_main,
        checkpoint=checkpoint, resource=resource, context=context,
        parameters={}, verify=verify, new_resources={}, operation_log=None)


@pytest.fixture
def delete(plugin, checkpoint, resource, context):
    """Deletes the checkpoint."""
    return functools.partial(
        plugin.get_delete_operation(resource).on_main,
        checkpoint=checkpoint, resource=resource, context=context,
        parameters={}, operation_log=None)


@pytest.fixture
def section(checkpoint, resource):
    """What the bank holds of the instance in this checkpoint."""
    return checkpoint.get_resource_bank_section(resource.id)


@pytest.fixture
def in_threads():
    """Runs a function of a number many times at once, gives the results."""
    def run(function, times):
        with futures.ThreadPoolExecutor(times) as pool:
            return list(pool.map(function, range(times)))
    run.resource = lambda id_: karbor_resource.Resource(
        'OS::Trove::Instance', id_, 'orders')
    return run


@pytest.fixture
def journal(bank, resource):
    """What the bank knows of the instance over all checkpoints."""
    return backup_journal.BackupJournal(bank, resource.id)


@pytest.fixture
def protect_at(make_plugin, checkpoint, resource, context):
    """Protects the instance with a provider of that level."""
    def do(level='backup', checkpoint=checkpoint, resource=resource,
           **parameters):
        make_plugin(poll_interval=1, verify_level=level
                    ).get_protect_operation(resource).on_main(
            checkpoint, resource, context, parameters)
    return do


@pytest.fixture
def verify_at(make_plugin, checkpoint, resource, context, verify, section):
    """Verifies with a provider of that level, as a flow of Karbor does.

    Gives the lines that the user reads; what the bank keeps says the same.
    """
    def do(level='backup', passes=True, record=verify, **options):
        checkpoint.resource_graph = graph.build_graph(
            [resource], lambda node: [])
        operation = make_plugin(
            poll_interval=1, verify_level=level,
            **options).get_verify_operation(resource)
        common = dict(checkpoint=checkpoint, resource=resource,
                      context=context, parameters={}, verify=record,
                      new_resources={}, operation_log=None)
        if passes:
            operation.on_prepare_begin(**common)
            operation.on_main(**common)
        else:
            with pytest.raises(exception.VerifyResourceFailed):
                operation.on_prepare_begin(**common)
                operation.on_main(**common)
        key = 'OS::Trove::Instance#' + resource.id
        assert record.resources_status == {
            key: 'available' if passes else 'error'}
        reason = record.resources_reason[key]
        [kept] = [one for one in verification_results.read_all(section)
                  if one.level == level]
        assert (kept.passed, kept.reason) == (passes, reason)
        return reason.splitlines()
    return do


@pytest.fixture
def notes(bank, resource):
    """The notes of test restores of the instance."""
    return verification_journal.VerificationJournal(bank, resource.id)


@pytest.fixture
def temporary(fake_trove, resource):
    """Names what there is beside the original."""
    return lambda: [of['name'] for of in fake_trove.instances.values()
                    if of['id'] != resource.id]
