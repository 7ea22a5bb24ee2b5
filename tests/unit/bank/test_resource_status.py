"""Tests of bank/resource_status.py: the status and the failure reason."""

import pathlib

from karbor_trove.bank import resource_status


def test_failure_reason_is_none_before_the_first_failure(section):
    assert resource_status.read_failure_reason(section) is None


def test_failure_reason_is_stored_as_ascii(section, bank):
    reason = 'Gr\u00f6\u00dfe\n"status": {\n'
    resource_status.mark_failed(section, 'error', reason)
    assert section.get_object('status') == 'error'
    assert resource_status.read_failure_reason(section) == reason
    [path] = pathlib.Path(bank._plugin.file_system_bank_path).rglob('reason')
    path.read_text('ascii')


def test_corrupt_failure_reason_is_returned_as_it_is(section):
    section.update_object('reason', '["the quo')
    assert resource_status.read_failure_reason(section) == '["the quo'
