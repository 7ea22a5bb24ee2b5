"""Karbor in this process: its flows, its bank and its database.

Import this after shared_clock.install().
"""

import datetime
import json
import pathlib
import shutil
import sys
import time
from typing import Any
import urllib.request
import uuid

from karbor.common import constants
from karbor import context
from karbor.db import migration
from karbor import objects
from karbor.services.protection import client_factory
from karbor.services.protection.flows import worker
from karbor.services.protection.protectable_plugins import database
from karbor.services.protection import protectable_registry
from karbor.services.protection import provider as providers
from oslo_config import cfg
from oslo_log import log

from karbor_trove import polling
from karbor_trove import protectable
from tests.benchmark import floor
from tests.benchmark import karbor_config
from tests.benchmark import real_trove
from tests.benchmark import recording
from tests.benchmark import sampling
from tests.benchmark import shared_clock

_TYPE = constants.DATABASE_RESOURCE_TYPE
#: The plugins in provider files, by their names in the results.
_PLUGINS = {
    'karbor-trove': 'karbor-trove-protection-plugin',
    'in-tree': 'karbor-database-protection-plugin',
    'noop': 'karbor-noop-protection-plugin',
    'sleep': 'tests.benchmark.floor.SleepProtectionPlugin',
}
_PROTECTABLES = {
    'karbor-trove': protectable.TroveInstanceProtectable,
    'in-tree': database.DatabaseInstanceProtectablePlugin,
}


def create_database(path: pathlib.Path) -> None:
    """Create Karbor's database in a file."""
    cfg.CONF([], project='karbor', default_config_files=[],
             default_config_dirs=[])
    cfg.CONF.set_override('connection', 'sqlite:///%s' % path, 'database')
    migration.db_sync()


class Trove:
    """The control of the fake Trove."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        """Forget all requests."""
        self._open(urllib.request.Request(self.url + '/control/reset',
                                          b'', method='POST'))

    def report(self) -> 'dict[str, Any]':
        """Return what happened since the last reset."""
        return dict(self._open(self.url + '/control/report'))

    def _open(self, request: Any) -> Any:
        with urllib.request.urlopen(request) as response:
            return json.load(response)


class Karbor:
    """A protection service with one provider.

    :param directory: an empty directory for its files.
    :param settings: the settings of the cell, see karbor_process.py.
    """

    def __init__(self, directory: pathlib.Path, settings: 'dict[str, Any]',
                 clock: shared_clock.SharedClock) -> None:
        self._plugin = settings['plugin']
        self._backup_seconds = settings['backup_seconds']
        self.trove: Any = (
            real_trove.RealTrove(settings['real']) if 'real' in settings
            else Trove(settings['trove']))
        # The plugin compares this time with that of Trove.
        polling.Clock.utc = lambda self: _utc(clock)  # type: ignore
        self._configure(directory, settings)
        objects.register_all()
        self.provider = providers.ProviderRegistry().show_provider(
            karbor_config.PROVIDER_ID)
        self.bank = recording.BankRecorder(self.provider._bank_plugin)
        self._registry = protectable_registry.ProtectableRegistry()
        self._registry.register_plugin(_PROTECTABLES.get(
            self._plugin, protectable.TroveInstanceProtectable)())
        self._worker = worker.Worker()
        self.context = (
            context.RequestContext(**settings['real']['context'])
            if 'real' in settings
            else karbor_config.build_context(settings['trove']))

    def _configure(self, directory: pathlib.Path,
                   settings: 'dict[str, Any]') -> None:
        # This call registers the options of trove_client.
        assert client_factory.ClientFactory.get_client_module('trove')
        karbor_config.write_provider(
            directory, _PLUGINS[self._plugin], 'karbor-fs-bank-plugin')
        file = directory / 'karbor.sqlite'
        shutil.copy(settings['database'], file)
        cfg.CONF(['--config-file', karbor_config.write_config(
            directory, settings['trove'], 'sqlite:///%s' % file,
            **settings.get('real', {}).get('config', {}))],
            project='karbor', default_config_dirs=[])
        log.setup(cfg.CONF, 'karbor')
        # The hook of oslo.log writes an error to the log, which is removed.
        sys.excepthook = sys.__excepthook__

    def list_resources(self) -> 'list[Any]':
        """Return the instances of the project, listed by the plugin."""
        return list(self._registry.list_resources(self.context, _TYPE))

    def show_resource(self, instance_id: str) -> 'Any':
        """Return an instance, read by the plugin."""
        return self._registry.show_resource(self.context, _TYPE, instance_id)

    def protect(self, instance_ids: 'list[str]') -> 'dict[str, Any]':
        """Create a checkpoint, and return what it took."""
        plan = {'id': str(uuid.uuid4()), 'name': 'nightly',
                'provider_id': karbor_config.PROVIDER_ID,
                'project_id': self.context.project_id,
                'resources': [{'type': _TYPE, 'id': id_, 'name': 'orders'}
                              for id_ in instance_ids],
                'parameters': {_TYPE: {floor.SECONDS: self._backup_seconds}}
                if self._plugin == 'sleep' else {}}
        collection = self.provider.get_checkpoint_collection()
        checkpoint = collection.create(plan, context=self.context)
        result = self._run('protect', checkpoint, plan=plan,
                           protectable_registry=self._registry)
        result['checkpoint'] = checkpoint.id
        ends = (self._sleep_ends() if self._plugin == 'sleep'
                else result['report']['backup_ends'])
        result['lateness'] = _subtract(
            self.bank.find_times(constants.RESOURCE_STATUS_AVAILABLE), ends)
        return result

    def verify(self, checkpoint_id: str) -> 'dict[str, Any]':
        """Verify a checkpoint, and return what it took."""
        verification = self._create(objects.Verification, checkpoint_id)
        recording.record_updates(verification)
        return self._run('verify', self._get(checkpoint_id),
                         verify=verification)

    def restore(self, checkpoint_id: str) -> 'dict[str, Any]':
        """Restore a checkpoint, and return what it took."""
        restore = self._create(objects.Restore, checkpoint_id)
        times = recording.record_updates(restore)
        result = self._run('restore', self._get(checkpoint_id),
                           restore=restore)
        result['lateness'] = _subtract(
            times, result['report']['restore_ends'])
        return result

    def delete(self, checkpoint_id: str) -> 'dict[str, Any]':
        """Delete a checkpoint, and return what it took."""
        result = self._run('delete', self._get(checkpoint_id))
        result['lateness'] = _subtract(
            self.bank.find_times(constants.RESOURCE_STATUS_DELETED),
            result['report']['deletion_ends'])
        return result

    def _create(self, kind: Any, checkpoint_id: str) -> Any:
        record = kind(context=self.context, parameters={}, status='started',
                      project_id=self.context.project_id,
                      provider_id=karbor_config.PROVIDER_ID,
                      checkpoint_id=checkpoint_id)
        record.create()
        return record

    def _get(self, checkpoint_id: str) -> Any:
        return self.provider.get_checkpoint(checkpoint_id,
                                            context=self.context)

    def _run(self, operation: str, checkpoint: Any, **arguments: Any
             ) -> 'dict[str, Any]':
        """Build and run a flow as the protection service does."""
        self.trove.reset()
        self.bank.reset()
        profile = sampling.Profile()
        flow_meter = sampling.Meter()
        start = time.monotonic()
        flow = self._worker.get_flow(
            self.context, operation, checkpoint, self.provider, **arguments)
        built = time.monotonic()
        # A new meter collects the garbage first. Otherwise the peak of the
        # memory would depend on when Python last collected the garbage. The
        # meter measures the CPU time of the run alone.
        run_meter = sampling.Meter()
        run_start = time.monotonic()
        profile.start()
        self._worker.run_flow(flow)
        end = time.monotonic()
        run_cpu, memory = run_meter.read().cpu, flow_meter.read().memory
        profile.stop()
        return {'report': self.trove.report(),
                'bank_requests': sum(self.bank.counts.values()),
                'build_seconds': built - start,
                'seconds': built - start + end - run_start,
                'cpu': run_cpu, 'memory': memory,
                'parts': profile.shares(), 'functions': profile.functions()}

    def _sleep_ends(self) -> 'dict[str, float]':
        return {id_: at + self._backup_seconds for id_, at
                in self.bank.find_times(
                    constants.RESOURCE_STATUS_PROTECTING).items()}


def _subtract(times: 'dict[str, float]', ends: 'dict[str, float]'
              ) -> 'list[float]':
    """Return how much later each time is than the end in Trove."""
    return sorted(times[id_] - end for id_, end in ends.items()
                  if id_ in times)


def _utc(clock: shared_clock.SharedClock) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(
        clock.time(), datetime.timezone.utc).replace(
            microsecond=0, tzinfo=None)
