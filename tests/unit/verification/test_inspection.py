"""What a verification finds at each of its levels."""

import pytest

from karbor_trove.bank import manifests
from karbor_trove.bank import verification_results
from karbor_trove.trove import models
from tests.fake_trove import serialization

KEY = 'OS::Trove::Instance#'


@pytest.fixture
def backup(protect_at, fake_trove):
    """The state of the checkpoint's backup; its object has 3 segments."""
    fake_trove.objects.segment_count = 3
    protect_at('restore')
    [made] = fake_trove.backups.values()
    return made


@pytest.fixture
def segments(backup, fake_trove):
    """The URLs of the backup's segments."""
    return fake_trove.objects.segment_urls(serialization.location(backup))


def name(url):
    """An object's container and name."""
    return '/'.join(url.split('/')[-2:])


# Level backup.


def test_a_backup_says_what_was_looked_at(backup, verify_at):
    assert verify_at() == [
        'verified at level backup', 'backup: 1 in the chain, all COMPLETED',
        'datastore: postgresql 18 is active']


@pytest.mark.parametrize('offered, said', [
    (['17', '16'], 'active are: 17'), ([], 'active are: none')])
def test_a_version_that_is_no_longer_active_fails_it(
        backup, verify_at, fake_trove, offered, said):
    fake_trove.datastores['postgresql'] = offered
    [line] = verify_at(passes=False)
    assert line == ('version 18 of datastore postgresql is not there or not '
                    'active; ' + said)


def test_a_trove_that_does_not_tell_its_versions_fails_nothing(
        backup, verify_at, fake_trove):
    fake_trove.fail('GET', '/datastores/*', 403, times=None)
    assert 'could not be found out' in verify_at()[2]


def test_a_version_that_was_not_recorded_fails_nothing(
        backup, verify_at, section):
    kept = section.get_object('metadata')
    section.update_object('metadata', dict(kept, datastore={}))
    assert 'was not recorded' in verify_at()[2]


def test_what_was_recorded_for_a_backup_alone_is_little(
        protect_at, verify_at, fake_trove, bank, resource, section):
    protect_at('backup')
    [backup_id] = fake_trove.backups
    assert manifests.ManifestStore(bank, resource.id).read(backup_id) is None
    assert section.get_object('metadata')['databases'] is None
    assert not fake_trove.find_requests('*', '/instances/*/users')


# Level data.


def test_objects_as_they_were_made_pass(backup, verify_at, fake_trove):
    size = 3 * len(fake_trove.objects.read(
        fake_trove.objects.segment_urls(serialization.location(backup))[0]))
    assert verify_at('data')[3:] == [
        'data: 4 objects of %d bytes in Swift are as they were made' % size]


def test_what_is_recorded_tells_every_segment(
        backup, bank, resource, segments, fake_trove):
    kept = manifests.ManifestStore(bank, resource.id).read(backup['id'])
    assert [one.name for one in kept.segments] == [
        name(one) for one in segments]
    assert [one.bytes for one in kept.segments] == [
        len(fake_trove.objects.read(one)) for one in segments]
    assert kept.whole.bytes == sum(one.bytes for one in kept.segments)


@pytest.mark.parametrize('which', [0, 1, 2])
@pytest.mark.parametrize('harm, said', [
    (lambda content: content[:7], ' has 7 bytes instead of '),
    (lambda content: bytes(len(content)), ' has other bytes: its etag is '),
    (lambda content: None, ' is missing')])
@pytest.mark.parametrize('level', ['data', 'restore'])
def test_a_segment_that_changed_is_named(
        backup, verify_at, segments, fake_trove, which, harm, said, level,
        temporary):
    changed = fake_trove.objects.changed
    changed[segments[which]] = harm(
        fake_trove.objects.read(segments[which]))
    assert len(verify_at('backup')) == 3
    [line] = verify_at(level, passes=False)
    assert line.startswith('backup %s: %s%s' % (
        backup['id'], name(segments[which]), said))
    assert not temporary()


def test_all_that_changed_is_named_up_to_a_limit(
        backup, verify_at, segments, fake_trove, bank, resource):
    fake_trove.objects.changed.update({one: None for one in segments})
    assert len(verify_at('data', passes=False)) == 3
    store = manifests.ManifestStore(bank, resource.id)
    kept = store.read(backup['id'])
    store.write(backup['id'], models.BackupManifest(
        kept.whole, kept.segments * 10))
    lines = verify_at('data', passes=False)
    assert len(lines) == 21 and lines[20] == 'and 10 more'


@pytest.mark.parametrize('recorded', ['data', 'backup'])
def test_an_object_that_is_gone_is_named(
        protect_at, verify_at, fake_trove, recorded):
    protect_at(recorded)
    [made] = fake_trove.backups.values()
    url = serialization.location(made)
    fake_trove.objects.changed[url] = None
    [line] = verify_at('data', passes=False)
    assert line == 'backup %s: its object is missing: %s' % (made['id'], url)


def test_an_object_in_the_place_of_a_manifest_is_seen(
        backup, verify_at, fake_trove):
    url = serialization.location(backup)
    fake_trove.objects.changed[url] = bytes(
        len(fake_trove.objects.read(url)))
    [line] = verify_at('data', passes=False)
    assert line.startswith('backup %s: %s has other bytes' % (
        backup['id'], name(url)))


def test_an_object_without_segments_is_compared_too(
        protect_at, verify_at, fake_trove):
    protect_at('data')
    [made] = fake_trove.backups.values()
    assert ' 1 objects of ' in verify_at('data')[3]
    url = serialization.location(made)
    fake_trove.objects.changed[url] = bytes(
        len(fake_trove.objects.read(url)))
    assert 'has other bytes' in verify_at('data', passes=False)[0]


def test_what_was_not_recorded_is_compared_with_the_manifest(
        protect_at, verify_at, fake_trove):
    fake_trove.objects.segment_count = 2
    protect_at('backup')
    [made] = fake_trove.backups.values()
    assert verify_at('data')[3] == (
        'data: nothing was recorded of backup %s when it was made, so its '
        'segments were compared with its manifest' % made['id'])
    [first, _] = fake_trove.objects.segment_urls(serialization.location(made))
    fake_trove.objects.changed[first] = b'short'
    assert 'has 5 bytes instead of' in verify_at('data', passes=False)[0]


def test_an_object_that_nothing_is_known_of_is_not_compared(
        protect_at, verify_at):
    protect_at('backup')
    assert verify_at('data')[3].endswith('so its object was not compared')


@pytest.mark.parametrize('torn', ['', '{"whole": {', '[]', {
    'version': 2, 'whole': {}}])
def test_a_record_of_objects_that_cannot_be_read_is_told(
        backup, verify_at, bank, resource, torn):
    bank.update_object('/karbor-trove/%s/contents/%s' % (
        resource.id, backup['id']), torn)
    assert '/contents/%s' % backup['id'] in verify_at('data')[3]


def test_the_whole_chain_is_looked_at(
        backup, protect_at, verify_at, fake_trove, new_checkpoint, bank,
        resource):
    parent = fake_trove.add_backup(backup['instance_id'])
    backup['parent_id'] = parent
    assert ' 4 objects of ' in verify_at('data')[3]
    assert parent in verify_at('data')[4]
    url = serialization.location(fake_trove.backups[parent])
    fake_trove.objects.changed[
        fake_trove.objects.segment_urls(url)[1]] = None
    [line] = verify_at('data', passes=False)
    assert line.startswith('backup %s: ' % parent)


def test_looks_at_objects_that_fail_in_passing_are_borne(
        backup, verify_at, fake_trove):
    fake_trove.fail('*', '/swift/*', 503, times=3)
    fake_trove.fail('GET', '/swift/*', 'broken', times=1)
    assert ' 4 objects of ' in verify_at('data')[3]


def test_all_looks_together_end_by_the_ready_timeout(
        backup, verify_at, fake_trove, clock):
    fake_trove.fail('*', '/swift/*_0000000[1-9]', 503, times=None, takes=5)
    began = clock.now()
    [line] = verify_at('data', passes=False, ready_timeout=20)
    assert 'given up after 20 s' in line
    assert clock.now() - began <= 20 + 30


def test_no_look_begins_after_the_deadline(
        backup, verify_at, fake_trove, clock, monkeypatch):
    monkeypatch.setattr(fake_trove.objects, '_next_fault', lambda *args: (
        clock.sleep(8), None)[1])
    began = clock.now()
    [line] = verify_at('data', passes=False, ready_timeout=20)
    assert 'given up after 20 s' in line
    assert clock.now() - began < 30


def test_a_swift_that_cannot_be_looked_at_fails_the_level(
        backup, verify_at, fake_trove):
    fake_trove.fail('*', '/swift/*', 403, times=None)
    [line] = verify_at('data', passes=False)
    assert 'reading ' in line


@pytest.mark.parametrize('location', [
    None, 'snapshot-1', 'http://swift.example.com/v1/AUTH_of-trove/a/b'])
def test_so_does_what_is_not_in_the_users_swift(
        backup, verify_at, monkeypatch, location):
    monkeypatch.setattr(serialization, 'location', lambda of: location)
    verify_at('data', passes=False)
    assert 'the objects were not looked at' in verify_at('restore')[3]


def test_but_a_restore_tells_more_than_it_would(
        backup, verify_at, fake_trove, temporary):
    fake_trove.fail('*', '/swift/*', 403, times=None)
    assert verify_at('restore')[3].startswith(
        'data: the objects were not looked at: ')
    assert not temporary()


def test_a_swift_that_is_away_fails_no_protect(
        protect_at, fake_trove, section, clock):
    fake_trove.fail('*', '/swift/*', 503, times=None)
    began = clock.now()
    protect_at('data')
    assert section.get_object('status') == 'available'
    assert clock.now() - began < 90


def test_what_was_recorded_goes_with_the_backup(
        backup, delete, bank, resource, verify_at, section):
    verify_at('data')
    delete()
    assert manifests.ManifestStore(bank, resource.id).read(backup['id']) is None
    assert verification_results.read_all(section) == []
    assert not bank.get_sub_section('/karbor-trove/').list_objects()


def test_what_was_recorded_stays_as_long_as_the_backup(
        backup, delete, bank, resource, fake_trove):
    fake_trove.add_backup(resource.id, parent_id=backup['id'])
    delete()
    assert manifests.ManifestStore(bank, resource.id).read(backup['id'])


def test_a_result_that_cannot_be_kept_fails_nothing(
        backup, make_plugin, checkpoint, resource, context, verify, bank,
        monkeypatch):
    def fail(*args):
        raise OSError('disc')

    monkeypatch.setattr(bank._plugin, 'update_object', fail)
    make_plugin().get_verify_operation(resource).on_main(
        checkpoint, resource, context, {}, verify)
    assert verify.resources_status == {KEY + resource.id: 'available'}
