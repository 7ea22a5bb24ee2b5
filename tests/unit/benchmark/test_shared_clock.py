"""Clock that Karbor and the server of the benchmark share."""

import subprocess
import sys
import time

from tests.benchmark import shared_clock

SLEEPERS = '''
import pathlib, sys, time
from tests.benchmark import shared_clock
start = time.monotonic()
clock = shared_clock.SharedClock.create(pathlib.Path(sys.argv[1]))
shared_clock.install(clock, is_skipping=True)
import eventlet
order = []
def sleep(seconds):
    time.sleep(seconds)
    order.append((seconds, round(time.monotonic() - start)))
for thread in [eventlet.spawn(sleep, hours * 3600) for hours in (8, 1, 4)]:
    thread.wait()
print(order)
'''


def test_skipped_time_is_seen_by_all_clocks_of_a_file(tmp_path):
    first = shared_clock.SharedClock.create(tmp_path / 'clock')
    second = shared_clock.SharedClock(tmp_path / 'clock')
    first.skip(3600.0)
    first.skip(600.0)
    assert second.skipped == 4200.0
    assert second.time() - time.time() > 4199.0
    assert second.monotonic() - time.monotonic() > 4199.0


def test_sleeping_green_threads_skip_time_in_the_right_order(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', SLEEPERS, str(tmp_path / 'clock')],
        stdout=subprocess.PIPE, text=True, check=True)
    # Importing eventlet may take a second.
    order = eval(done.stdout)
    assert [slept for slept, _ in order] == [3600, 14400, 28800]
    assert all(slept <= end < slept + 60 for slept, end in order)
