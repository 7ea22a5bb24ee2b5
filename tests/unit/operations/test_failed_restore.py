"""What becomes of a restored instance whose database does not come up."""

from karbor import exception
import pytest

KEY = 'OS::Trove::Instance#'
FAULT = 'No valid host was found.'


@pytest.fixture
def fail(protect, make_plugin, checkpoint, resource, context, restore,
         fake_trove):
    """Restores in vain with a provider's options; id and lines of reason."""
    protect()

    def do(**options):
        new_resources = {}
        with pytest.raises(exception.RestoreResourceFailed):
            make_plugin(**options).get_restore_operation(resource).on_main(
                checkpoint, resource, context, {}, restore, new_resources)
        assert not new_resources
        [(key, reason)] = restore.resources_reason.items()
        assert restore.resources_status == {key: 'error'}
        return key[len(KEY):], reason.splitlines()
    return do


@pytest.mark.parametrize('options', [{}, {'keep_failed_restores': True}])
def test_it_is_kept_and_told(fail, fake_trove, resource, options):
    fake_trove.next_instance('ERROR', fault=FAULT)
    new_id, lines = fail(**options)
    assert set(fake_trove.instances) == {resource.id, new_id}
    assert lines == [
        'instance %s has the status ERROR: %s' % (new_id, FAULT),
        'instance %s is kept, for a look at it, until you delete it' % new_id]


def test_or_deleted_and_told(fail, fake_trove, resource):
    fake_trove.next_instance('ERROR', fault=FAULT)
    new_id, lines = fail(keep_failed_restores=False)
    assert set(fake_trove.instances) == {resource.id}
    assert lines == [
        'instance %s has the status ERROR: %s' % (new_id, FAULT),
        'instance %s was deleted' % new_id]


def test_one_that_cannot_be_deleted_does_not_hide_why_it_failed(
        fail, fake_trove):
    fake_trove.next_instance('ERROR', fault=FAULT)
    fake_trove.fail('DELETE', '/instances/*', 403)
    new_id, lines = fail(keep_failed_restores=False)
    assert new_id in fake_trove.instances
    assert FAULT in lines[0]
    assert lines[1].startswith('instance %s could not be deleted, and is left '
                               'to you: ' % new_id)
    assert 'HTTP 403' in lines[1]


def test_one_that_does_not_go_is_given_up(fail, fake_trove, clock):
    fake_trove.next_instance('ERROR', fault=FAULT)
    fake_trove.next_delete()
    began = clock.now()
    new_id, lines = fail(keep_failed_restores=False, delete_timeout=70)
    assert FAULT in lines[0] and 'given up after 70 s' in lines[1]
    assert clock.now() - began < 100


@pytest.mark.parametrize('keep', [True, False])
def test_one_that_is_merely_late_always_stays(fail, fake_trove, keep):
    fake_trove.next_instance(seconds=None)
    new_id, lines = fail(keep_failed_restores=keep, restore_timeout=60)
    assert new_id in fake_trove.instances
    assert not fake_trove.find_requests('DELETE')
    assert 'given up after 60 s' in lines[0]
    assert lines[1:] == ['instance %s is kept until you delete it: its '
                         'database may still come up' % new_id]


def test_so_does_one_that_trove_tells_no_more_of(fail, fake_trove):
    fake_trove.fail('GET', '/instances/*', 403, times=None)
    new_id, lines = fail(keep_failed_restores=False)
    assert new_id in fake_trove.instances
    assert 'may still come up' in lines[1]


def test_one_that_somebody_deletes_meanwhile_is_gone(
        fail, fake_trove, resource, monkeypatch, clock):
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        [fake_trove.instances.pop(id_) for id_ in set(fake_trove.instances)
         - {resource.id}], sleep(seconds)))
    _, lines = fail(keep_failed_restores=False)
    assert len(lines) == 1 and 'cannot be found' in lines[0]
    assert not fake_trove.find_requests('DELETE')
