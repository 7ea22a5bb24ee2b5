"""The samples of provider files, loaded by Karbor, and their options."""

import pathlib
import subprocess
import sys

from karbor.common import constants
from karbor.services.protection import provider as providers
from oslo_config import cfg
from oslo_config import generator
import pytest

from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_files
from karbor_trove import options
from karbor_trove import protection
from tests.contract import conftest

ROOT = pathlib.Path(__file__).parents[2]
SAMPLES = sorted((ROOT / 'etc/karbor-trove/providers.d').glob('*.sample'))
TYPE = 'OS::Trove::Instance'


needs_metadata_of_oslo_config = pytest.mark.skipif(
    sys.version_info[:2] == (3, 9),
    reason='Python 3.9 does not find the metadata of oslo.config 10, so the '
           'commands of oslo.config fail')


@pytest.fixture
def folder(tmp_path):
    """A provider_config_dir with all samples, as an operator copies them."""
    folder = tmp_path / 'samples'
    folder.mkdir()
    for path in SAMPLES:
        (folder / path.stem).write_text(path.read_text())
    return folder


@pytest.fixture
def loaded(karbor_conf, folder):
    """The providers of all samples by the name of their file."""
    cfg.CONF.set_override('provider_config_dir', str(folder))
    loaded = providers.ProviderRegistry().providers.values()
    cfg.CONF.clear_override('provider_config_dir')
    return {pathlib.Path(provider._config.config_file[0]).stem: provider
            for provider in loaded}


def test_karbor_loads_every_sample_at_once(loaded):
    assert set(loaded) == {
        'databases', 'databases-and-servers', 'verify-data',
        'verify-restore', 'whole-projects'}


def test_every_sample_protects_databases_with_the_plugin(loaded):
    for provider in loaded.values():
        assert provider.plugins[TYPE] is protection.TroveProtectionPlugin
        options.register(provider._config).check()
        provider.load_plugins()


def test_sample_beside_karbors_plugins_has_those_as_well(loaded):
    assert set(loaded['databases-and-servers'].plugins) == {
        TYPE, 'OS::Nova::Server', 'OS::Cinder::Volume', 'OS::Glance::Image',
        'OS::Neutron::Network'}


def test_two_samples_have_two_levels_on_one_bank(loaded):
    configs = [loaded['verify-' + level]._config
               for level in ('data', 'restore')]
    assert [options.register(config).verify_level
            for config in configs] == ['data', 'restore']
    banks = [dict(config.swift_bank_plugin.items()) for config in configs]
    assert banks[0] == banks[1]


def test_sample_for_projects_has_a_plugin_for_every_type(loaded):
    assert set(loaded['whole-projects'].plugins) == set(
        constants.RESOURCE_TYPES)


def test_samples_have_no_mistake(karbor_conf, folder):
    check = provider_files.ProviderFilesCheck(folder, plugins.Plugins())
    assert [finding.kind.label for finding in check.run()] == [
        'files-correct']


def test_samples_have_ids_of_their_own(loaded):
    ids = {provider.id for provider in loaded.values()}
    assert len(ids) == len(SAMPLES) and conftest.PROVIDER_ID in ids


@needs_metadata_of_oslo_config
@pytest.mark.parametrize('path', SAMPLES, ids=lambda path: path.name)
def test_validator_of_oslo_config_accepts_the_sample(path):
    process = subprocess.run(
        [pathlib.Path(sys.executable).with_name('oslo-config-validator'),
         '--namespace', 'karbor_trove.provider_file', '--input-file', path,
         '--exclude-group', 'cinder_backup_protection_plugin'],
        capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@needs_metadata_of_oslo_config
def test_validator_of_oslo_config_finds_a_mistyped_option(tmp_path):
    path = tmp_path / 'wrong.conf'
    path.write_text('[provider]\nenable = true\n')
    process = subprocess.run(
        [pathlib.Path(sys.executable).with_name('oslo-config-validator'),
         '--namespace', 'karbor_trove.provider_file', '--input-file', path],
        capture_output=True, text=True)
    assert process.returncode == 1
    assert 'provider/enable' in process.stderr


@needs_metadata_of_oslo_config
def test_sample_of_all_options_is_current():
    conf = cfg.ConfigOpts()
    generator.register_cli_opts(conf)
    conf(['--config-file',
          str(ROOT / 'etc/oslo-config-generator/provider.conf')],
         default_config_dirs=[])
    path = ROOT / conf.output_file
    conf.set_override('output_file', None)
    process = subprocess.run(
        [pathlib.Path(sys.executable).with_name('oslo-config-generator'),
         '--namespace', *conf.namespace, '--wrap-width',
         str(conf.wrap_width)], capture_output=True, text=True, check=True)
    assert process.stdout == path.read_text(), (
        'run oslo-config-generator --config-file '
        'etc/oslo-config-generator/provider.conf')
