"""Demo of a backup and a restore: python -m tests.sandbox.demo."""

import argparse
import contextlib
import io
import pathlib
import sys
import time

from tests.sandbox import cloud
from tests.sandbox import picture
from tests.sandbox.services import cloud as catalog
from tests.sandbox import shell
from tests.sandbox import shell_tenant

PROVIDER = cloud.PROVIDER_ID
ROWS = 10000
FILL = ('CREATE TABLE orders AS SELECT number, md5(number::text) AS article '
        f'FROM generate_series(1, {ROWS}) AS number')
COUNT = ('SELECT count(*), md5(string_agg(article, \'\' ORDER BY number)) '
         'FROM orders')
_TYPE = 'OS::Trove::Instance'


class Demo:
    """The steps of the demo. Each step needs the steps before it.

    The names of the methods are the titles of the steps.
    """

    def __init__(self, user: shell_tenant.Tenant) -> None:
        self._user = user
        self._instance = self._plan = self._checkpoint = self._restored = ''
        self._before = ''

    def create_a_database_with_rows(self) -> None:
        self._instance = self._user.type(
            'openstack', 'database', 'instance', 'create', 'orders',
            '--flavor', '1', '--size', '1',
            '--datastore', catalog.DATASTORE,
            '--datastore-version', catalog.VERSION,
            '--nic', f'net-id={catalog.NETWORK}',
            '-f', 'value', '-c', 'id').strip()
        address = self._address_of(self._instance)
        self._user.type('psql', '-h', address, '-c', FILL)
        self._before = self._count_at(address)

    def create_a_plan(self) -> None:
        self._user.type('karbor', 'protectable-list-instances', _TYPE)
        self._plan = shell_tenant.field(self._user.type(
            'karbor', 'plan-create', 'nightly', PROVIDER,
            f'{self._instance}={_TYPE}=orders', '--parameters',
            f'resource_type={_TYPE},backup_name=orders-nightly,'
            'description=Every night'), 'id')

    def create_a_checkpoint(self) -> None:
        self._checkpoint = shell_tenant.field(self._user.type(
            'karbor', 'checkpoint-create', PROVIDER, self._plan,
            show=False), 'id')
        self._user.type_until(
            lambda output: shell_tenant.field(output, 'status') == 'available',
            'karbor', 'checkpoint-show', PROVIDER, self._checkpoint,
            failed='error')
        self._user.type('openstack', 'database', 'backup', 'list')

    def verify_the_checkpoint(self) -> None:
        verification = shell_tenant.field(self._user.type(
            'karbor', 'verification-create', PROVIDER, self._checkpoint,
            show=False), 'id')
        self._user.type_until(
            lambda output: shell_tenant.field(output, 'status') == 'success',
            'karbor', 'verification-show', verification, failed='fail')

    def delete_the_database(self) -> None:
        self._user.type('psql', '-h', self._address_of(self._instance),
                        '-c', 'DROP TABLE orders')
        self._delete_instance(self._instance)

    def restore_the_checkpoint(self) -> None:
        restore = shell_tenant.field(self._user.type(
            'karbor', 'restore-create', PROVIDER, self._checkpoint,
            '--parameters', f'resource_type={_TYPE},restore_name=orders,'
            'restore_description=After the accident', show=False), 'id')
        output = self._user.type_until(
            lambda shown: shell_tenant.field(shown, 'status') == 'success',
            'karbor', 'restore-show', restore, failed='fail')
        self._restored = output.split(f"'{_TYPE}#")[1].split("'")[0]

    def count_the_rows(self) -> None:
        after = self._count_at(self._address_of(self._restored))
        if after != self._before:
            raise shell_tenant.Unexpected(
                f'the rows have changed. Before: {self._before}, '
                f'after: {after}')
        print(f'All {ROWS} rows are restored.')

    def clean_up(self) -> None:
        self._user.type('karbor', 'checkpoint-delete', PROVIDER,
                        self._checkpoint)
        self._user.type_until(
            lambda output: self._checkpoint not in output,
            'karbor', 'checkpoint-list', PROVIDER, failed='error-deleting')
        self._user.type('karbor', 'plan-delete', self._plan)
        self._delete_instance(self._restored)
        self._must_print_nothing('openstack', 'database', 'backup', 'list',
                                 '-f', 'value')
        for container in self._user.type('swift', 'list').split():
            self._must_print_nothing('swift', 'list', container)
        print('Trove and Swift are empty.')

    def _address_of(self, instance: str) -> str:
        """Return the address of an instance, when its database is up."""
        return self._user.type_until(
            lambda output: 'ACTIVE' in output and 'HEALTHY' in output,
            'openstack', 'database', 'instance', 'show', instance,
            '-f', 'value', '-c', 'status', '-c', 'operating_status',
            '-c', 'ip').split()[0]

    def _count_at(self, address: str) -> str:
        """Return the number and the checksum of the rows in a database."""
        return self._user.type('psql', '-h', address, '-At', '-c', COUNT)

    def _delete_instance(self, instance: str) -> None:
        self._user.type('openstack', 'database', 'instance', 'delete',
                        instance)
        self._user.type_until(
            lambda output: instance not in output, 'openstack', 'database',
            'instance', 'list', '-f', 'value', '-c', 'ID')

    def _must_print_nothing(self, *command: str) -> None:
        if self._user.type(*command).strip():
            raise shell_tenant.Unexpected(
                f'{command[0]} should have printed nothing')


class _Recording(io.StringIO):
    """A recording of all printed text. The terminal shows the text too."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text)
        return super().write(text)

    def flush(self) -> None:
        sys.__stdout__.flush()


def _use(sandbox: cloud.Sandbox, options: argparse.Namespace) -> None:
    with contextlib.redirect_stdout(_Recording()) as recording:
        _run(sandbox)
    if options.picture:
        options.picture.write_text(
            picture.build_picture(recording.getvalue()))
    if options.keep:
        shell.wait_for_interrupt(sandbox)


def _run(sandbox: cloud.Sandbox) -> None:
    # With another HOME, the commands do not read the files clouds.yaml and
    # .psqlrc of the user who runs the demo.
    demo = Demo(shell_tenant.Tenant({
        **sandbox.variables(), 'HOME': str(sandbox.directory)}))
    steps = (demo.create_a_database_with_rows, demo.create_a_plan,
             demo.create_a_checkpoint, demo.verify_the_checkpoint,
             demo.delete_the_database, demo.restore_the_checkpoint,
             demo.count_the_rows, demo.clean_up)
    for number, step in enumerate(steps, 1):
        print(f'\n[{number}/{len(steps)}] '
              f'{step.__name__.replace("_", " ").capitalize()}', flush=True)
        begin = time.monotonic()
        try:
            step()
        except shell_tenant.Unexpected as e:
            sandbox.keep = True
            raise SystemExit(f'{e}\n\nLogs: {sandbox.logs}')
        print(f'({time.monotonic() - begin:.1f} s)', flush=True)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(
        description='Run a demo: a tenant loses a database and restores it.')
    parser.add_argument('--keep', action='store_true',
                        help='leave the sandbox running at the end, until '
                             'Ctrl-C')
    parser.add_argument('--picture', metavar='PATH', type=pathlib.Path,
                        help='write an SVG picture of the terminal to this '
                             'file')
    shell.run(parser, _use)
