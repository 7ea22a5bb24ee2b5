"""Fakes of the parts of Karbor's records and checkpoints that we use."""

import uuid

from karbor.services.protection import graph

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
    """A checkpoint of one instance, with Karbor's status names."""

    def __init__(self, bank, resource):
        self.id = str(uuid.uuid4())
        self.project_id = cloud.PROJECT
        self.resource = resource
        self.resource_graph = [graph.GraphNode(resource, ())]
        self.status = 'protecting'
        self.process = None
        self.section = bank.get_sub_section(
            '/checkpoints/%s/%s' % (self.id, resource.id))
        #: Whether its deletion was requested, even if that failed.
        self.doomed = False
        #: The ids of the backups that Trove created for it.
        self.made = []

    def get_resource_bank_section(self, resource_id):
        return self.section
