"""Resources of one flow write into one record, one after another."""

import threading

from karbor import exception
import pytest

from karbor_trove.operations import flow


class Record:
    """As Karbor's; while it saves first, somebody else writes."""

    id = 'the-record'

    def __init__(self, second):
        self.saved = []
        self.changed = {}
        self._second = threading.Thread(target=second, args=(self,))

    def update_resource_status(self, type_, id_, status, reason):
        self.changed[id_] = status

    def save(self):
        if not self.saved:
            self.saved.append(None)
            self._second.start()
            # It must get nowhere: that takes no longer than this.
            self._second.join(0.05)
        self.saved.append(dict(self.changed))
        # As Karbor's: all is taken for saved.
        self.changed.clear()

    def all_saved(self):
        self._second.join()
        return self.saved[1:]


def test_nobody_writes_while_another_saves():
    shared = flow.FlowState()
    record = Record(
        lambda record: shared.set_status(record, 'type', '2', 'available'))
    shared.set_status(record, 'type', '1', 'error', 'gone')
    assert record.all_saved() == [{'1': 'error'}, {'2': 'available'}]


@pytest.mark.parametrize('operation', ['restore', 'verify'])
def test_nor_do_the_operations_of_one_flow(
        make_plugin, checkpoint, in_threads, context, fake_trove, operation):
    plugin = make_plugin()
    make = getattr(plugin, 'get_%s_operation' % operation)

    def run(id_):
        # There is no backup: it is told without a request.
        resource = in_threads.resource(id_)
        with pytest.raises(exception.KarborException, match='no backup'):
            make(resource).on_main(checkpoint, resource, context, {},
                                   new_resources={}, **{operation: record})

    record = Record(lambda record: run('2'))
    run('1')
    assert record.all_saved() == [{'1': 'error'}, {'2': 'error'}]
