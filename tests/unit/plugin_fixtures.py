"""Fixtures: the plugin as Karbor uses it, with the clock of the fake Trove."""

from concurrent import futures
import functools
import re
import shutil

import certifi
from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
from oslo_config import cfg
import pytest
import requests_mock

from karbor_trove.bank import backup_journal
from karbor_trove.bank import verification_journal
from karbor_trove.bank import verification_results
from karbor_trove import protection
from tests.fake_trove import karbor_records
from tests.fake_trove import keystone


@pytest.fixture
def provider_conf(tmp_path):
    """Return a function that writes and reads a provider file."""
    def make(**options):
        path = tmp_path / 'provider.conf'
        path.write_text('[trove_protection_plugin]\n' + ''.join(
            '%s = %s\n' % item for item in options.items()))
        config = cfg.ConfigOpts()
        config(['--config-file', str(path)], default_config_dirs=[])
        return config
    return make


@pytest.fixture
def ca_file(tmp_path):
    """A file with a CA certificate."""
    path = tmp_path / 'ca.pem'
    shutil.copy(certifi.where(), path)
    return path


@pytest.fixture
def make_plugin(provider_conf, clock):
    """Return a function that creates a plugin with these options."""
    return lambda **options: protection.TroveProtectionPlugin(
        provider_conf(**options), clock)


@pytest.fixture
def other_swift(context, fake_trove):
    """Let the catalog have another Swift in the region that Trove is in.

    The Swift with the backups is in RegionTwo.
    """
    data = keystone.build_token()
    for service in data['token']['catalog']:
        if service['type'] == 'object-store':
            [endpoint] = service['endpoints']
            service['endpoints'] = [
                {**endpoint, 'id': region, 'region': region,
                 'region_id': region,
                 'url': endpoint['url'].replace('swift.', host)}
                for region, host in (('RegionOne', 'other.'),
                                     ('RegionTwo', 'swift.'))]
    context._auth_token_info = data
    fake_trove.mocker.register_uri(
        requests_mock.ANY, re.compile('.*//other.example.com'),
        status_code=404, headers={'X-Trans-Id': 'tx1'})


@pytest.fixture
def plugin(make_plugin):
    return make_plugin(poll_interval=1)


@pytest.fixture
def protect(make_plugin, checkpoint, resource, context):
    """Return a function that runs protect with the parameters of a plan."""
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])

    def run(**parameters):
        operation = make_plugin(poll_interval=1).get_protect_operation(
            resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint=checkpoint, resource=resource, context=context,
                 parameters=parameters, operation_log=None)
    return run


@pytest.fixture
def do_restore(plugin, checkpoint, resource, context, restore):
    """Return a function that runs restore and returns new_resources."""
    def run(**parameters):
        new_resources = {}
        plugin.get_restore_operation(resource).on_main(
            checkpoint=checkpoint, resource=resource, context=context,
            parameters=parameters, restore=restore,
            new_resources=new_resources, operation_log=None)
        return new_resources
    return run


@pytest.fixture
def do_verify(plugin, checkpoint, resource, context, verify):
    """Return a function that runs verify."""
    return functools.partial(
        plugin.get_verify_operation(resource).on_main,
        checkpoint=checkpoint, resource=resource, context=context,
        parameters={}, verify=verify, new_resources={}, operation_log=None)


@pytest.fixture
def delete(plugin, checkpoint, resource, context):
    """Return a function that runs delete."""
    return functools.partial(
        plugin.get_delete_operation(resource).on_main,
        checkpoint=checkpoint, resource=resource, context=context,
        parameters={}, operation_log=None)


@pytest.fixture
def section(checkpoint, resource):
    """The section of the instance in the checkpoint."""
    return checkpoint.get_resource_bank_section(resource.id)


@pytest.fixture
def in_threads():
    """Return a function that calls another one n times in parallel threads."""
    def run(function, times):
        with futures.ThreadPoolExecutor(times) as pool:
            return list(pool.map(function, range(times)))
    return run


@pytest.fixture
def build_resource():
    """Return a function that builds Karbor's resource of an instance."""
    return lambda instance_id: karbor_resource.Resource(
        'OS::Trove::Instance', instance_id, 'orders')


@pytest.fixture
def journal(bank, resource):
    """The backup journal of the instance."""
    return backup_journal.BackupJournal(bank, resource.id)


@pytest.fixture
def protect_at(make_plugin, checkpoint, resource, context):
    """Return a function that runs protect at a verification level."""
    def run(level='backup', checkpoint=checkpoint, resource=resource,
            **parameters):
        make_plugin(poll_interval=1, verify_level=level
                    ).get_protect_operation(resource).on_main(
            checkpoint, resource, context, parameters)
    return run


@pytest.fixture
def verify_at(make_plugin, checkpoint, resource, context, verify, section):
    """Return a function that runs verify at a level, with both hooks.

    It returns the lines of the reason, and checks that the bank has the same
    result as the record.
    """
    def run(level='backup', passes=True, record=verify, **options):
        checkpoint.resource_graph = graph.build_graph(
            [resource], lambda node: [])
        operation = make_plugin(
            poll_interval=1, verify_level=level,
            **options).get_verify_operation(resource)
        arguments = dict(checkpoint=checkpoint, resource=resource,
                         context=context, parameters={}, verify=record,
                         new_resources={}, operation_log=None)
        if passes:
            operation.on_prepare_begin(**arguments)
            operation.on_main(**arguments)
        else:
            with pytest.raises(exception.VerifyResourceFailed):
                operation.on_prepare_begin(**arguments)
                operation.on_main(**arguments)
        key = 'OS::Trove::Instance#' + resource.id
        assert record.resources_status == {
            key: 'available' if passes else 'error'}
        reason = record.resources_reason[key]
        [result] = [result for result in verification_results.read_all(section)
                    if result.level == level]
        lines = karbor_records.split_reason(reason)
        assert (result.passed, result.reason.split('\n')) == (passes, lines)
        return lines
    return run


@pytest.fixture
def temporary_journal(bank, resource):
    """The verification journal of the instance."""
    return verification_journal.VerificationJournal(bank, resource.id)


@pytest.fixture
def list_temporary(fake_trove, resource):
    """Return a function that lists the names of temporary instances."""
    return lambda: [instance['name']
                    for instance in fake_trove.instances.values()
                    if instance['id'] != resource.id]


@pytest.fixture
def before_post(fake_trove):
    """Return a function that sets what happens before the first POST."""
    actions = []
    serve = fake_trove._serve

    def act_and_serve(sent, context):
        if sent.method == 'POST' and actions:
            actions.pop()()
        return serve(sent, context)

    fake_trove._serve = act_and_serve
    fake_trove.attach(fake_trove.mocker)
    return actions.append
