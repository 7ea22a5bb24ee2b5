"""Behaviour of Trove that the plugin relies on, as one test suite.

suite.TroveBehaviour runs against the fake Trove of the unit tests and against
the real Trove of the sandbox. If the two differ, fix the fake one.
"""

import pytest

pytest.register_assert_rewrite(
    'tests.conformance.accounts', 'tests.conformance.backups',
    'tests.conformance.configurations', 'tests.conformance.instances',
    'tests.conformance.swift', 'tests.conformance.restores')
