"""Requests to several protection services, in a process of its own.

    python -m tests.benchmark.broker_driver SETTINGS RESULT

The steps are "prepare", which creates the configuration and the database, and
"run". broker.py has the settings.
"""

import eventlet
eventlet.monkey_patch()

import collections  # noqa: E402
import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import pathlib  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402
import uuid  # noqa: E402

from karbor.common import config  # noqa: E402,F401, its options
from karbor.common import constants  # noqa: E402
from karbor.db import migration  # noqa: E402
from karbor import objects  # noqa: E402
from karbor import rpc  # noqa: E402
from karbor.services.protection import client_factory  # noqa: E402
from karbor.services.protection import provider as providers  # noqa: E402
from karbor.services.protection import rpcapi  # noqa: E402
from oslo_config import cfg  # noqa: E402
import sqlalchemy  # noqa: E402

from tests.benchmark import deletions  # noqa: E402
from tests.benchmark import karbor_config  # noqa: E402
from tests.benchmark import karbor_database  # noqa: E402
from tests.benchmark import karbor_flows  # noqa: E402

_TYPE = constants.DATABASE_RESOURCE_TYPE
#: Seconds until a checkpoint has to have its last status.
_TIMEOUT = 600.0
_ENDED = {'available', 'error', 'deleted', 'error-deleting'}


def prepare(settings: 'dict[str, Any]') -> 'dict[str, str]':
    """Write all files, and return the configuration of each host."""
    directory = pathlib.Path(settings['directory'])
    karbor_config.write_provider(
        directory, 'karbor-trove-protection-plugin',
        'karbor-trove-fs-bank-plugin')
    paths = {host: _write_config(settings, host=host)
             for host in settings['hosts']}
    _load(_write_config(settings))
    migration.db_sync()
    return paths


def _write_config(settings: 'dict[str, Any]', **options: str) -> str:
    return karbor_config.write_config(
        pathlib.Path(settings['directory']), settings['trove'],
        settings['connection'], transport_url=settings['transport'],
        # The request for a checkpoint may wait for others.
        rpc_response_timeout=int(_TIMEOUT), **options)


def _load(path: str) -> None:
    assert client_factory.ClientFactory.get_client_module('trove')
    cfg.CONF(['--config-file', path], project='karbor',
             default_config_dirs=[])


class Driver:
    """Sends requests as Karbor's API does, and reads the bank."""

    def __init__(self, settings: 'dict[str, Any]') -> None:
        self._path = _write_config(settings)
        _load(self._path)
        objects.register_all()
        rpc.init(cfg.CONF)
        self.api = rpcapi.ProtectionAPI()
        self.trove = karbor_flows.Trove(settings['trove'])
        self.context = karbor_config.build_context(settings['trove'])
        self.provider = providers.ProviderRegistry().show_provider(
            karbor_config.PROVIDER_ID)
        self.services: 'dict[str, int]' = settings['services']
        self.directory = pathlib.Path(settings['directory'])
        self.sizes: 'dict[str, int]' = settings['sizes']
        ids, count = self.trove.report()['instances'], self.sizes['databases']
        #: The databases of each plan, and those of the deletions.
        *self.plans, self.others = [
            ids[start:start + count] for start in range(0, len(ids), count)]

    def protect(self, instance_ids: 'list[str]', **parameters: Any) -> str:
        """Request a checkpoint and return its id."""
        return str(self.api.protect(self.context, plan={
            'id': str(uuid.uuid4()), 'name': 'nightly',
            'provider_id': karbor_config.PROVIDER_ID,
            'project_id': self.context.project_id,
            'resources': [{'type': _TYPE, 'id': id_, 'name': 'orders'}
                          for id_ in instance_ids],
            'parameters': {_TYPE: parameters}}))

    def delete(self, checkpoint_id: str) -> None:
        """Request the deletion of a checkpoint."""
        self.api.delete(self.context, karbor_config.PROVIDER_ID,
                        checkpoint_id)

    def at_once(self, function: Any, arguments: 'list[Any]') -> 'list[Any]':
        """Call a function for each argument at the same time."""
        return list(eventlet.GreenPool().imap(function, arguments))

    def read_index(self, checkpoint_id: str) -> 'dict[str, Any]':
        return dict(self.provider.bank.get_object(
            '/checkpoints/%s/index.json' % checkpoint_id))

    def wait(self, checkpoint_ids: 'list[str]', seconds: float = _TIMEOUT
             ) -> 'dict[str, str]':
        """Return the statuses when all have ended, or after some seconds."""
        deadline = time.monotonic() + seconds
        while True:
            statuses = {id_: self.read_index(id_)['status']
                        for id_ in checkpoint_ids}
            if (set(statuses.values()) <= _ENDED
                    or time.monotonic() > deadline):
                return statuses
            time.sleep(0.5)

    def wait_for(self, checkpoint_ids: 'list[str]', status: str) -> None:
        statuses = self.wait(checkpoint_ids)
        assert set(statuses.values()) == {status}, statuses

    def list_backups(self, instance_ids: 'list[str]') -> 'dict[str, Any]':
        """Return the backups of some instances in Trove, by id."""
        return {id_: backup
                for id_, backup in self.trove.report()['backups'].items()
                if backup['instance_id'] in instance_ids}

    def find_backup_ids(self, checkpoint_id: str) -> 'list[str]':
        """Return the backups that a checkpoint has."""
        section = self.provider.get_checkpoint(checkpoint_id)
        return [section.get_resource_bank_section(node.value.id).get_object(
            'metadata')['backup_id'] for node in section.resource_graph]

    def list_journal(self, instance_id: str) -> 'list[str]':
        return list(self.provider.bank.list_objects(
            '/karbor-trove/%s/backups/' % instance_id))

    def count_owners(self, checkpoint_ids: 'list[str]') -> 'list[int]':
        """Return how many checkpoints each service created."""
        counts = collections.Counter(
            self.read_index(id_)['owner_id'] for id_ in checkpoint_ids)
        return sorted(counts.values(), reverse=True)

    def find_hosts(self, checkpoint_ids: 'list[str]') -> 'list[str]':
        """Return the service that deleted each checkpoint."""
        found = deletions.find_hosts(self.directory, self.services)
        hosts = []
        for id_ in checkpoint_ids:
            [host] = found[id_]
            hosts.append(host)
        return hosts

    def reset(self, checkpoint_id: str) -> None:
        """Set an interrupted checkpoint to error, as an operator does.

        The bank does not name the process of a checkpoint if it was killed
        before it began with a database. The driver has made sure that the
        process is gone.
        """
        done = subprocess.run(
            [pathlib.Path(sys.executable).with_name('karbor-trove-manage'),
             '--config-file', self._path, 'checkpoint', 'reset', '--force',
             checkpoint_id],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout


def run(settings: 'dict[str, Any]') -> 'dict[str, Any]':
    """Return the figures of all parts. A wrong result is an error."""
    driver = Driver(settings)
    full, full_seconds, full_split = _protect_plans(driver)
    later, later_seconds, later_split = _protect_plans(driver,
                                                       incremental=True)
    _check_backups(driver, full, later)
    deferred, deletion_split = _delete_at_once(driver)
    interrupted = _kill_one(driver)
    return {
        **driver.sizes,
        'full_split': full_split, 'full_seconds': full_seconds,
        'incremental_split': later_split,
        'incremental_seconds': later_seconds,
        'deferred': deferred, 'deletion_split': deletion_split,
        'interrupted': interrupted,
        'versions': {'PostgreSQL': _read_version(settings['connection'])}}


def _read_version(connection: str) -> str:
    """Return the version of a PostgreSQL server.

    :param connection: the URL of a database.
    """
    with sqlalchemy.create_engine(connection).connect() as client:
        return str(client.execute('SHOW server_version').scalar())


def _protect_plans(driver: Driver, **parameters: Any
                   ) -> 'tuple[list[str], float, list[int]]':
    start = time.monotonic()
    ids = driver.at_once(
        lambda instances: driver.protect(instances, **parameters),
        driver.plans)
    driver.wait_for(ids, 'available')
    return ids, time.monotonic() - start, driver.count_owners(ids)


def _check_backups(driver: Driver, full: 'list[str]', later: 'list[str]'
                   ) -> None:
    """Check that no backup is lost, doubled or has another parent."""
    backups = driver.list_backups(
        [id_ for plan in driver.plans for id_ in plan])
    first = [id_ for checkpoint in full
             for id_ in driver.find_backup_ids(checkpoint)]
    second = [id_ for checkpoint in later
              for id_ in driver.find_backup_ids(checkpoint)]
    assert sorted(first + second) == sorted(backups), 'lost or doubled'
    parents = {backups[id_]['instance_id']: id_ for id_ in first}
    for id_ in second:
        assert backups[id_]['parent_id'] == parents[
            backups[id_]['instance_id']], id_


def _delete_at_once(driver: Driver) -> 'tuple[int, list[int]]':
    """Delete the checkpoints of a chain at once, in several rounds.

    :returns: how many backups were a deferred deletion after a round, and how
        many checkpoints each service deleted.
    """
    deferred = 0
    counts: 'collections.Counter[str]' = collections.Counter()
    for _ in range(driver.sizes['rounds']):
        ids = []
        for _ in range(driver.sizes['chain']):
            ids.append(driver.protect(driver.others, incremental=True))
            driver.wait_for(ids[-1:], 'available')
        driver.at_once(driver.delete, ids)
        driver.wait_for(ids, 'deleted')
        hosts = driver.find_hosts(ids)
        assert len(set(hosts)) > 1, 'one service deleted all checkpoints'
        counts.update(hosts)
        left = driver.list_backups(driver.others)
        deletions.check_left(driver.provider.bank, left)
        deferred += len(left)
    # The next operation of an instance deletes what was deferred.
    last = driver.protect(driver.others)
    driver.wait_for([last], 'available')
    driver.delete(last)
    driver.wait_for([last], 'deleted')
    assert not driver.list_backups(driver.others)
    for instance_id in driver.others:
        assert not driver.list_journal(instance_id), instance_id
    return deferred, sorted(counts.values(), reverse=True)


def _kill_one(driver: Driver) -> int:
    """Kill a service while it works. Reset and delete its checkpoints.

    :returns: how many checkpoints it left.
    """
    count = driver.sizes['killed_during']
    before = set(driver.trove.report()['backups'])
    ids = driver.at_once(driver.protect, driver.plans[:count])
    _kill(driver.services[sorted(driver.services)[0]])
    # The others finish theirs.
    statuses = driver.wait(ids, seconds=60.0)
    interrupted = [id_ for id_, status in statuses.items()
                   if status == 'protecting']
    assert interrupted and len(interrupted) < count, statuses
    for id_ in interrupted:
        driver.reset(id_)
    driver.at_once(driver.delete, ids)
    driver.wait_for(ids, 'deleted')
    left = set(driver.trove.report()['backups']) - before
    assert not left, left
    return len(interrupted)


def _kill(pid: int) -> None:
    """Kill a process and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.1)


def main() -> None:
    karbor_database.use_pg8000()
    settings = json.loads(pathlib.Path(sys.argv[1]).read_text())
    step = {'prepare': prepare, 'run': run}[settings['step']]
    pathlib.Path(sys.argv[2]).write_text(json.dumps(step(settings)))
    # Threads of oslo.messaging may still run.
    os._exit(0)


if __name__ == '__main__':
    main()
