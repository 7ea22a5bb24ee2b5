"""Test suite for the behaviour of Trove on which the plugin relies.

The suite runs against the fake Trove in the unit tests, and against the real
Trove in the functional tests. If the two differ, correct the fake Trove. The
class of the tests is suite.TroveBehaviour.
"""

import pytest

pytest.register_assert_rewrite(
    'tests.conformance.accounts', 'tests.conformance.backups',
    'tests.conformance.configurations', 'tests.conformance.instances',
    'tests.conformance.swift', 'tests.conformance.restores')
