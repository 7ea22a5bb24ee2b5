"""Instances that one thread removes while another thread reads them."""

import pytest

from karbor_trove.trove import models
from karbor_trove.trove import recent_instances

IDS = ['a', 'b', 'c']


class Clock:
    """A clock. When it is read for the last time, another thread runs."""

    def __init__(self):
        self.time = 0.0
        self.readings = 1000
        self.run_other = None

    def now(self):
        self.readings -= 1
        if self.readings == 0:
            self.run_other()
        return self.time


@pytest.mark.parametrize('readings', range(1, 7))
@pytest.mark.parametrize('removed', IDS)
def test_backup_may_begin_while_another_thread_reads_instances(
        removed, readings):
    clock = Clock()
    instances = recent_instances.RecentInstances(clock)
    instances.add_ids(IDS)

    def read(wanted):
        return {id_: models.Instance(id=id_, name=id_, status='ACTIVE')
                for id_ in wanted}

    instances.find_or_read(read, IDS)
    clock.time = 60.0
    clock.readings = readings
    clock.run_other = lambda: instances.remove(removed)
    assert 'a' in instances.find_or_read(read, ['a'])
