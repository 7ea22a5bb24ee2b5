"""What we rely on in Trove, stated once and held to both Troves.

suite.TroveBehaviour runs against the unit tests' fake and against the real
one of the sandbox. Where the two differ, the real one is right.
"""

import pytest

pytest.register_assert_rewrite(
    'tests.conformance.accounts', 'tests.conformance.backups',
    'tests.conformance.instances', 'tests.conformance.swift',
    'tests.conformance.restores')
