"""Bank requests of the operations on an instance with many checkpoints."""

import math
import time
import uuid

from karbor.services.protection import bank_plugin
from karbor.services.protection import graph

from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers

#: The plan has a full backup each day.
CHAIN_LENGTH = 24
BACKUPS = '/karbor-trove/%s/backups/%s'
MARKERS = '/karbor-trove/%s/complete-backups/%s'


class CountingPlugin(bank_plugin.BankPlugin):
    """A bank plugin that counts its requests and their seconds."""

    def __init__(self, plugin, count=None):
        """Create the plugin.

        :param count: returns how many requests the plugin has sent. None if
            each call of the plugin is one request.
        """
        super().__init__()
        self._plugin = plugin
        self._count = count or (lambda: self.calls)
        self.calls = 0
        self.seconds = 0.0

    def measure(self, run):
        """Return the requests and the seconds of the bank in a call."""
        requests, seconds = self._count(), self.seconds
        run()
        return self._count() - requests, self.seconds - seconds

    def _call(self, method, *args, **kwargs):
        self.calls += 1
        start = time.perf_counter()
        try:
            return getattr(self._plugin, method)(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - start

    def update_object(self, *args, **kwargs):
        return self._call('update_object', *args, **kwargs)

    def get_object(self, *args, **kwargs):
        return self._call('get_object', *args, **kwargs)

    def list_objects(self, *args, **kwargs):
        return self._call('list_objects', *args, **kwargs)

    def delete_object(self, *args, **kwargs):
        return self._call('delete_object', *args, **kwargs)

    def get_owner_id(self, *args, **kwargs):
        return self._plugin.get_owner_id(*args, **kwargs)


def add_checkpoints(bank, fake_trove, clock, instance_id, count,
                    has_markers=True):
    """Add the checkpoints of a plan with one incremental backup each hour.

    :param has_markers: False for a bank of an earlier release.
    """
    parent_id = None
    for number in range(count):
        if number % CHAIN_LENGTH == 0:
            parent_id = None
        entry = backup_journal.BackupEntry(
            instance_id, str(uuid.uuid4()), is_complete=True,
            parent_id=parent_id, backup_id=fake_trove.add_backup(
                instance_id, parent_id=parent_id))
        bank.update_object(BACKUPS % (instance_id, entry.checkpoint_id),
                           dict(entry.to_document(), version=1))
        if has_markers:
            marker = instance_markers.BackupMarker(
                entry.checkpoint_id, entry.backup_id, parent_id)
            bank.update_object(MARKERS % (instance_id, marker.key), {})
        parent_id = entry.backup_id
        clock.sleep(3600)


class Operations:
    """The operations that are measured, with all of their hooks."""

    def __init__(self, plugin, fake_trove, new_checkpoint, resource, context,
                 verify):
        self._plugin = plugin
        self._trove = fake_trove
        self._resource = resource
        self._arguments = {'resource': resource, 'context': context,
                           'verify': verify}
        #: A checkpoint with a full backup, and one with an incremental backup.
        self._full, self._incremental = (
            self._prepare(new_checkpoint()) for _ in range(2))

    def list_runs(self):
        """Return functions that run the operations, by name and in order."""
        return {
            'protect': lambda: self._run('protect', self._full),
            'protect, incremental': lambda: self._run(
                'protect', self._incremental, incremental=True),
            'verify': lambda: self._run('verify', self._incremental),
            'delete': lambda: self._run('delete', self._incremental),
            'delete, deferred': self._delete_parent}

    def _delete_parent(self):
        section = self._full.get_resource_bank_section(self._resource.id)
        self._trove.add_backup(self._resource.id, parent_id=section.get_object(
            'metadata')['backup_id'])
        self._run('delete', self._full)

    def _run(self, kind, checkpoint, **parameters):
        operation = getattr(self._plugin, 'get_%s_operation' % kind)(
            self._resource)
        for name in 'on_prepare_begin', 'on_main':
            getattr(operation, name)(checkpoint=checkpoint,
                                     parameters=parameters, **self._arguments)

    def _prepare(self, checkpoint):
        checkpoint.resource_graph = graph.build_graph(
            [self._resource], lambda node: [])
        return checkpoint


def fit_exponent(counts, values):
    """Return the exponent of the power law that fits best.

    :param counts: the numbers of checkpoints.
    :param values: the measured value for each number of checkpoints.
    """
    points = [(math.log(count), math.log(value))
              for count, value in zip(counts, values)]
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points))
    return (sum((x - mean_x) * (y - mean_y) for x, y in points)
            / sum((x - mean_x) ** 2 for x, _ in points))
