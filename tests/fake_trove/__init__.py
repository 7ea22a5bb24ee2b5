"""A small Trove for unit tests, at the HTTP boundary and with a memory.

    fake = FakeTrove(Clock(), release='victoria')
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        fake.attach(mocker)
        instance_id = fake.add_instance(name='orders')
        fake.next_backup(status='FAILED', seconds=3)
        fake.fail('POST', '/backups', 'reset', after=True)

Held to the real Trove by tests/conformance, which runs against both.
"""

from tests.fake_trove.clock import Clock
from tests.fake_trove.cloud import NETWORK
from tests.fake_trove.cloud import PROJECT
from tests.fake_trove.faults import Answer
from tests.fake_trove.server import FakeTrove

__all__ = ['Answer', 'Clock', 'FakeTrove', 'NETWORK', 'PROJECT']
