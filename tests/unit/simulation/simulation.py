"""A Trove, a bank, users and Karbor's checkpoints, and the truth on them.

What is written here of who made what comes from the fake Trove alone: the
plugin's own notes are what is judged by it.
"""

import types
from unittest import mock

from karbor.services.protection import bank_plugin
from karbor.services.protection import client_factory

from karbor_trove.operations import delete
from karbor_trove.operations import flow
from karbor_trove.operations import protect
from karbor_trove.operations import restore
from karbor_trove.operations import verify
from karbor_trove import options
from tests.fake_trove import cloud
from tests.fake_trove import errors
from tests.fake_trove import server
from tests.unit.simulation import in_memory_bank
from tests.unit.simulation import interleaving
from tests.unit.simulation import karbor_fakes as karbor

SETTINGS = options.Settings(
    poll_interval=5.0, ready_timeout=40.0, backup_timeout=60.0,
    restore_timeout=60.0, delete_timeout=60.0, full_backup_every=3)
CONTEXT = types.SimpleNamespace(project_id=cloud.PROJECT)


class World:
    """Begins operations, plays the users, and keeps the truth."""

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
        self.instances = [self.fake.add_instance('orders') for _ in range(2)]
        self.checkpoints = []
        self.running = []
        self.violations = []
        #: The truth: backups of checkpoints, of users, and what users hurt.
        self.ours = {}
        self.users = set()
        self.harmed = set()
        self._owner = None
        on = self.fake._on_backups
        self._create, on.create = on.create, self._creating
        self._delete, on.delete = on.delete, self._deleting
        on = self.fake._on_instances
        self._build, on.create = on.create, self._building

    def connected(self):
        """Let Karbor's factory of clients lead here; used by `with`."""
        return mock.patch.object(
            client_factory.ClientFactory, 'create_client', autospec=True,
            side_effect=lambda *args: self.session.client())

    @property
    def process(self):
        """Who does what is done now; None: a user."""
        return (interleaving.current() if self._owner is None
                else self._owner)

    def of(self, owner, do):
        """Do what a process asked for before."""
        before, self._owner = self._owner, owner
        try:
            return do()
        finally:
            self._owner = before

    def _creating(self, project_id, body):
        told = self._create(project_id, body)
        process = self.process
        if process is None:
            self.users.add(told['backup']['id'])
            return told
        checkpoint = process.checkpoint
        self.ours[told['backup']['id']] = checkpoint
        checkpoint.made.append(told['backup']['id'])
        if len(checkpoint.made) > 1:
            self.violations.append('I6: two backups for one request')
        return told

    def _building(self, project_id, body):
        told = self._build(project_id, body)
        self.process.built += 1
        if self.process.built > 1:
            self.violations.append('I6: two instances for one request')
        return told

    def _deleting(self, project_id, id_):
        if interleaving.current() is not None:
            children = [of['id'] for of in self.fake.backups.values()
                        if of['parent_id'] == id_]
            if children:
                self.violations.append(
                    'I4: %s goes with %s' % (children, id_))
            if id_ in self.users:
                self.violations.append('I4: %s is a user\'s' % id_)
            elif id_ in self.ours and not self.ours[id_].doomed:
                self.violations.append('I4: %s is of a live one' % id_)
        return self._delete(project_id, id_)

    def begin(self, kind, checkpoint, run):
        process = interleaving.Process(run, self.clock)
        process.kind, process.checkpoint = kind, checkpoint
        process.built = 0
        process.stood_since = self.clock.now()
        self.running.append(process)
        return process

    def protect(self, instance_id, settings=SETTINGS, **parameters):
        resource = types.SimpleNamespace(
            id=instance_id, type='OS::Trove::Instance', name='orders')
        checkpoint = karbor.Checkpoint(self.bank, resource)
        self.checkpoints.append(checkpoint)
        operation = protect.ProtectOperation(
            settings, self.clock, flow.FlowState())

        def run():
            for hook in operation.on_prepare_begin, operation.on_main:
                hook(checkpoint, resource, CONTEXT, parameters)

        return self.begin('protect', checkpoint, run)

    def delete(self, checkpoint):
        checkpoint.status = 'deleting'
        checkpoint.doomed = True
        return self.begin(
            'delete', checkpoint,
            lambda: delete.DeleteOperation(
                SETTINGS, self.clock, flow.FlowState()).on_main(
                checkpoint, checkpoint.resource, CONTEXT, {}))

    def verify(self, checkpoint, settings=SETTINGS):
        def run():
            operation = verify.VerifyOperation(settings, self.clock,
                                               flow.FlowState())
            hooks = operation.on_prepare_begin, operation.on_main
            record = karbor.Record()
            for hook in hooks:
                hook(checkpoint, checkpoint.resource, CONTEXT, {}, record)

        return self.begin('verify', checkpoint, run)

    def restore(self, checkpoint):
        return self.begin(
            'restore', checkpoint, lambda: restore.RestoreOperation(
                SETTINGS, self.clock, flow.FlowState()).on_main(
                    checkpoint, checkpoint.resource, CONTEXT, {},
                    karbor.Record(), {}))

    def heal(self):
        """Let no more requests go wrong."""
        self.fake.heal()
        self.session.late = None

    def user_backs_up(self, instance_id, parent_id=None, **words):
        body = dict(words, instance=instance_id)
        if parent_id:
            body.update(parent_id=parent_id, incremental=1)
        try:
            self._creating(cloud.PROJECT, {'backup': body})
        except errors.ErrorResponse:
            """Busy; the user comes back another time."""

    def user_deletes(self, backup_id):
        """With all that hangs on it, as Trove does."""
        gone = self._with_children(backup_id)
        try:
            self._delete(cloud.PROJECT, backup_id)
        except errors.ErrorResponse:
            # Some of it runs; what hangs on it may go all the same.
            gone = {id_ for id_ in gone if self.fake.backups.get(
                id_, {'deleting': True})['deleting']}
        self.users -= gone
        self.harmed |= gone

    def _with_children(self, backup_id):
        return {backup_id}.union(*(
            self._with_children(id_)
            for id_, of in self.fake.backups.items()
            if of['parent_id'] == backup_id))
