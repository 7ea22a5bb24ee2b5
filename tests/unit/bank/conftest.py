"""A section of the bank for the tests of bank/."""

import pytest


@pytest.fixture
def section(bank):
    """Return the section of an instance in a checkpoint."""
    return bank.get_sub_section('/checkpoints/checkpoint-1/resource-data/a')
