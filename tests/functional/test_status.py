"""Tests of the installed karbor-trove-status in the sandbox."""

import json
import pathlib
import subprocess
import sys

import pytest
import swiftclient

#: The command that the environment of the tests has installed.
COMMAND = pathlib.Path(sys.executable).with_name('karbor-trove-status')


class Status:
    """The command with a copy of the sandbox's configuration."""

    def __init__(self, sandbox, folder):
        source = sandbox.directory / 'karbor'
        self.providers = folder / 'providers.d'
        self.providers.mkdir()
        for path in (source / 'providers.d').glob('*.conf'):
            (self.providers / path.name).write_text(path.read_text())
        self.config = folder / 'karbor.conf'
        self.config.write_text((source / 'karbor.conf').read_text().replace(
            str(source / 'providers.d'), str(self.providers)))

    def replace(self, old, new):
        """Replace a text in karbor.conf."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def add_option(self, line):
        """Add an option of the protection plugin to the first file."""
        path = min(self.providers.glob('*.conf'))
        text = path.read_text()
        group = '[trove_protection_plugin]\n'
        assert group in text
        path.write_text(text.replace(group, group + line + '\n'))

    def check(self, *arguments):
        """Run the command and return its exit code and its rows by kind."""
        process = subprocess.run(
            [COMMAND, 'upgrade', 'check', '--config-file', self.config,
             '--format', 'json', *arguments], capture_output=True, text=True)
        assert process.stderr == ''
        rows = {}
        for row in json.loads(process.stdout):
            rows.setdefault(row['finding'], []).append(row)
        return process.returncode, rows

    def table(self):
        """Run the command, print its table and return it."""
        process = subprocess.run(
            [COMMAND, 'upgrade', 'check', '--config-file', self.config],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print('\n$', COMMAND.name, 'upgrade check')
        print(process.stdout)
        return process.stdout


@pytest.fixture
def status(sandbox, tmp_path):
    return Status(sandbox, tmp_path)


def test_sandbox_has_no_failure(tenant, status):
    instance = tenant.create_instance()
    tenant.protect(tenant.create_plan([instance]))
    code, rows = status.check()
    assert code in (0, 1), status.table()
    # The sandbox has Karbor's own bank plugin.
    assert {'bank-of-karbor', 'protectable-in-force', 'protection-in-force',
            'versions-tested', 'keystone-works', 'trove-works',
            'clocks-agree', 'swift-works', 'bank-works'} <= set(rows)
    assert not {'service-role-missing', 'admin-role-missing',
                'quotas-hidden'} & set(rows)
    assert 'With a backup record: 0' not in rows['bank-works'][0]['details']
    status.table()


def test_check_leaves_no_object_in_the_bank(tenant, status, sandbox):
    tenant.protect(tenant.create_plan([tenant.create_instance()]))
    _, rows = status.check()
    assert 'bank-works' in rows
    swift = swiftclient.Connection(session=sandbox.session('karbor'))
    names = [item['name'] for item in swift.get_container(
        'karbor', full_listing=True)[1]]
    assert names
    assert not [name for name in names if 'karbor-trove-status' in name]


def test_offline_check_needs_no_cloud(status):
    status.replace('auth_url = http', 'auth_url = http://127.0.0.1:1/nothing')
    code, rows = status.check('--offline')
    assert code in (0, 1)
    assert 'keystone-fails' not in rows and 'bank-of-karbor' in rows


def test_wrong_password_is_found_and_not_printed(status):
    status.replace('password = ', 'password = wr0ng-')
    code, rows = status.check()
    assert code == 2 and len(rows['keystone-fails']) == 2
    assert 'wr0ng' not in status.table()


def test_names_that_the_cloud_does_not_have_are_found(status):
    status.add_option('verify_flavor_id = no-such-flavor\n'
                      'verify_volume_type = no-such-type')
    code, rows = status.check()
    assert code == 2
    assert rows['flavor-absent'][0]['write'] == 'verify_flavor_id = ...'
    assert rows['volume-type-absent'][0]['write'] == (
        'verify_volume_type = ...')


def test_region_without_swift_is_found(status):
    status.add_option('swift_region_name = NoSuchRegion')
    code, rows = status.check()
    assert code == 2
    assert 'NoSuchRegion' in rows['swift-fails'][0]['details']


def test_absent_container_is_found_and_not_created(status):
    for path in status.providers.glob('*.conf'):
        path.write_text(path.read_text().replace(
            'bank_swift_object_container = ',
            'bank_swift_object_container = mistyped-'))
    for _ in range(2):
        _, rows = status.check()
        assert 'container "mistyped-' in rows['bank-absent'][0]['details']
