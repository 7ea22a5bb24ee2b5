"""Restored instances whose database does not come up."""

from karbor import exception
import pytest

from tests.fake_trove import karbor_records

KEY = 'OS::Trove::Instance#'
FAULT = 'No valid host was found.'


@pytest.fixture
def fail_restore(protect, make_plugin, checkpoint, resource, context,
                 restore, fake_trove):
    """Return a function that runs a restore which fails.

    It takes the options of the provider file. It returns the id of the
    restored instance and the lines of the reason.
    """
    protect()

    def run(**options):
        new_resources = {}
        with pytest.raises(exception.RestoreResourceFailed):
            make_plugin(**options).get_restore_operation(resource).on_main(
                checkpoint, resource, context, {}, restore, new_resources)
        assert not new_resources
        [(key, reason)] = restore.resources_reason.items()
        assert restore.resources_status == {key: 'error'}
        return key[len(KEY):], karbor_records.split_reason(reason)
    return run


@pytest.mark.parametrize('options', [{}, {'keep_failed_restores': True}])
def test_failed_instance_is_kept_by_default(
        fail_restore, fake_trove, resource, options):
    fake_trove.next_instance('ERROR', fault=FAULT)
    instance_id, lines = fail_restore(**options)
    assert set(fake_trove.instances) == {resource.id, instance_id}
    assert lines == [
        'instance %s has the status ERROR: %s' % (instance_id, FAULT),
        'instance %s is kept for inspection until you delete it' % instance_id]


def test_failed_instance_is_deleted_without_keep_failed_restores(
        fail_restore, fake_trove, resource):
    fake_trove.next_instance('ERROR', fault=FAULT)
    instance_id, lines = fail_restore(keep_failed_restores=False)
    assert set(fake_trove.instances) == {resource.id}
    assert lines == [
        'instance %s has the status ERROR: %s' % (instance_id, FAULT),
        'instance %s was deleted' % instance_id]


def test_reason_has_both_errors_when_the_deletion_is_rejected(
        fail_restore, fake_trove):
    fake_trove.next_instance('ERROR', fault=FAULT)
    fake_trove.fail('DELETE', '/instances/*', 403)
    instance_id, lines = fail_restore(keep_failed_restores=False)
    assert instance_id in fake_trove.instances
    assert FAULT in lines[0]
    assert lines[1].startswith('instance %s could not be deleted, so delete '
                               'it yourself: ' % instance_id)
    assert 'HTTP 403' in lines[1]


def test_deletion_of_a_failed_instance_ends_after_delete_timeout(
        fail_restore, fake_trove, clock):
    fake_trove.next_instance('ERROR', fault=FAULT)
    fake_trove.next_delete()
    start_time = clock.now()
    _, lines = fail_restore(keep_failed_restores=False, delete_timeout=70)
    assert FAULT in lines[0] and 'given up after 70 s' in lines[1]
    assert clock.now() - start_time < 100


@pytest.mark.parametrize('keep', [True, False])
def test_instance_that_is_not_up_in_time_is_always_kept(
        fail_restore, fake_trove, keep):
    fake_trove.next_instance(seconds=None)
    instance_id, lines = fail_restore(keep_failed_restores=keep,
                                      restore_timeout=60)
    assert instance_id in fake_trove.instances
    assert not fake_trove.find_requests('DELETE')
    assert 'given up after 60 s' in lines[0]
    assert lines[1:] == ['instance %s is kept until you delete it, because '
                         'its database may still start' % instance_id]


def test_instance_is_kept_when_trove_rejects_reading_it(
        fail_restore, fake_trove):
    fake_trove.fail('GET', '/instances/*', 403, times=None)
    instance_id, lines = fail_restore(keep_failed_restores=False)
    assert instance_id in fake_trove.instances
    assert 'may still start' in lines[1]


def test_restore_fails_when_a_user_deletes_the_instance(
        fail_restore, fake_trove, resource, monkeypatch, clock):
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        [fake_trove.instances.pop(id_) for id_ in set(fake_trove.instances)
         - {resource.id}], sleep(seconds)))
    _, lines = fail_restore(keep_failed_restores=False)
    assert len(lines) == 1 and 'cannot be found' in lines[0]
    assert not fake_trove.find_requests('DELETE')
