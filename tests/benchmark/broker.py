"""Several protection services that share the load through RabbitMQ."""

import contextlib
import pathlib
import subprocess
import threading
import time
from typing import Any
import urllib.parse

from tests.benchmark import children
from tests.benchmark import rabbitmq
from tests.benchmark import shared_clock
from tests.sandbox import environments

#: Number of protection services.
SERVICES = 3
#: The default of measure().
SIZES = {
    #: Checkpoints that are requested at once, and the databases of each.
    'plans': 30, 'databases': 10,
    #: Rounds of concurrent deletions, and the checkpoints of each.
    'rounds': 20, 'chain': 3,
    #: Checkpoints that are being created when a service is killed.
    'killed_during': 12}
_BACKUP_SECONDS = 2.0
#: Seconds until a service listens.
_START_SECONDS = 300.0


def measure(directory: pathlib.Path, sizes: 'dict[str, int]' = SIZES
            ) -> 'dict[str, Any]':
    """Return the figures, or why there are none as "skipped".

    :param directory: for temporary files.
    :param sizes: of all parts, see SIZES.
    """
    try:
        rabbitmq.find_server()
    except rabbitmq.Missing as missing:
        return {'skipped': str(missing)}
    with contextlib.ExitStack() as stack:
        return _measure(directory, sizes, stack)


def _measure(directory: pathlib.Path, sizes: 'dict[str, int]',
             stack: contextlib.ExitStack) -> 'dict[str, Any]':
    clock = directory / 'clock'
    shared_clock.SharedClock.create(clock)
    karbor = directory / 'karbor'
    karbor.mkdir()
    transport = stack.enter_context(rabbitmq.run())
    settings = {
        'directory': str(karbor), 'sizes': sizes, 'transport': transport,
        'connection': _start_postgres(directory, stack),
        'trove': stack.enter_context(children.trove_server(directory, {
            'clock': str(clock),
            # Those of the plans, and those of the deletions.
            'instances': (sizes['plans'] + 1) * sizes['databases'],
            'backup_seconds': _BACKUP_SECONDS})),
        'hosts': ['service-%d' % number for number in range(SERVICES)]}
    configurations = children.measure(
        directory, dict(settings, step='prepare'),
        'tests.benchmark.broker_driver')
    services = {host: _start_service(path, stack)
                for host, path in configurations.items()}
    _wait_for_services(karbor, services)
    measured = children.measure(directory, dict(
        settings, step='run', services=services),
        'tests.benchmark.broker_driver')
    measured['versions']['RabbitMQ'] = rabbitmq.read_version(
        urllib.parse.urlsplit(transport).port)
    return measured


def _start_service(path: str, stack: contextlib.ExitStack) -> int:
    """Start a protection service, and return the id of its process."""
    service = stack.enter_context(children.start_module(
        'tests.benchmark.protection_service', path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    # karbor-trove-manage takes a killed process for a living one as long as
    # its parent has not waited for it.
    threading.Thread(target=service.wait, daemon=True).start()
    return int(service.pid)


def _start_postgres(directory: pathlib.Path, stack: contextlib.ExitStack
                    ) -> str:
    """Start PostgreSQL, and return the URL of an empty database."""
    port = rabbitmq.find_free_port()
    python = environments.make('services')
    folder = directory / 'postgresql'
    folder.mkdir()
    server = stack.enter_context(children.start(
        [python, '-m', 'tests.benchmark.postgres_server', folder, port],
        # It removes its data then.
        end_seconds=30.0,
        cwd=environments.ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environments.environ(python)))
    if not server.stdout.readline():
        raise children.Failure('PostgreSQL did not start')
    return 'postgresql+pg8000://postgres@127.0.0.1:%d/postgres' % port


def _wait_for_services(directory: pathlib.Path,
                       services: 'dict[str, int]') -> None:
    deadline = time.monotonic() + _START_SECONDS
    for host in services:
        log = directory / ('%s.log' % host)
        # oslo.messaging logs nothing when it listens, so the queue may follow
        # a moment later. Requests wait in it.
        while not (log.exists() and 'Starting protection service'
                   in log.read_text()):
            if time.monotonic() > deadline:
                raise children.Failure('%s did not start' % host)
            time.sleep(0.2)
