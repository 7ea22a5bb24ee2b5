"""Simulation of Trove, a bank, users and Karbor's checkpoints.

The owner of each backup is recorded only from the calls of the fake Trove.
The plugin's own journal is checked against that.
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
from karbor_trove import polling
from tests.fake_trove import cloud
from tests.fake_trove import errors
from tests.fake_trove import server
from tests.unit.simulation import in_memory_bank
from tests.unit.simulation import interleaving
from tests.unit.simulation import karbor_fakes as karbor

SETTINGS = options.Settings(
    poll_interval=5.0, ready_timeout=40.0, backup_timeout=60.0,
    restore_timeout=60.0, delete_timeout=60.0, full_backup_every=3)
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
        self.instances = [self.fake.add_instance('orders') for _ in range(2)]
        self.checkpoints = []
        self.running = []
        self.violations = []
        #: Backups of checkpoints, backups of users, and those that users
        #: deleted.
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
        """Patch Karbor's client factory to use this simulation."""
        return mock.patch.object(
            client_factory.ClientFactory, 'create_client', autospec=True,
            side_effect=lambda *args: self.session.client())

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
        checkpoint = process.checkpoint
        self.ours[response['backup']['id']] = checkpoint
        checkpoint.made.append(response['backup']['id'])
        if len(checkpoint.made) > 1:
            self.violations.append('I6: two backups for one request')
        return response

    def _building(self, project_id, body):
        response = self._build(project_id, body)
        self.process.built += 1
        if self.process.built > 1:
            self.violations.append('I6: two instances for one request')
        return response

    def _deleting(self, project_id, id_):
        if interleaving.current() is not None:
            children = [of['id'] for of in self.fake.backups.values()
                        if of['parent_id'] == id_]
            if children:
                self.violations.append(
                    'I4: Trove deletes the children %s with %s'
                    % (children, id_))
            if id_ in self.users:
                self.violations.append('I4: %s is of a user' % id_)
            elif id_ in self.ours and not self.ours[id_].doomed:
                self.violations.append(
                    'I4: %s is of a live checkpoint' % id_)
        return self._delete(project_id, id_)

    def begin(self, kind, checkpoint, run):
        process = interleaving.Process(run, self.clock)
        process.kind, process.checkpoint = kind, checkpoint
        process.built = 0
        process.stood_since = self.clock.now()
        self.running.append(process)
        return process

    def flow_state(self):
        return flow.FlowState(
            polling.Poller(SETTINGS.poll_interval, self.clock), 8)

    def protect(self, instance_id, settings=SETTINGS, **parameters):
        resource = types.SimpleNamespace(
            id=instance_id, type='OS::Trove::Instance', name='orders')
        checkpoint = karbor.Checkpoint(self.bank, resource)
        self.checkpoints.append(checkpoint)
        operation = protect.ProtectOperation(
            settings, self.clock, self.flow_state())

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
                SETTINGS, self.clock, self.flow_state()).on_main(
                checkpoint, checkpoint.resource, CONTEXT, {}))

    def verify(self, checkpoint, settings=SETTINGS):
        def run():
            operation = verify.VerifyOperation(settings, self.clock,
                                               self.flow_state())
            hooks = operation.on_prepare_begin, operation.on_main
            record = karbor.Record()
            for hook in hooks:
                hook(checkpoint, checkpoint.resource, CONTEXT, {}, record)

        return self.begin('verify', checkpoint, run)

    def restore(self, checkpoint):
        return self.begin(
            'restore', checkpoint, lambda: restore.RestoreOperation(
                SETTINGS, self.clock, self.flow_state()).on_main(
                    checkpoint, checkpoint.resource, CONTEXT, {},
                    karbor.Record(), {}))

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
