"""A small stateful Trove for unit tests, at the HTTP boundary.

    fake = FakeTrove(Clock(), release='victoria')
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        fake.attach(mocker)
        instance_id = fake.add_instance(name='orders')
        fake.next_backup(status='FAILED', seconds=3)
        fake.fail('POST', '/backups', 'reset', after=True)

The tests in tests/conformance run against this fake and against a real Trove.
They keep the behaviour of both equal.
"""

from tests.fake_trove.clock import Clock
from tests.fake_trove.cloud import NETWORK
from tests.fake_trove.cloud import PROJECT
from tests.fake_trove.faults import Response
from tests.fake_trove.server import FakeTrove

__all__ = ['Clock', 'FakeTrove', 'NETWORK', 'PROJECT', 'Response']
