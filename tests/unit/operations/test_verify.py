"""What a verification says of a checkpoint."""

from karbor import exception
import pytest

KEY = 'OS::Trove::Instance#'


@pytest.fixture
def backup(protect, fake_trove):
    """The state of the checkpoint's backup in Trove."""
    protect()
    [made] = fake_trove.backups.values()
    return made


@pytest.fixture
def refused(do_verify, verify, resource):
    """Verifies in vain; gives the reason that the user reads."""
    def run():
        with pytest.raises(exception.VerifyResourceFailed) as raised:
            do_verify()
        key = KEY + resource.id
        assert verify.resources_status == {key: 'error'}
        assert verify.saved
        assert verify.resources_reason[key] in str(raised.value)
        return verify.resources_reason[key]
    return run


def test_a_complete_backup_is_available(backup, do_verify, verify, resource):
    do_verify()
    assert verify.saved[-1]['resources_status'] == {
        KEY + resource.id: 'available'}


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING', 'FAILED',
                                    'DELETE_FAILED', 'LATER_INVENTION'])
def test_a_backup_that_is_not_complete_is_named(backup, refused, status):
    backup['status'] = status
    assert refused() == 'backup %s is not COMPLETED, but %s' % (
        backup['id'], status)


def test_a_backup_that_is_gone_is_named(backup, refused, fake_trove):
    fake_trove.backups.clear()
    assert backup['id'] in refused()


def chain(fake_trove, backup, length):
    """Puts the backup at the end of a chain; gives the parents' ids."""
    parents, parent_id = [], None
    for _ in range(length):
        parent_id = fake_trove.add_backup(backup['instance_id'],
                                          parent_id=parent_id)
        parents.append(parent_id)
    backup['parent_id'] = parent_id
    return parents


def test_a_whole_chain_is_available(backup, do_verify, fake_trove, verify):
    parents = chain(fake_trove, backup, 3)
    do_verify()
    looked = [asked.path.rpartition('/')[2]
              for asked in fake_trove.find_requests('GET', '/backups/*')]
    assert looked[-4:] == [backup['id']] + parents[::-1]


@pytest.mark.parametrize('link', [0, 1, 2])
def test_a_parent_that_is_gone_is_named(backup, refused, fake_trove, link):
    gone = chain(fake_trove, backup, 3)[link]
    del fake_trove.backups[gone]
    assert gone in refused()


def test_a_parent_that_failed_is_named(backup, refused, fake_trove):
    failed = chain(fake_trove, backup, 3)[0]
    fake_trove.backups[failed]['status'] = 'FAILED'
    assert refused() == ('backup %s, which backup %s hangs on, is not '
                         'COMPLETED, but FAILED' % (failed, backup['id']))


def test_a_chain_that_bites_its_tail_ends(backup, refused):
    backup['parent_id'] = backup['id']
    assert 'its own parent' in refused()


def test_a_checkpoint_without_a_backup_is_told(refused, fake_trove):
    assert 'holds no backup' in refused()
    assert not fake_trove.requests


def test_looks_that_fail_in_passing_are_borne(
        backup, do_verify, fake_trove, verify, resource):
    fake_trove.fail('GET', '/backups/*', 'timeout', times=5)
    do_verify()
    assert verify.resources_status == {KEY + resource.id: 'available'}


@pytest.fixture
def by_50(backup, make_plugin, checkpoint, resource, context, verify, clock):
    """Verifies in vain; what begins within 50 s may take 20 s more."""
    def run():
        began = clock.now()
        with pytest.raises(exception.VerifyResourceFailed,
                           match='given up after 50 s'):
            make_plugin(ready_timeout=50).get_verify_operation(
                resource).on_main(checkpoint, resource, context, {}, verify)
        assert 50 <= clock.now() - began <= 70
    return run


def test_the_looks_at_a_chain_end_by_it_in_all(
        backup, by_50, fake_trove, clock, monkeypatch):
    chain(fake_trove, backup, 5)
    look = fake_trove._on_backups.show
    monkeypatch.setattr(
        fake_trove._on_backups, 'show',
        lambda *args: (clock.sleep(20), look(*args))[1])
    by_50()


def test_the_last_link_has_no_time_of_its_own(backup, by_50, fake_trove):
    [parent] = chain(fake_trove, backup, 1)
    fake_trove.fail('GET', '/backups/' + backup['id'], 503, times=2, takes=15)
    fake_trove.fail('GET', '/backups/' + parent, 503, times=None)
    by_50()


def test_looks_end_by_the_ready_timeout(
        backup, make_plugin, checkpoint, resource, context, verify,
        fake_trove, clock):
    fake_trove.fail('*', '*', 503, times=None)
    began = clock.now()
    with pytest.raises(exception.VerifyResourceFailed, match='HTTP 503'):
        make_plugin(ready_timeout=50).get_verify_operation(resource).on_main(
            checkpoint, resource, context, {}, verify)
    assert clock.now() - began == pytest.approx(50)
    assert 'given up' in verify.resources_reason[KEY + resource.id]
