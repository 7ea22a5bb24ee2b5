"""Fakes of the parts of Karbor's records and checkpoints that we use."""

import uuid

from karbor.services.protection import graph

from karbor_trove.bank import layout
from tests.fake_trove import cloud


class Record:
    """Karbor's record of a restore or a verification."""

    def __init__(self):
        self.id = str(uuid.uuid4())
        self.updates = []

    def update_resource_status(self, *update):
        self.updates.append(update)

    def save(self):
        """Do nothing, since the record is only in memory."""


class Checkpoint:
    """What a checkpoint has of one instance.

    A checkpoint of several instances has one such part for each.
    """

    def __init__(self, bank, parts, resource, created):
        self._bank = bank
        #: All parts of the checkpoint, this one included.
        self.parts = parts
        self.id = parts[0].id if parts else str(uuid.uuid4())
        parts.append(self)
        self.project_id = cloud.PROJECT
        self.resource = resource
        self.created = created
        #: Karbor's status of the checkpoint. All parts have the same.
        self.status = 'protecting'
        self.process = None
        self.section = self.get_resource_bank_section(resource.id)
        #: Whether its deletion was requested, even if that failed.
        self.doomed = False
        #: The ids of the backups that Trove created for it.
        self.made = []
        #: The time of its omission, if the available checkpoint left the
        #: instance out. None if the checkpoint has a backup.
        self.omitted_at = None
        #: The number of the process that made it available.
        self.settled = None

    @property
    def resource_graph(self):
        return [graph.GraphNode(part.resource, ()) for part in self.parts]

    def set_status(self, status):
        for part in self.parts:
            part.status = status

    def get_resource_bank_section(self, resource_id):
        return self._bank.get_sub_section('%s/%s' % (
            layout.checkpoint_folder(self.id),
            layout.resource_folder(resource_id)))

    def build_index(self):
        """Return index.json, as Karbor writes it for a failed checkpoint."""
        return {'id': self.id, 'status': 'error', 'project_id': cloud.PROJECT,
                'provider_id': 'provider', 'created_at': '2026-01-01',
                'timestamp': int(self.created),
                'protection_plan': {'id': 'plan'},
                'resource_graph': graph.serialize_resource_graph(
                    self.resource_graph)}
