"""Serialized status updates of the resources of one flow."""

import threading
import uuid

from karbor import exception
import pytest

from karbor_trove.operations import flow


class Record:
    """A record like Karbor's. Another thread writes during its first save."""

    id = 'the-record'

    def __init__(self, other):
        self.saved = []
        self.changed = {}
        self._other_thread = threading.Thread(target=other, args=(self,))

    def update_resource_status(self, type_, id_, status, reason):
        self.changed[id_] = status

    def save(self):
        if not self.saved:
            self.saved.append(None)
            self._other_thread.start()
            # The other thread must wait. Give it time to fail to do so.
            self._other_thread.join(0.05)
        self.saved.append(dict(self.changed))
        # Like Karbor, mark all changes as saved.
        self.changed.clear()

    def all_saved(self):
        self._other_thread.join()
        return self.saved[1:]


def test_status_is_not_changed_while_the_record_is_saved():
    state = flow.FlowState()
    record = Record(
        lambda record: state.set_status(record, 'type', '2', 'available'))
    state.set_status(record, 'type', '1', 'error', 'gone')
    assert record.all_saved() == [{'1': 'error'}, {'2': 'available'}]


@pytest.mark.parametrize('operation', ['restore', 'verify'])
def test_operations_of_one_flow_save_every_status(
        make_plugin, checkpoint, build_resource, context, fake_trove,
        operation):
    plugin = make_plugin()
    make = getattr(plugin, 'get_%s_operation' % operation)

    def run(id_):
        # There is no backup, so the operation fails without a request.
        resource = build_resource(id_)
        with pytest.raises(exception.KarborException, match='no backup'):
            make(resource).on_main(checkpoint, resource, context, {},
                                   new_resources={}, **{operation: record})

    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    record = Record(lambda record: run(second))
    run(first)
    assert record.all_saved() == [{first: 'error'}, {second: 'error'}]
