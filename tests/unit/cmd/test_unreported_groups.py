"""Configuration groups of killed restores in karbor-trove-manage deferred."""

import pytest

from karbor_trove.bank import restore_journal
from tests.fake_trove import cloud as clouds
from tests.unit.cmd import test_checkpoints

REQUESTED_AT = '2026-01-01T00:00:00'
GROUP = '22222222-2222-4222-8222-222222222222'


@pytest.fixture
def journal(bank, resource):
    return restore_journal.ConfigurationJournal(bank, resource.id)


@pytest.fixture
def interrupt(journal, resource):
    """Return a function that writes the entry that a crash leaves."""
    def interrupt(restore_id='restore-1', **fields):
        journal.write(restore_journal.RestoreEntry(
            resource.id, restore_id, 'tuned', project_id=clouds.PROJECT, **{
                'time_before_request': REQUESTED_AT,
                'worker': test_checkpoints.ended_worker(), **fields}))
    return interrupt


@pytest.mark.parametrize('created_id, end', [
    (GROUP, 'The id of the group is ' + GROUP),
    (None, 'If the group exists, its description names the restore')])
def test_group_that_no_restore_has_reported_is_listed(
        manage, interrupt, resource, created_id, end):
    interrupt(created_id=created_id)
    [row] = manage('deferred', 'list')
    assert {key: row[key] for key in ('what', 'project', 'instance',
                                      'restore', 'since', 'why')} == {
        'what': 'configuration group', 'project': clouds.PROJECT,
        'instance': resource.id, 'restore': 'restore-1',
        'since': REQUESTED_AT + 'Z',
        'why': 'restore restore-1 has not reported configuration group '
               '"tuned" yet. ' + end}


def test_entry_of_a_group_that_cannot_be_read_is_listed(
        manage, bank, resource):
    path = '/karbor-trove/%s/configurations/restore-1' % resource.id
    bank.update_object(path, '{"na')
    [row] = manage('deferred', 'list')
    assert row['restore'] == 'restore-1'
    assert path in row['why'] and 'is corrupt' in row['why']


def test_sweep_keeps_the_entry_of_a_group(manage, interrupt, journal):
    interrupt()
    assert manage('deferred', 'sweep') == []
    assert journal.list_keys() == ['restore-1']


def test_dismiss_deletes_the_entries_of_instance_and_group(
        manage, interrupt, journal, bank, resource, fake_trove):
    fake_trove.configurations[GROUP] = {}
    interrupt(created_id=GROUP)
    restores = restore_journal.RestoreJournal(bank, resource.id)
    restores.write(restore_journal.RestoreEntry(
        resource.id, 'restore-1', 'again', REQUESTED_AT, clouds.PROJECT,
        test_checkpoints.ended_worker()))
    rows = manage('deferred', 'dismiss', 'restore-1')
    assert [row['name'] for row in rows] == ['again', 'tuned']
    assert not journal.list_keys() and not restores.list_keys()
    assert GROUP in fake_trove.configurations


def test_dismiss_needs_force_if_the_restore_may_run(
        manage, interrupt, journal):
    interrupt(worker=None, time_before_request=None)
    assert 'may still' in manage('deferred', 'dismiss', 'restore-1', expect=1)
    assert journal.list_keys()
    manage('deferred', 'dismiss', 'restore-1', '--force')
    assert not journal.list_keys()
