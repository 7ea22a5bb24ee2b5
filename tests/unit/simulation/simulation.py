"""Simulation of Trove, a bank, users and Karbor's checkpoints.

The owner of each backup is recorded only from the calls of the fake Trove.
The plugin's own journal is checked against that.
"""

import argparse
import contextlib
import dataclasses
import json
import types
from unittest import mock

from karbor import resource as karbor_resource
from karbor.services.protection import bank_plugin
from karbor.services.protection import client_factory

from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import acceptance
from karbor_trove.cmd.commands import deferred
from karbor_trove.cmd import providers
from karbor_trove.operations import delete
from karbor_trove.operations import flow
from karbor_trove.operations import protect
from karbor_trove.operations import restore
from karbor_trove.operations import verify
from karbor_trove import options
from karbor_trove import polling
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import connect
from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud
from tests.fake_trove import errors
from tests.fake_trove import server
from tests.unit.simulation import in_memory_bank
from tests.unit.simulation import interleaving
from tests.unit.simulation import karbor_fakes as karbor

SETTINGS = options.Settings(
    poll_interval=5.0, ready_timeout=40.0, backup_timeout=60.0,
    restore_timeout=60.0, delete_timeout=60.0, full_backup_every=3)
SKIP = dataclasses.replace(SETTINGS, unprotectable_databases='skip')
CONTEXT = types.SimpleNamespace(project_id=cloud.PROJECT, user_id='user',
                                request_id='req-1', is_admin=False)


class World:
    """The simulated cloud: starts operations and acts for the users."""

    def __init__(self):
        clock = in_memory_bank.Clock()
        self.clock = clock
        self.fake = server.FakeTrove(clock)
        self.fake.world = self
        clock.timeline = self.fake.timeline
        self.fake.backup_seconds = 4.0
        self.fake.healthy_seconds = self.fake.build_seconds = 4.0
        self.plugin = in_memory_bank.BankPlugin(interleaving.pause)
        self.bank = bank_plugin.Bank(self.plugin)
        self.session = in_memory_bank.Session(self.fake, interleaving.pause)
        self.instances = [self.fake.add_instance('orders') for _ in range(3)]
        self.checkpoints = []
        self.running = []
        self.violations = []
        #: Backups of checkpoints, backups of users, and those that users
        #: deleted.
        self.ours = {}
        self.users = set()
        self.harmed = set()
        #: When the databases that cannot be backed up recover. None for those
        #: that have not recovered.
        self.recoveries = {}
        #: The processes that deleted backups, and the number of the process
        #: that began next, by the instance.
        self._deletions = {}
        self._owner = None
        on = self.fake._on_backups
        self._create, on.create = on.create, self._creating
        self._delete, on.delete = on.delete, self._deleting
        on = self.fake._on_instances
        self._build, on.create = on.create, self._building

    def connected(self):
        """Patch the clients and the clock to be those of this simulation."""
        patches = contextlib.ExitStack()
        patches.enter_context(mock.patch.object(
            client_factory.ClientFactory, 'create_client', autospec=True,
            side_effect=lambda *args: self.session.client()))
        patches.enter_context(mock.patch.object(
            clients, '_create_client', lambda project_id, swift:
            trove_client.TroveClient(
                self.session.client, get_swift_connection=lambda:
                connect.get_swift_connection(swift, project_id))))
        patches.enter_context(mock.patch.object(
            polling, 'SYSTEM_CLOCK', self.clock))
        return patches

    @property
    def process(self):
        """Return the process whose request is handled. None for a user."""
        return (interleaving.current() if self._owner is None
                else self._owner)

    def of(self, owner, do):
        """Run a late request on behalf of its process."""
        before, self._owner = self._owner, owner
        try:
            return do()
        finally:
            self._owner = before

    def _creating(self, project_id, body):
        response = self._create(project_id, body)
        process = self.process
        if process is None:
            self.users.add(response['backup']['id'])
            return response
        [checkpoint] = [part for part in process.checkpoint.parts
                        if part.resource.id == body['backup']['instance']]
        self.ours[response['backup']['id']] = checkpoint
        checkpoint.made.append(response['backup']['id'])
        if len(checkpoint.made) > 1:
            self.violations.append('two backups for one request')
        return response

    def _building(self, project_id, body):
        response = self._build(project_id, body)
        backup_id = body['instance']['restorePoint']['backupRef']
        if backup_id in self.process.built:
            self.violations.append('two instances for one request')
        self.process.built.append(backup_id)
        return response

    def _deleting(self, project_id, id_):
        if interleaving.current() is not None:
            children = [of['id'] for of in self.fake.backups.values()
                        if of['parent_id'] == id_]
            if children:
                self.violations.append(
                    'Trove deletes the children %s with backup %s'
                    % (children, id_))
            if id_ in self.users:
                self.violations.append(
                    'the deleted backup %s is of a user' % id_)
            elif id_ in self.ours and not self.ours[id_].doomed:
                self.violations.append(
                    'the deleted backup %s is of a live checkpoint' % id_)
            elif id_ in self.ours:
                self._check_last_backup(id_)
        return self._delete(project_id, id_)

    def _check_last_backup(self, id_):
        """Note a violation if an omission needs a backup that is deleted.

        An operation cannot know of an omission that was written after the
        operation began, nor of a newer backup that is deleted meanwhile.
        """
        process, part = self.process, self.ours[id_]
        deletions = self._deletions.setdefault(part.resource.id, [])
        created = self._find_creation(id_)
        is_raced = any(other is not process and number > process.number
                       for other, number in deletions)
        deletions.append((process, next(process.numbers)))
        if created is None or process.kind == 'release' or is_raced:
            return
        if any(self._find_creation(other) >= created
               for other, of in self.ours.items()
               if other != id_ and of.resource.id == part.resource.id
               and self._find_creation(other)):
            return
        for other in self.checkpoints:
            if (other.resource.id == part.resource.id
                    and other.status == 'available'
                    and other.settled < process.number
                    and (other.omitted_at or '') > created[0]):
                self.violations.append(
                    'the deleted backup %s is the last one, and checkpoint %s '
                    'left the instance out' % (id_, other.id))

    def _find_creation(self, id_):
        """Return the time and the length of the chain of a backup.

        None if the backup cannot be restored.
        """
        length, created = 0, None
        while id_ is not None:
            backup = self.fake.backups.get(id_)
            if (not backup or backup['deleting']
                    or backup['status'] != 'COMPLETED'):
                return None
            created = created or clocks.format_time(backup['created'])
            length, id_ = length + 1, backup['parent_id']
        return created, length

    def begin(self, kind, checkpoint, run):
        process = interleaving.Process(run, self.clock)
        process.kind, process.checkpoint = kind, checkpoint
        process.errors = {}
        process.built = []
        process.stood_since = self.clock.now()
        self.running.append(process)
        return process

    def _begin_flow(self, kind, checkpoint, run_hooks):
        """Start an operation on all parts of a checkpoint.

        A part whose hook fails is finished. The other parts go on.

        :param run_hooks: functions that run a hook of a part.
        """
        def run():
            for run_hook in run_hooks:
                for part in checkpoint.parts:
                    if part not in process.errors:
                        try:
                            run_hook(part)
                        except Exception as error:
                            process.errors[part] = error
            for error in process.errors.values():
                raise error

        process = self.begin(kind, checkpoint, run)
        return process

    def flow_state(self):
        return flow.FlowState(
            polling.Poller(SETTINGS.poll_interval, self.clock), 8)

    def protect(self, instance_id, settings=SETTINGS, **parameters):
        return self.protect_all([instance_id], settings, **parameters)

    def protect_all(self, instance_ids, settings=SKIP, **parameters):
        parts = []
        for instance_id in instance_ids:
            self.checkpoints.append(karbor.Checkpoint(
                self.bank, parts, karbor_resource.Resource(
                    'OS::Trove::Instance', instance_id, 'orders'),
                self.clock.now()))
        operations = self._create_operations(
            protect.ProtectOperation, parts, settings)
        return self._begin_flow('protect', parts[0], [
            lambda part: operations[part].on_prepare_begin(
                part, part.resource, CONTEXT, parameters),
            lambda part: operations[part].on_main(
                part, part.resource, CONTEXT, parameters)])

    def _create_operations(self, class_, parts, settings=SETTINGS):
        flow_state = self.flow_state()
        return {part: class_(settings, self.clock, flow_state)
                for part in parts}

    def delete(self, checkpoint):
        checkpoint.set_status('deleting')
        for part in checkpoint.parts:
            part.doomed = True
        operations = self._create_operations(
            delete.DeleteOperation, checkpoint.parts)
        return self._begin_flow('delete', checkpoint, [
            lambda part: operations[part].on_main(
                part, part.resource, CONTEXT, {})])

    def verify(self, checkpoint, settings=SETTINGS):
        operations = self._create_operations(
            verify.VerifyOperation, checkpoint.parts, settings)
        record = karbor.Record()
        return self._begin_flow('verify', checkpoint, [
            lambda part: operations[part].on_prepare_begin(
                part, part.resource, CONTEXT, {}, record),
            lambda part: operations[part].on_main(
                part, part.resource, CONTEXT, {}, record)])

    def restore(self, checkpoint, skipped=()):
        """Restore the parts of a checkpoint, except for the skipped ones."""
        operations = self._create_operations(
            restore.RestoreOperation, checkpoint.parts)
        record = karbor.Record()
        process = self._begin_flow('restore', checkpoint, [
            lambda part: operations[part].on_main(
                part, part.resource, CONTEXT,
                {'restore_skip': str(part in skipped)}, record, {})])
        process.skipped = skipped
        return process

    def accept(self, checkpoint, without=()):
        """Accept a failed checkpoint without these parts."""
        self.plugin.objects['/checkpoints/%s/index.json' % checkpoint.id] = (
            json.dumps(checkpoint.build_index()))
        # No other operation begins on it meanwhile.
        checkpoint.set_status('accepting')
        process = self._begin_command(
            'accept', checkpoint, acceptance.CheckpointAcceptance,
            id=checkpoint.id, without=[part.resource.id for part in without])
        process.without = without
        return process

    def release(self, checkpoint, backup_id):
        """Release the backup of a deleted checkpoint."""
        return self._begin_command(
            'release', checkpoint, deferred.DeferredRelease, ids=[backup_id],
            yes=True)

    def _begin_command(self, kind, checkpoint, class_, **arguments):
        provider = providers.Provider('provider', self.bank, SETTINGS)
        return self.begin(kind, checkpoint, lambda: list(class_().list_rows(
            argparse.Namespace(**arguments), [provider])))

    def break_instance(self, instance_id):
        """Let an instance be in ERROR, so it cannot be backed up."""
        self.recoveries[instance_id] = None
        self.fake.instances[instance_id]['status'] = 'ERROR'

    def delete_instance(self, instance_id):
        self.recoveries[instance_id] = None
        del self.fake.instances[instance_id]

    def repair_instance(self, instance_id):
        self.recoveries[instance_id] = self.clock.now()
        self.fake.instances[instance_id]['status'] = 'ACTIVE'

    def was_protectable(self, instance_id, since):
        """Return True if an instance could be backed up all the time."""
        recovery = self.recoveries.get(instance_id, 0)
        return recovery is not None and recovery < since

    def heal(self):
        """End all faults."""
        self.fake.heal()
        self.session.late = None

    def user_backs_up(self, instance_id, parent_id=None, **fields):
        """Create a backup as a user, unless the instance is busy."""
        body = dict(fields, instance=instance_id)
        if parent_id:
            body.update(parent_id=parent_id, incremental=1)
        try:
            self._creating(cloud.PROJECT, {'backup': body})
        except errors.ErrorResponse:
            """The instance is busy, and the user does not retry."""

    def user_deletes(self, backup_id):
        """Delete a backup and its descendants as a user."""
        deleted = self._with_children(backup_id)
        try:
            self._delete(cloud.PROJECT, backup_id)
        except errors.ErrorResponse:
            # A backup is still running. Trove may delete descendants anyway.
            deleted = {id_ for id_ in deleted if self.fake.backups.get(
                id_, {'deleting': True})['deleting']}
        self.users -= deleted
        self.harmed |= deleted

    def _with_children(self, backup_id):
        return {backup_id}.union(*(
            self._with_children(id_)
            for id_, of in self.fake.backups.items()
            if of['parent_id'] == backup_id))
