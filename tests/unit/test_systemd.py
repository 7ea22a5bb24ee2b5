"""The samples of systemd units."""

import configparser
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from karbor_trove.cmd import manage

FOLDER = pathlib.Path(__file__).parents[2] / 'etc/karbor-trove/systemd'
UNITS = sorted(path.name for path in FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith('.service')]


def read(name):
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string((FOLDER / name).read_text())
    return unit


def test_each_service_has_a_timer():
    assert UNITS == sorted(
        name for service in SERVICES
        for name in (service, service.replace('.service', '.timer')))


@pytest.mark.skipif(not shutil.which('systemd-analyze'),
                    reason='systemd-analyze is not on PATH')
@pytest.mark.parametrize('name', UNITS)
def test_systemd_accepts_the_unit(name):
    process = subprocess.run(
        ['systemd-analyze', 'verify', '--man=no', str(FOLDER / name)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # systemd also names the faults of other units of the machine.
    assert not re.search(r'karbor-trove-\w+\.(service|timer)',
                         process.stdout), process.stdout


@pytest.mark.parametrize('name', SERVICES)
def test_the_command_of_the_service_exists(name):
    env, command, subcommand, *arguments = shlex.split(
        read(name)['Service']['ExecStart'])
    assert (env, command) == ('/usr/bin/env', manage.ManageApp.NAME)
    app = manage.ManageApp()
    parser = manage.ManageApp.COMMANDS[subcommand](app, None).get_parser('')
    parser.parse_args(arguments)
