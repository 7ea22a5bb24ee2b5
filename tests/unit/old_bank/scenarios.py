"""Sequences of operations that write a bank, each as Karbor runs it.

The files in this directory hold what release 2292006 left of each sequence.
The tests run the same sequences with the current code and compare.
"""

import contextlib
import json
import types
from unittest import mock
import uuid

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
from karbor.services.protection.protection_plugins.database import (
    database_backup_plugin as in_tree)

INSTANCE = 'OS::Trove::Instance'


class Killed(BaseException):
    """The process of the operation was killed."""


class Record:
    """A restore or a verification of Karbor, without a database."""

    def __init__(self, **parameters):
        self.id = str(uuid.uuid4())
        self.parameters = {INSTANCE: parameters} if parameters else {}
        self.status = None
        self.reason = None

    def update_resource_status(self, type_, id_, status, reason=''):
        self.status, self.reason = status, reason

    def save(self):
        """Save nothing: a test reads the attributes."""


class Karbor:
    """The part of Karbor that runs operations, over one bank and one Trove."""

    def __init__(self, bank, fake_trove, clock, context, make_plugin):
        """Create it.

        :param make_plugin: creates a protection plugin from the options of a
            provider.
        """
        self.bank = bank
        self.trove = fake_trove
        self.clock = clock
        self._context = context
        self._make_plugin = make_plugin
        self._plan = {'id': str(uuid.uuid4()), 'name': 'nightly',
                      'provider_id': str(uuid.uuid4()), 'resources': [],
                      'project_id': context.project_id}
        self._checkpoints = karbor_checkpoint.CheckpointCollection(bank)
        #: The names of ids, for the files and for comparing with them.
        self.ids = {}

    def add_instance(self, **state):
        """Add a database instance to Trove.

        :param state: what differs from a plain instance.
        """
        self.ids['instance'] = self.trove.add_instance(**dict(
            {'name': 'orders', 'databases': ['orders'], 'users': ['seller']},
            **state))

    @property
    def resource(self):
        return karbor_resource.Resource(INSTANCE, self.ids['instance'],
                                        'orders')

    def checkpoint(self, name='checkpoint'):
        return self._checkpoints.get(self.ids[name])

    def section(self, name='checkpoint'):
        """Return the section of the instance in a checkpoint."""
        return self.checkpoint(name).get_resource_bank_section(
            self.ids['instance'])

    def protect(self, name='', plugin=None, level='backup', **parameters):
        """Create a checkpoint.

        :param name: the end of the names of its id and of its backup's.
        """
        checkpoint = self._checkpoints.create(self._plan,
                                              context=self._context)
        self.ids['checkpoint' + name] = checkpoint.id
        checkpoint.resource_graph = graph.build_graph(
            [self.resource], lambda node: [])
        checkpoint.commit()
        before = set(self.trove.backups)
        plugin = plugin or self._make_plugin(verify_level=level)
        try:
            self._run(plugin.get_protect_operation(self.resource), checkpoint,
                      parameters)
            self._end(checkpoint, 'available')
        except exception.CreateResourceFailed:
            self._end(checkpoint, 'error')
        except Killed:
            pass  # Karbor was killed too, so the checkpoint stays as it is.
        self.clock.sleep(60)
        for id_ in set(self.trove.backups) - before:
            self.ids.setdefault('backup' + name, id_)

    def restore(self, name='checkpoint', plugin=None, **parameters):
        """Restore a checkpoint.

        :returns: the restore, and the ids of restored instances by those of
            the original ones.
        """
        restore, restored = Record(**parameters), {}
        self.ids['restore'] = restore.id
        plugin = plugin or self._make_plugin()
        with contextlib.suppress(exception.RestoreResourceFailed, Killed):
            self._run(plugin.get_restore_operation(self.resource),
                      self.checkpoint(name), parameters, restore=restore,
                      new_resources=restored)
        self.clock.sleep(60)
        return restore, restored

    def verify(self, name='checkpoint', level='backup'):
        """Verify a checkpoint and return Karbor's record of it."""
        verification = Record()
        self.ids['verification'] = verification.id
        plugin = self._make_plugin(verify_level=level)
        with contextlib.suppress(exception.VerifyResourceFailed, Killed):
            self._run(plugin.get_verify_operation(self.resource),
                      self.checkpoint(name), {}, verify=verification,
                      new_resources={})
        self.clock.sleep(60)
        return verification

    def delete(self, name='checkpoint', plugin=None):
        """Delete a checkpoint."""
        checkpoint = self.checkpoint(name)
        self._end(checkpoint, 'deleting')
        plugin = plugin or self._make_plugin()
        with contextlib.suppress(Killed):
            self._run(plugin.get_delete_operation(self.resource), checkpoint,
                      {})
            checkpoint.delete()
        self.clock.sleep(60)

    def _run(self, operation, checkpoint, parameters, **kwargs):
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint=checkpoint, resource=self.resource,
                 context=self._context, parameters=parameters,
                 operation_log=None, **kwargs)

    def _end(self, checkpoint, status):
        checkpoint.status = status
        checkpoint.commit()

    @contextlib.contextmanager
    def interrupted(self, method, path, effect=Killed):
        """Call the effect, once, when Trove has received such a request."""
        def count_requests():
            return len(self.trove.find_requests(method, path))

        received = count_requests()
        sleep = self.clock.sleep
        done = []

        def interrupt(seconds, *arguments):
            if count_requests() > received and not done:
                done.append(effect)
                result = effect()
                if isinstance(result, BaseException):
                    raise result
            sleep(seconds, *arguments)

        with mock.patch.object(self.clock, 'sleep', interrupt):
            yield
        assert done, 'nothing was interrupted'


def full_backup(karbor):
    """An available checkpoint with a full backup.

    The record has a value for each property of the instance.
    """
    karbor.ids['configuration'] = str(uuid.uuid4())
    karbor.trove.configurations[karbor.ids['configuration']] = {}
    karbor.add_instance(
        configuration_id=karbor.ids['configuration'], locality='affinity',
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']},
        region='RegionTwo', flavor_id='3', volume_size=5)
    karbor.protect(backup_name='nightly', description='before the release')


def chain(karbor):
    """An available checkpoint with an incremental backup, and its parent's.

    The instance got one more database between the two.
    """
    karbor.add_instance()
    karbor.protect('_full', incremental='True')
    karbor.trove.instances[karbor.ids['instance']]['databases'] = [
        'orders', 'invoices']
    karbor.protect('_incremental', incremental='True')


def failed_protect(karbor):
    """A checkpoint in status error: Trove could not complete its backup."""
    karbor.add_instance()
    karbor.trove.next_backup('FAILED', seconds=3)
    karbor.protect()


def interrupted_protect(karbor):
    """A checkpoint whose protect was killed after a lost response.

    Trove created the backup. The bank holds an intent without its id.
    """
    karbor.add_instance()
    karbor.trove.fail('POST', '/backups', 'reset', after=True)
    with karbor.interrupted('POST', '/backups'):
        karbor.protect()


def interrupted_write(karbor):
    """A checkpoint whose protect was killed during a write to the bank.

    The journal entry is corrupt. A complete copy is beside it.
    """
    karbor.add_instance()
    plugin = karbor.bank._plugin
    write = plugin.update_object
    copies = []

    def write_half(key, value, context=None):
        if key + '.new' in copies:
            write(key, json.dumps(value)[:100], context)
            raise Killed
        if key.endswith('.new'):
            copies.append(key)
        write(key, value, context)

    with mock.patch.object(plugin, 'update_object', write_half):
        karbor.protect()


def deferred_deletion(karbor):
    """A deleted checkpoint whose backup has a child, and the child's.

    The bank holds the deferred deletion of the parent.
    """
    karbor.add_instance()
    karbor.protect('_parent', incremental='True')
    karbor.protect('_child', incremental='True')
    karbor.delete('checkpoint_parent')


def interrupted_deletion(karbor):
    """A checkpoint whose deletion was killed after its request to Trove.

    Trove could not delete the backup.
    """
    karbor.add_instance()
    karbor.protect()
    karbor.trove.next_delete('DELETE_FAILED', seconds=1)
    with karbor.interrupted('DELETE', '/backups/*'):
        karbor.delete()


def ambiguous(karbor):
    """A checkpoint in status error: two backups match its request.

    The response was lost, and a user created a backup that looks the same.
    """
    karbor.add_instance()

    def user_creates_backup():
        [ours] = karbor.trove.backups.values()
        karbor.ids['backup_of_user'] = karbor.trove.add_backup(
            **{key: ours[key] for key in (
                'instance_id', 'name', 'description', 'created')})

    karbor.trove.fail('POST', '/backups', 'reset', after=True)
    with karbor.interrupted('POST', '/backups', user_creates_backup):
        karbor.protect()


def interrupted_restore(karbor):
    """A checkpoint whose restore was killed after a lost response.

    Trove created the instance. The bank holds an intent without its id.
    """
    karbor.add_instance()
    karbor.protect()
    karbor.trove.fail('POST', '/instances', 'reset', after=True)
    with karbor.interrupted('POST', '/instances'):
        karbor.restore(restore_name='restored orders')
    karbor.ids['restored_instance'] = list(karbor.trove.instances)[-1]


def interrupted_verification(karbor):
    """A checkpoint whose verification was killed during a test restore.

    The temporary instance is left. The bank knows its id.
    """
    karbor.add_instance()
    karbor.protect(level='restore')
    with karbor.interrupted('POST', '/instances'):
        karbor.verify(level='restore')
    karbor.ids['temporary_instance'] = list(karbor.trove.instances)[-1]


def interrupted_verification_request(karbor):
    """A checkpoint whose verification was killed after a lost response.

    The temporary instance is left. The bank knows only its name.
    """
    karbor.add_instance()
    karbor.protect(level='restore')
    karbor.trove.fail('POST', '/instances', 'reset', after=True)
    with karbor.interrupted('POST', '/instances'):
        karbor.verify(level='restore')
    karbor.ids['temporary_instance'] = list(karbor.trove.instances)[-1]


def verified(karbor):
    """A checkpoint with a baseline for all levels, verified at each of them.

    Its backup has two segments in Swift.
    """
    karbor.add_instance(users=['seller', 'buyer'])
    karbor.trove.objects.segment_count = 2
    karbor.protect(level='restore')
    for level in 'backup', 'data', 'restore':
        assert karbor.verify(level=level).status == 'available'


def failed_verification(karbor):
    """A checkpoint with a manifest, and a failed verification at level data.

    A verification at level backup passed before that.
    """
    karbor.add_instance()
    karbor.protect(level='data')
    assert karbor.verify().status == 'available'
    [url] = karbor.trove.objects.list_urls()
    karbor.trove.objects.changed[url] = b'other bytes'
    assert karbor.verify(level='data').status == 'error'


def written_by_karbor(karbor):
    """A checkpoint that the database plugin of Karbor 1.6.0 wrote."""
    karbor.add_instance()
    karbor.trove.start_seconds = karbor.trove.backup_seconds = 0
    plugin = in_tree_plugin()
    karbor.protect(plugin=plugin)


def in_tree_plugin():
    """Return Karbor's in-tree plugin, which waits in real time."""
    conf = types.SimpleNamespace(
        register_opts=lambda *args: None,
        database_backup_plugin=types.SimpleNamespace(poll_interval=0.01))
    return in_tree.DatabaseBackupProtectionPlugin(conf)


SCENARIOS = {function.__name__: function for function in (
    full_backup, chain, failed_protect, interrupted_protect,
    interrupted_write, deferred_deletion, interrupted_deletion, ambiguous,
    interrupted_restore, interrupted_verification,
    interrupted_verification_request, verified, failed_verification)}


def documents(bank):
    """Return what a bank holds, by path."""
    # The file-system bank lists them with two slashes at the start.
    return {path[1:]: bank.get_object(path[1:]) for path in sorted(
        bank.list_objects('/'))}
