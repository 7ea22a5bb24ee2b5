"""Results of a verification at level backup."""

from karbor import exception
import pytest

KEY = 'OS::Trove::Instance#'


@pytest.fixture
def backup(protect, fake_trove):
    """The backup of the checkpoint, as the fake Trove stores it."""
    protect()
    [backup] = fake_trove.backups.values()
    return backup


@pytest.fixture
def fail_verify(do_verify, verify, resource):
    """Return a function that runs a verification which fails.

    It returns the reason in Karbor's record.
    """
    def run():
        with pytest.raises(exception.VerifyResourceFailed) as raised:
            do_verify()
        key = KEY + resource.id
        assert verify.resources_status == {key: 'error'}
        assert verify.saved
        assert verify.resources_reason[key] in str(raised.value)
        return verify.resources_reason[key]
    return run


def test_verify_passes_with_a_complete_backup(
        backup, do_verify, verify, resource):
    do_verify()
    assert verify.saved[-1]['resources_status'] == {
        KEY + resource.id: 'available'}


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING', 'FAILED',
                                    'DELETE_FAILED', 'LATER_INVENTION'])
def test_verify_fails_when_the_backup_is_not_complete(
        backup, fail_verify, status):
    backup['status'] = status
    assert fail_verify() == 'backup %s is not COMPLETED, but %s' % (
        backup['id'], status)


def test_verify_fails_when_the_backup_does_not_exist(
        backup, fail_verify, fake_trove):
    fake_trove.backups.clear()
    assert backup['id'] in fail_verify()


def add_parents(fake_trove, backup, length):
    """Put the backup at the end of a chain, and return the parents' ids."""
    parents, parent_id = [], None
    for _ in range(length):
        parent_id = fake_trove.add_backup(backup['instance_id'],
                                          parent_id=parent_id)
        parents.append(parent_id)
    backup['parent_id'] = parent_id
    return parents


def test_verify_checks_the_chain_from_the_backup_to_its_root(
        backup, do_verify, fake_trove, verify):
    parents = add_parents(fake_trove, backup, 3)
    do_verify()
    backup_ids = [request.path.rpartition('/')[2]
                  for request in fake_trove.find_requests('GET', '/backups/*')]
    assert backup_ids[-4:] == [backup['id']] + parents[::-1]


@pytest.mark.parametrize('link', [0, 1, 2])
def test_verify_fails_when_a_parent_does_not_exist(
        backup, fail_verify, fake_trove, link):
    parent_id = add_parents(fake_trove, backup, 3)[link]
    del fake_trove.backups[parent_id]
    assert parent_id in fail_verify()


def test_verify_fails_when_a_parent_failed(backup, fail_verify, fake_trove):
    parent_id = add_parents(fake_trove, backup, 3)[0]
    fake_trove.backups[parent_id]['status'] = 'FAILED'
    assert fail_verify() == (
        'backup %s, in the chain of backup %s, is not COMPLETED, but FAILED'
        % (parent_id, backup['id']))


def test_verify_fails_when_a_backup_is_its_own_parent(backup, fail_verify):
    backup['parent_id'] = backup['id']
    assert 'its own parent' in fail_verify()


def test_verify_fails_when_the_checkpoint_has_no_backup(
        fail_verify, fake_trove):
    assert 'holds no backup' in fail_verify()
    assert not fake_trove.requests


def test_verify_retries_checks_that_fail_briefly(
        backup, do_verify, fake_trove, verify, resource):
    fake_trove.fail('GET', '/backups/*', 'timeout', times=5)
    do_verify()
    assert verify.resources_status == {KEY + resource.id: 'available'}


@pytest.fixture
def time_out_verify(backup, make_plugin, checkpoint, resource, context,
                    verify, clock):
    """Return a function that runs a verification with a timeout of 50 s.

    A check that starts before the timeout may take 20 s longer.
    """
    def run():
        start_time = clock.now()
        with pytest.raises(exception.VerifyResourceFailed,
                           match='given up after 50 s'):
            make_plugin(ready_timeout=50).get_verify_operation(
                resource).on_main(checkpoint, resource, context, {}, verify)
        assert 50 <= clock.now() - start_time <= 70
    return run


def test_ready_timeout_limits_all_checks_of_a_chain_together(
        backup, time_out_verify, fake_trove, clock, monkeypatch):
    add_parents(fake_trove, backup, 5)
    show = fake_trove._on_backups.show
    monkeypatch.setattr(
        fake_trove._on_backups, 'show',
        lambda *args: (clock.sleep(20), show(*args))[1])
    time_out_verify()


def test_ready_timeout_limits_the_check_of_the_last_parent(
        backup, time_out_verify, fake_trove):
    [parent] = add_parents(fake_trove, backup, 1)
    fake_trove.fail('GET', '/backups/' + backup['id'], 503, times=2, takes=15)
    fake_trove.fail('GET', '/backups/' + parent, 503, times=None)
    time_out_verify()


def test_verify_fails_after_ready_timeout(
        backup, make_plugin, checkpoint, resource, context, verify, fake_trove,
        clock):
    fake_trove.fail('*', '*', 503, times=None)
    start_time = clock.now()
    with pytest.raises(exception.VerifyResourceFailed, match='HTTP 503'):
        make_plugin(ready_timeout=50).get_verify_operation(resource).on_main(
            checkpoint, resource, context, {}, verify)
    assert clock.now() - start_time == pytest.approx(50)
    assert 'given up' in verify.resources_reason[KEY + resource.id]
