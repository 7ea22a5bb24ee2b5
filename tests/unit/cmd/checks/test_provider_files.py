"""Tests of the check of provider files: each mistake and its finding."""

import sys
import textwrap

import pytest

from tests.unit.cmd.checks.conftest import ID
from tests.unit.cmd.checks.conftest import OTHER_ID
from tests.unit.cmd.checks.conftest import PLUGIN


MISTAKES = [
    ('a mistyped option', 'option-unknown',
     'poll_interval', 'pol_interval', 10, 'poll_interval = 0.1'),
    ('an option without a known name near it', 'option-unknown',
     'poll_interval', 'zzz', 10, ''),
    ('a mistyped option in the wrong group', 'option-unknown',
     'enabled = true', 'enabled = true\npol_interval = 5', 7,
     '[trove_protection_plugin]\npoll_interval = 5'),
    ('an option in the wrong group', 'option-misplaced',
     'enabled = true', 'enabled = true\npoll_interval = 5', 7,
     '[trove_protection_plugin]\npoll_interval = 5'),
    ('a mistyped group', 'group-unknown',
     '[trove_protection_plugin]', '[trove_protection_plugins]', 9,
     '[trove_protection_plugin]'),
    ('a group of karbor.conf', 'group-unknown',
     '[trove_protection_plugin]', '[trove_client]', 9, None),
    ('a group of another plugin', 'group-without-effect',
     '[trove_protection_plugin]',
     '[database_backup_plugin]', 9, None),
    ('the in-tree plugin last', 'protection-of-karbor',
     PLUGIN, PLUGIN + '\nplugin = karbor-database-protection-plugin', 5, ''),
    ('the in-tree plugin alone', 'protection-of-karbor',
     PLUGIN, 'plugin = karbor-database-protection-plugin', 4, PLUGIN),
    ('noop last', 'protection-noop',
     PLUGIN, PLUGIN + '\nplugin = karbor-noop-protection-plugin', 5,
     'plugin = karbor-noop-protection-plugin\n' + PLUGIN),
    ('noop alone', 'databases-unprotected',
     PLUGIN, 'plugin = karbor-noop-protection-plugin', None, PLUGIN),
    ('a mistyped plugin', 'plugin-unknown',
     PLUGIN, 'plugin = karbor-trove-protection-plugn', 4, PLUGIN),
    ('plugins separated by a comma', 'plugin-unknown',
     PLUGIN, 'plugin = karbor-server-protection-plugin, '
     'karbor-trove-protection-plugin', 4,
     'plugin = karbor-server-protection-plugin\n' + PLUGIN),
    ('a bank plugin as a protection plugin', 'plugin-unknown',
     PLUGIN, 'plugin = karbor-fs-bank-plugin', 4, None),
    ('a module as a protection plugin', 'plugin-unknown',
     PLUGIN, 'plugin = os.path', 4, None),
    ('a function as a protection plugin', 'plugin-unknown',
     PLUGIN, 'plugin = os.path.join', 4, None),
    ('a module as a bank plugin', 'bank-unknown',
     'bank = karbor-trove-fs-bank-plugin', 'bank = os.path', 5, None),
    ('a function as a bank plugin', 'bank-unknown',
     'bank = karbor-trove-fs-bank-plugin', 'bank = os.path.join', 5, None),
    ('an empty plugin', 'plugin-missing', PLUGIN, 'plugin =', 4, PLUGIN),
    ('no plugin', 'plugin-missing', PLUGIN + '\n', '', 1,
     '[provider]\n' + PLUGIN),
    ('no plugin for databases', 'protection-none',
     PLUGIN, 'plugin = karbor-server-protection-plugin', 4, None),
    ('a mistyped bank', 'bank-unknown',
     'bank = karbor-trove-fs-bank-plugin', 'bank = karbor-trove-fs-bank', 5,
     'bank = karbor-trove-fs-bank-plugin'),
    ('a protection plugin as a bank', 'bank-unknown',
     'bank = karbor-trove-fs-bank-plugin',
     'bank = karbor-trove-protection-plugin', 5, None),
    ('no bank', 'bank-missing', 'bank = karbor-trove-fs-bank-plugin\n', '', 1,
     '[provider]\nbank = karbor-trove-swift-bank-plugin'),
    ('a second bank', 'bank-repeated',
     'enabled = true', 'enabled = true\nbank = karbor-trove-fs-bank-plugin',
     7, ''),
    ('no path of the bank', 'bank-incomplete',
     'file_system_bank_path', 'bank_object_container', 7,
     '[file_system_bank_plugin]\nfile_system_bank_path = ...'),
    ('the bank plugin of Karbor', 'bank-of-karbor',
     'bank = karbor-trove-fs-bank-plugin', 'bank = karbor-fs-bank-plugin', 5,
     'bank = karbor-trove-fs-bank-plugin'),
    ('no enabled', 'provider-disabled', 'enabled = true\n', '', 1,
     '[provider]\nenabled = true'),
    ('no enabled provider', 'databases-unprotected', 'enabled = true\n', '', 1,
     None),
    ('a disabled provider', 'databases-unprotected',
     'enabled = true', 'enabled = false', 6, 'enabled = true'),
    ('a value below its minimum', 'value-not-allowed',
     'poll_interval = 0.1', 'poll_interval = 0', 10, 'poll_interval = 0.1'),
    ('a value with a comment', 'value-not-allowed',
     'poll_interval = 0.1', 'poll_interval = 5 # seconds', 10,
     'poll_interval = 5'),
    ('a wrong value with a comment', 'value-not-allowed',
     'poll_interval = 0.1', 'poll_interval = 5s # seconds', 10,
     'poll_interval = 5.0'),
    ('a mistyped choice', 'value-not-allowed',
     'poll_interval = 0.1', 'verify_level = restores', 10,
     'verify_level = restore'),
    ('an id that is none', 'value-not-allowed',
     'poll_interval = 0.1', 'verify_net_id = private', 10, ''),
    ('a mistyped bool', 'value-not-allowed',
     'enabled = true', 'enabled = ture', 6, 'enabled = true'),
    ('a mistyped bool with a comment', 'value-not-allowed',
     'enabled = true', 'enabled = ture # production', 6, 'enabled = true'),
    ('a bool without a known word near it', 'value-not-allowed',
     'enabled = true', 'enabled = y', 6, None),
    ('a value below its minimum with a comment', 'value-not-allowed',
     'poll_interval = 0.1', 'full_backup_every = 0 ; days', 10,
     'full_backup_every = 1'),
    ('a type that may not stay unprotected', 'value-not-allowed',
     '[trove_protection_plugin]\npoll_interval = 0.1',
     '[provider]\nplugin = karbor-trove-passthrough-plugin\n'
     '[trove_passthrough_plugin]\ntypes = OS::Nova::Sever', 12,
     'types = OS::Nova::Server'),
    ('an option of the passthrough plugin alone', 'group-without-effect',
     '[trove_protection_plugin]\npoll_interval = 0.1',
     '[trove_passthrough_plugin]\ntypes = OS::Nova::Server', 9, None),
    ('a group without a plugin, in capitals', 'group-without-effect',
     '[trove_protection_plugin]\npoll_interval = 0.1',
     '[TROVE_PASSTHROUGH_PLUGIN]\ntypes = OS::Nova::Server', 9, None),
    ('an option that is set twice', 'option-repeated',
     'poll_interval = 0.1', 'poll_interval = 5\npoll_interval = 0.1', 10, ''),
    ('a line without a value', 'file-unreadable',
     'enabled = true', 'enabled', 6, None),
    ('an option before the first group', 'file-unreadable',
     '[provider]', 'enabled = true\n[provider]', 1, None),
    ('the passthrough plugin after another', 'passthrough-misplaced',
     PLUGIN, 'plugin = karbor-image-protection-plugin\n'
     'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN, 5, None),
    ('the passthrough plugin alone', 'project-plans-fail',
     PLUGIN, 'plugin = karbor-trove-passthrough-plugin', 4,
     'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN),
    ('a passthrough plugin that refuses servers', 'project-plans-fail',
     '[trove_protection_plugin]\npoll_interval = 0.1',
     '[provider]\nplugin = karbor-trove-passthrough-plugin\n'
     '[trove_passthrough_plugin]\ntypes = OS::Keystone::Project', 12, None),
    ('noop for projects', 'project-plans-noop',
     PLUGIN, 'plugin = karbor-noop-protection-plugin\n' + PLUGIN, 4,
     'plugin = karbor-trove-passthrough-plugin'),
]


@pytest.mark.parametrize(
    'kind, old, new, line, write', [mistake[1:] for mistake in MISTAKES],
    ids=[mistake[0] for mistake in MISTAKES])
def test_mistake_is_found_with_its_line_and_the_line_to_write(
        find_offline, change, kind, old, new, line, write):
    path = change(old, new)
    [row] = find_offline(kind)
    assert row['line'] == line
    assert row['file'] == (str(path) if line else None)
    assert row['write'] == write


@pytest.mark.parametrize('id_', ['', 'id = databases\n'])
def test_wrong_id_is_found_with_a_new_one(find_offline, change, id_):
    change('id = %s\n' % ID, id_)
    [row] = find_offline('id-wrong')
    assert row['line'] == (3 if id_ else 1)
    assert row['write'][:-len(ID)] == (
        'id = ' if id_ else '[provider]\nid = ')


def test_two_files_with_one_id_are_found(find_offline, folder, change):
    path = folder / 'second.conf'
    path.write_text((folder / 'databases.conf').read_text())
    [row] = find_offline('id-repeated')
    assert (row['file'], row['line']) == (str(path), 3)
    assert str(folder / 'databases.conf') in row['details']
    change('enabled = true', 'enabled = false')
    assert not find_offline('id-repeated')


@pytest.fixture
def add_copy(folder):
    """Return a function that copies the provider file.

    The copy has another id. The function replaces texts in the copy.
    """
    def add_copy(*changes):
        text = (folder / 'databases.conf').read_text()
        for old, new in ((ID, OTHER_ID), *changes):
            assert old in text
            text = text.replace(old, new, 1)
        path = folder / 'second.conf'
        path.write_text(text)
        return path
    return add_copy


SET_REGION = ('poll_interval = 0.1', 'swift_region_name = RegionTwo')


@pytest.mark.parametrize('changes', [
    [], [('enabled = true', 'enabled = false')],
    [('/bank\n', '/bank/\nbank_object_container = karbor\n')],
    [('bank = karbor-trove-fs-bank-plugin', 'bank = karbor-fs-bank-plugin')]],
    ids=['copied', 'disabled', 'defaults', 'plugin of Karbor'])
def test_different_options_of_swift_beside_one_bank_are_found(
        find_offline, folder, add_copy, changes):
    path = add_copy(SET_REGION, *changes)
    [row] = find_offline('swift-options-differ')
    lines = path.read_text().splitlines()
    assert (row['file'], row['line']) == (
        str(path), lines.index('swift_region_name = RegionTwo') + 1)
    assert row['write'] is None
    assert 'bank as %s, ' % (folder / 'databases.conf') in row['details']
    assert 'these options: swift_region_name. ' in row['details']


@pytest.mark.parametrize('line', [
    'swift_interface = admin', 'swift_ca_cert_file = /ca.pem',
    'swift_endpoint_override = http://swift.example.org'])
def test_each_option_for_the_connection_to_swift_is_compared(
        find_offline, add_copy, line):
    add_copy(('poll_interval = 0.1', line))
    [row] = find_offline('swift-options-differ')
    assert 'these options: %s. ' % line.split()[0] in row['details']


@pytest.mark.parametrize('option', [
    None, 's3_endpoint', 's3_access_key', 'bank_s3_object_bucket'])
def test_banks_in_s3_are_compared(find_offline, change, add_copy, option):
    change('bank = karbor-trove-fs-bank-plugin',
           'bank = karbor-s3-bank-plugin\n'
           '[s3_client]\ns3_endpoint = http://s3.example.org\n'
           's3_access_key = karbor\n'
           '[s3_bank_plugin]\nbank_s3_object_bucket = karbor\n[provider]')
    add_copy(SET_REGION, *([(option + ' = ', option + ' = http://other.')]
                           if option else []))
    assert len(find_offline('swift-options-differ')) == (option is None)


def test_options_of_swift_beside_one_bank_in_swift_are_named_without_values(
        find_offline, with_swift_bank, add_copy):
    with_swift_bank('poll_interval = 0.1', 'swift_interface = internal\n'
                    'swift_endpoint_override = http://s3cr3t-of-the-bank@x')
    path = add_copy(('swift_interface = internal\n', ''),
                    ('swift_endpoint_override = http://s3cr3t-of-the-bank@x',
                     'swift_interface = public'))
    [row] = find_offline('swift-options-differ')
    lines = path.read_text().splitlines()
    assert row['line'] == lines.index('swift_interface = public') + 1
    assert ('these options: swift_interface, swift_endpoint_override. '
            in row['details'])


@pytest.mark.parametrize('changes', [
    [], [('poll_interval = 0.1', 'poll_interval = 5')],
    [SET_REGION, ('/bank\n', '/bank\nbank_object_container = other\n')],
    [SET_REGION, ('bank = karbor-trove-fs-bank-plugin',
                  'bank = karbor-s3-bank-plugin')],
    [SET_REGION, (PLUGIN, 'plugin = karbor-server-protection-plugin')]],
    ids=['copied', 'other option', 'other bank', 'other bank plugin',
         'other protection plugin'])
def test_files_with_other_banks_or_the_same_options_of_swift_are_no_finding(
        find_offline, add_copy, changes):
    add_copy(*changes)
    assert not find_offline('swift-options-differ')


@pytest.mark.parametrize('option', [
    'swift_auth_url', 'swift_tenant_name', 'swift_project_domain_name',
    'bank_swift_object_container'])
def test_files_with_other_banks_in_swift_are_no_finding(
        find_offline, with_swift_bank, add_copy, option):
    path = with_swift_bank('swift_retry_attempts', '#')
    [line] = [line for line in path.read_text().splitlines()
              if line.startswith(option)]
    add_copy(SET_REGION, (line, line + '-other'))
    assert not find_offline('swift-options-differ')


@pytest.mark.parametrize('value, write', [
    ('OS::Nova::Server; OS::Glance::Image',
     'types = OS::Nova::Server,OS::Glance::Image'),
    ('OS::Nova::Server ; OS::Glance::Imag',
     'types = OS::Nova::Server,OS::Glance::Image'),
    ('# all', None),
    ('OS::Nova::Server,all', None)])
def test_part_of_a_list_is_not_taken_for_a_comment(
        find_offline, change, value, write):
    change(PLUGIN, 'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN)
    change('[trove_protection_plugin]', '[trove_passthrough_plugin]\n'
           'types = %s\n[trove_protection_plugin]' % value)
    [row] = find_offline('value-not-allowed')
    assert row['write'] == write
    assert 'A comment needs' not in row['details']


def test_effect_of_a_wrong_type_of_the_passthrough_plugin_is_named(
        find_offline, change):
    change(PLUGIN, 'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN)
    change('[trove_protection_plugin]', '[trove_passthrough_plugin]\n'
           'types = OS::Nova::Sever\n[trove_protection_plugin]')
    [row] = find_offline('value-not-allowed')
    assert ('Every checkpoint with a resource of the passthrough plugin is '
            'refused.') in row['details']


def test_file_with_another_ending_is_found(find_offline, folder):
    path = folder / 'databases.conf.sample'
    (folder / 'databases.conf').rename(path)
    assert [row['file'] for row in find_offline('file-ignored')] == [str(path)]
    assert find_offline('provider-missing')[0]['file'] == str(folder)
    assert not find_offline('databases-unprotected')


def test_text_that_is_no_provider_file_is_no_finding(find_offline, folder):
    (folder / 'README').write_text('Files of providers are here.')
    assert not find_offline('file-ignored')


def test_missing_folder_is_found(find_offline, conf, folder):
    conf.write_text(conf.read_text().replace(str(folder), '/none/providers'))
    [row] = find_offline('provider-missing')
    assert (row['file'], row['line']) == (str(conf), 2)
    assert row['write'] == 'provider_config_dir = /etc/karbor/providers.d'
    assert not find_offline('databases-unprotected')


@pytest.mark.parametrize('text, line', [
    ('[DEFAULT]\ndebug = false\n', 1), ('[DEFAULT]\n', 1), ('', None)],
    ids=['option', 'group', 'nothing'])
def test_missing_folder_is_found_if_karbor_conf_does_not_name_it(
        find_offline, conf, folder, monkeypatch, text, line):
    # The default may exist on this machine.
    monkeypatch.setenv('OS_DEFAULT__PROVIDER_CONFIG_DIR', '/none/providers')
    conf.write_text(conf.read_text().replace(
        '[DEFAULT]\nprovider_config_dir = %s\n' % folder, text))
    [row] = find_offline('provider-missing')
    assert '"/none/providers"' in row['details']
    assert (row['file'], row['line']) == (str(conf), line)
    assert row['write'] == (
        '[DEFAULT]\nprovider_config_dir = /etc/karbor/providers.d')


def test_wrong_line_of_karbor_conf_is_found(check, conf):
    conf.write_text('[DEFAULT]\npassword s3cr3t-of-karbor\n')
    [row] = check('--offline')
    assert row['finding'] == 'file-unreadable'
    assert (row['file'], row['line']) == (str(conf), 2)


def test_group_of_a_provider_file_in_karbor_conf_is_found(
        find_offline, conf):
    conf.write_text(conf.read_text()
                    + '[trove_protection_plugin]\npoll_interval = 5\n'
                    '[swift_client]\nswift_ca_cert_file = /ca.pem\n')
    [row] = find_offline('group-misplaced')
    assert row['file'] == str(conf)
    assert conf.read_text().splitlines()[row['line'] - 1] == (
        '[trove_protection_plugin]')
    assert row['write'] is None


def test_options_of_the_passthrough_plugin_are_known(find_offline, change):
    change(PLUGIN, 'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN)
    change('[trove_protection_plugin]', '[trove_passthrough_plugin]\n'
           'types = OS::Keystone::Project\n[trove_protection_plugin]')
    assert find_offline('files-correct')


@pytest.mark.parametrize('old, new', [
    (PLUGIN, 'plugin = karbor-trove-protection-plugn'),
    (PLUGIN, 'plugin ='),
    ('bank = karbor-trove-fs-bank-plugin', 'bank = karbor-trove-fs-bank'),
    ('bank = karbor-trove-fs-bank-plugin\n', ''),
    ('bank = karbor-trove-fs-bank-plugin', 'bank = karbor-s3-bank-plugin\n'
     'bank = karbor-trove-fs-bank-plugin')])
def test_wrong_plugin_line_does_not_condemn_the_group_of_the_plugin(
        check, change, old, new):
    change(PLUGIN, 'plugin = karbor-trove-passthrough-plugin\n' + PLUGIN)
    change(old, new)
    kinds = {row['finding'] for row in check('--offline')}
    assert not kinds & {'group-without-effect', 'project-plans-fail'}


def test_missing_plugin_line_does_not_condemn_the_group_of_the_plugin(
        find_offline, change):
    change(PLUGIN + '\n', '')
    assert find_offline('plugin-missing')
    assert not find_offline('group-without-effect')


def test_file_that_is_not_loaded_does_not_count_as_unprotecting(
        check, folder, change):
    change('enabled = true', 'enabled')
    kinds = {row['finding'] for row in check('--offline')}
    assert kinds & {'file-unreadable', 'databases-unprotected'} == {
        'file-unreadable'}
    change('enabled', 'enabled = true')
    change(PLUGIN, 'plugin = karbor-trove-protection-plugn')
    kinds = {row['finding'] for row in check('--offline')}
    assert kinds & {'plugin-unknown', 'databases-unprotected'} == {
        'plugin-unknown'}


def test_disabled_file_that_is_not_loaded_does_not_hide_a_finding(
        find_offline, folder, change):
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text()
        .replace('enabled = true', 'enabled = false')
        .replace(PLUGIN, PLUGIN + '\nplugin = karbor-trove-protection-plugn'))
    change(PLUGIN, 'plugin = karbor-server-protection-plugin')
    [row] = find_offline('databases-unprotected')
    assert row['file'] is None and row['write'] == PLUGIN


def test_file_that_is_no_text_is_found(find_offline, folder):
    (folder / 'databases.conf').write_bytes(b'[provider]\nname = \xff\xfe\n')
    assert len(find_offline('file-unreadable')) == 1


@pytest.mark.parametrize('missing, kind, write', [
    ('[swift_bank_plugin]\nbank_swift_object_container = karbor\n',
     'bank-default', '[swift_bank_plugin]\n'
     'bank_swift_object_container = karbor'),
    ('bank_swift_object_container = karbor\n', 'bank-default',
     '[swift_bank_plugin]\nbank_swift_object_container = karbor'),
    ('swift_user_domain_name = Default\n', 'bank-default',
     '[swift_client]\nswift_user_domain_name = Default'),
    ('swift_key = s3cr3t-of-the-bank\n', 'bank-incomplete',
     '[swift_client]\nswift_key = ...')])
def test_missing_option_of_the_swift_bank_is_found(
        find_offline, with_swift_bank, missing, kind, write):
    lines = with_swift_bank(missing, '').read_text().splitlines()
    [row] = find_offline(kind)
    assert row['write'] == write
    assert row['line'] == (
        None if missing.startswith('[')
        else lines.index(write.splitlines()[0]) + 1)


def test_default_domain_is_found_in_a_group_with_capital_letters(
        find_offline, with_swift_bank):
    with_swift_bank('swift_user_domain_name = Default\n', '')
    with_swift_bank('[swift_client]', '[Swift_Client]')
    [row] = find_offline('bank-default')
    assert row['line'] == 7


def test_certificate_of_swift_beside_a_file_system_bank_is_no_finding(
        find_offline, change):
    change('[trove_protection_plugin]', '[swift_client]\n'
           'swift_ca_cert_file = /ca.pem\n[trove_protection_plugin]')
    assert find_offline('files-correct')


def test_correct_swift_bank_has_no_finding(find_offline, with_swift_bank):
    assert find_offline('files-correct')


@pytest.mark.parametrize('line, kind', [
    ('swift_kye = s3cr3t-of-the-bank', 'option-unknown'),
    ('swift_passphrase = s3cr3t-of-the-bank', 'option-unknown'),
    ('swift_key = s3cr3t-of-the-bank\nswift_key = s3cr3t-of-the-bank',
     'option-repeated'),
    ('swift_key s3cr3t-of-the-bank', 'file-unreadable')])
def test_secret_in_a_wrong_line_is_not_printed(
        find_offline, with_swift_bank, line, kind):
    with_swift_bank('swift_key = s3cr3t-of-the-bank', line)
    assert find_offline(kind)


def test_retention_of_the_s3_bank_has_no_replacement(find_offline, change):
    change('bank = karbor-trove-fs-bank-plugin',
           'bank = karbor-s3-bank-plugin')
    [row] = find_offline('bank-of-karbor')
    assert row['write'] is None and 'newest' in row['details']


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """The line of a plugin that can be imported, but not created."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'status_plugins.py').write_text(textwrap.dedent('''\
        class Broken:
            def __init__(self, config):
                raise RuntimeError('no licence')

            @classmethod
            def get_supported_resources_types(cls):
                return ['OS::Trove::Instance']
        '''))
    return 'plugin = status_plugins.Broken'


def test_plugin_that_cannot_be_created_is_found(
        find_offline, change, broken):
    change(PLUGIN, broken)
    [row] = find_offline('plugin-broken')
    assert row['line'] == 4 and 'no licence' in row['details']
    [row] = find_offline('protection-foreign')
    assert row['line'] == 4 and row['write'] == PLUGIN


@pytest.mark.parametrize('method, error', [
    ('', 'AttributeError'),
    # So is the method of Karbor's base class.
    ('def get_supported_resources_types(): pass', 'TypeError'),
    ('def get_supported_resources_types(): raise OSError("no licence")',
     'no licence'),
])
def test_plugin_that_does_not_say_what_it_supports_is_found(
        find_offline, change, monkeypatch, tmp_path, method, error):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'silent_plugins.py').write_text(
        'class Silent:\n    %s' % (method or 'pass'))
    monkeypatch.delitem(sys.modules, 'silent_plugins', raising=False)
    change(PLUGIN, PLUGIN + '\nplugin = silent_plugins.Silent')
    [row] = find_offline('plugin-broken')
    assert row['line'] == 5 and error in row['details']
    assert 'Karbor does not load the provider' in row['details']


@pytest.mark.parametrize('line', [None, 'plugin = example.Missing'],
                         ids=['created', 'imported'])
def test_group_of_a_plugin_that_cannot_be_created_or_imported_is_no_finding(
        find_offline, change, broken, line):
    change(PLUGIN, PLUGIN + '\n' + (line or broken))
    change('[trove_protection_plugin]', '[example_plugin]\nsize = 1\n'
           '[trove_protection_plugin]')
    assert not find_offline('group-unknown')
    change('[trove_protection_plugin]', '[trove_protection_plugins]')
    [row] = find_offline('group-unknown')
    assert row['write'] == '[trove_protection_plugin]'
    change('[example_plugin]', '[trove_client]')
    assert len(find_offline('group-unknown')) == 2
