"""Resources of one flow write into one record, one after another."""

import threading

from karbor_trove import outcome


def test_nobody_writes_while_another_saves():
    shared = outcome.Outcome()

    class Record:
        """Lets a second resource write while the first one saves."""

        def __init__(self):
            self.saved = []
            self.changed = {}
            self.second = threading.Thread(
                target=shared.tell, args=(self, 'type', '2', 'available'))

        def update_resource_status(self, type_, id_, status, reason):
            self.changed[id_] = status

        def save(self):
            if not self.saved:
                self.saved.append(None)
                self.second.start()
                # It must get nowhere: that takes no longer than this.
                self.second.join(0.05)
            self.saved.append(dict(self.changed))
            # As Karbor's: all is taken for saved.
            self.changed.clear()

    record = Record()
    shared.tell(record, 'type', '1', 'error', 'gone')
    record.second.join()
    assert record.saved[1:] == [{'1': 'error'}, {'2': 'available'}]
