"""As much of Karbor's records and checkpoints as the operations use."""

import uuid

from karbor.services.protection import graph

from tests.fake_trove import cloud


class Record:
    """Karbor's, of a restore or a verification."""

    def __init__(self):
        self.id = str(uuid.uuid4())
        self.told = []

    def update_resource_status(self, *told):
        self.told.append(told)

    def save(self):
        """Keep it; it is kept already."""


class Checkpoint:
    """One checkpoint of one instance, in Karbor's words for its status."""

    def __init__(self, bank, resource):
        self.id = str(uuid.uuid4())
        self.project_id = cloud.PROJECT
        self.resource = resource
        self.resource_graph = [graph.GraphNode(resource, ())]
        self.status = 'protecting'
        self.process = None
        self.section = bank.get_sub_section(
            '/checkpoints/%s/%s' % (self.id, resource.id))
        #: Whether somebody wanted it to be deleted, also in vain.
        self.doomed = False
        #: The backups that Trove made for it.
        self.made = []

    def get_resource_bank_section(self, resource_id):
        return self.section
