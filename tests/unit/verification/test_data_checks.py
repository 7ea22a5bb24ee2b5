"""Verification levels backup and data."""

import pytest

from karbor_trove.bank import manifests
from karbor_trove.bank import verification_results
from karbor_trove.trove import models
from tests.fake_trove import serialization

KEY = 'OS::Trove::Instance#'


@pytest.fixture
def backup(protect_at, fake_trove):
    """The backup of the checkpoint. Its object has 3 segments."""
    fake_trove.objects.segment_count = 3
    protect_at('restore')
    [backup] = fake_trove.backups.values()
    return backup


@pytest.fixture
def segments(backup, fake_trove):
    """The URLs of the segments of the backup."""
    return fake_trove.objects.segment_urls(serialization.location(backup))


def get_name(url):
    """Return the container and the name of an object."""
    return '/'.join(url.split('/')[-2:])


# Level backup.


def test_level_backup_reports_what_was_checked(backup, verify_at):
    assert verify_at() == [
        'verified at level backup', 'backup: 1 in the chain, all complete',
        'datastore: postgresql 18 is active']


@pytest.mark.parametrize('versions, message', [
    (['17', '16'], 'active versions: 17'), ([], 'active versions: none')])
def test_level_backup_fails_when_the_version_is_not_active(
        backup, verify_at, fake_trove, versions, message):
    fake_trove.datastores['postgresql'] = versions
    [line] = verify_at(passes=False)
    assert line == ('version 18 of datastore postgresql does not exist or is '
                    'not active, ' + message)


@pytest.mark.parametrize('level', ['backup', 'restore'])
def test_verification_passes_after_the_version_was_renamed(
        protect_at, verify_at, fake_trove, level):
    protect_at(level)
    fake_trove.rename_version('postgresql', '18', '18.4')
    assert 'datastore: postgresql 18.4 is active' in verify_at(level)


def test_verification_fails_when_another_version_has_the_recorded_name(
        backup, verify_at, fake_trove):
    fake_trove.version_ids['postgresql', '18'] = 'another'
    [line] = verify_at(passes=False)
    assert line.startswith('version 18 of datastore postgresql does not ')


def test_level_backup_passes_when_trove_rejects_listing_versions(
        backup, verify_at, fake_trove):
    fake_trove.fail('GET', '/datastores/*', 403, times=None)
    assert 'could not check whether' in verify_at()[2]


@pytest.mark.parametrize('datastore', [
    {}, {'type': 'postgresql'}, {'version': '18'}])
def test_level_backup_passes_when_no_version_was_recorded(
        backup, verify_at, section, datastore):
    document = section.get_object('metadata')
    section.update_object('metadata', dict(document, datastore=datastore))
    assert 'was not recorded' in verify_at()[2]


def test_level_backup_fails_when_the_versions_cannot_be_listed(
        backup, verify_at, fake_trove):
    fake_trove.fail('GET', '/datastores/*', 503, times=None)
    [line] = verify_at(passes=False, ready_timeout=20)
    assert line.startswith(
        'the versions of datastore postgresql could not be listed: given up '
        'after 20 s')


def test_protect_at_level_backup_records_no_baseline(
        protect_at, verify_at, fake_trove, bank, resource, section):
    protect_at('backup')
    [backup_id] = fake_trove.backups
    assert manifests.ManifestStore(bank, resource.id).read(backup_id) is None
    assert section.get_object('metadata')['databases'] is None
    assert not fake_trove.find_requests('*', '/instances/*/users')


# Level data.


def test_level_data_passes_with_unchanged_objects(
        backup, verify_at, fake_trove):
    size = 3 * len(fake_trove.objects.read(
        fake_trove.objects.segment_urls(serialization.location(backup))[0]))
    assert verify_at('data')[3:] == [
        'data: 4 objects of %d bytes in Swift are unchanged' % size]


def test_recorded_manifest_has_every_segment(
        backup, bank, resource, segments, fake_trove):
    manifest = manifests.ManifestStore(bank, resource.id).read(backup['id'])
    assert [segment.name for segment in manifest.segments] == [
        get_name(url) for url in segments]
    assert [segment.bytes for segment in manifest.segments] == [
        len(fake_trove.objects.read(url)) for url in segments]
    assert manifest.backup_object.bytes == sum(
        segment.bytes for segment in manifest.segments)


@pytest.mark.parametrize('index', [0, 1, 2])
@pytest.mark.parametrize('change, message', [
    (lambda content: content[:7], ' has 7 bytes instead of '),
    (lambda content: bytes(len(content)), ' has other bytes: its etag is '),
    (lambda content: None, ' is missing')])
@pytest.mark.parametrize('level', ['data', 'restore'])
def test_level_data_names_a_changed_segment(
        backup, verify_at, segments, fake_trove, index, change, message, level,
        list_temporary):
    fake_trove.objects.changed[segments[index]] = change(
        fake_trove.objects.read(segments[index]))
    assert len(verify_at('backup')) == 3
    [line] = verify_at(level, passes=False)
    assert line.startswith('backup %s: %s%s' % (
        backup['id'], get_name(segments[index]), message))
    assert not list_temporary()


def test_level_data_names_20_changed_objects_at_most(
        backup, verify_at, segments, fake_trove, bank, resource):
    fake_trove.objects.changed.update({url: None for url in segments})
    assert len(verify_at('data', passes=False)) == 3
    store = manifests.ManifestStore(bank, resource.id)
    manifest = store.read(backup['id'])
    store.write(backup['id'], models.BackupManifest(
        manifest.backup_object, manifest.segments * 10))
    lines = verify_at('data', passes=False)
    assert len(lines) == 21 and lines[20] == 'and 10 more'
    [segment, *_] = manifest.segments
    for count, last in (20, segment.name + ' is missing'), (21, 'and 1 more'):
        store.write(backup['id'], models.BackupManifest(
            manifest.backup_object, (segment,) * count))
        lines = verify_at('data', passes=False)
        assert len(lines) == count and lines[-1].endswith(last)


@pytest.mark.parametrize('level', ['data', 'backup'])
def test_level_data_names_a_missing_object(
        protect_at, verify_at, fake_trove, level):
    protect_at(level)
    [backup] = fake_trove.backups.values()
    url = serialization.location(backup)
    fake_trove.objects.changed[url] = None
    [line] = verify_at('data', passes=False)
    assert line == 'backup %s: its object is missing: %s' % (backup['id'], url)


def test_level_data_reads_objects_in_the_region_of_trove(
        other_swift, karbor_conf, protect_at, verify_at, fake_trove):
    karbor_conf.set_override('region_id', 'RegionTwo', 'trove_client')
    fake_trove.objects.segment_count = 3
    protect_at('data')
    assert any('data: 4 objects' in line and 'unchanged' in line
               for line in verify_at('data'))


def test_level_data_calls_no_object_missing_if_swift_is_not_in_the_region(
        backup, verify_at, fake_trove):
    [line] = verify_at('data', passes=False, swift_region_name='RegionTwo')
    assert 'missing' not in line
    assert 'swift_region_name' in line and 'RegionOne public' in line


def test_level_data_fails_when_an_object_replaces_the_manifest(
        backup, verify_at, fake_trove):
    url = serialization.location(backup)
    fake_trove.objects.changed[url] = bytes(
        len(fake_trove.objects.read(url)))
    [line] = verify_at('data', passes=False)
    assert line.startswith('backup %s: %s has other bytes' % (
        backup['id'], get_name(url)))


def test_level_data_compares_an_object_without_segments(
        protect_at, verify_at, fake_trove):
    protect_at('data')
    [backup] = fake_trove.backups.values()
    assert ' 1 objects of ' in verify_at('data')[3]
    url = serialization.location(backup)
    fake_trove.objects.changed[url] = bytes(
        len(fake_trove.objects.read(url)))
    assert 'has other bytes' in verify_at('data', passes=False)[0]


def test_level_data_uses_the_current_manifest_when_none_was_recorded(
        protect_at, verify_at, fake_trove):
    fake_trove.objects.segment_count = 2
    protect_at('backup')
    [backup] = fake_trove.backups.values()
    assert verify_at('data')[3] == (
        'data: no manifest of backup %s was recorded, so its '
        'segments were compared with its manifest' % backup['id'])
    url = serialization.location(backup)
    [first_url, _] = fake_trove.objects.segment_urls(url)
    fake_trove.objects.changed[first_url] = b'short'
    assert 'has 5 bytes instead of' in verify_at('data', passes=False)[0]


def test_level_data_compares_nothing_without_manifest_and_segments(
        protect_at, verify_at):
    protect_at('backup')
    assert verify_at('data')[3].endswith('so its object was not compared')


@pytest.mark.parametrize('content', ['', '{"whole": {', '[]', {
    'version': 2, 'whole': {}}])
def test_level_data_reports_an_unreadable_recorded_manifest(
        backup, verify_at, bank, resource, content):
    bank.update_object('/karbor-trove/%s/contents/%s' % (
        resource.id, backup['id']), content)
    assert '/contents/%s' % backup['id'] in verify_at('data')[3]


def test_level_data_checks_the_whole_chain(
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


def test_level_data_retries_requests_that_fail_briefly(
        backup, verify_at, fake_trove):
    fake_trove.fail('*', '/swift/*', 503, times=3)
    fake_trove.fail('GET', '/swift/*', 'broken', times=1)
    assert ' 4 objects of ' in verify_at('data')[3]


def test_ready_timeout_limits_all_checks_of_objects_together(
        backup, verify_at, fake_trove, clock):
    fake_trove.fail('*', '/swift/*_0000000[1-9]', 503, times=None, takes=5)
    start_time = clock.now()
    [line] = verify_at('data', passes=False, ready_timeout=20)
    assert 'given up after 20 s' in line
    assert clock.now() - start_time <= 20 + 30


def test_no_check_of_objects_starts_after_the_deadline(
        backup, verify_at, fake_trove, clock, monkeypatch):
    monkeypatch.setattr(fake_trove.objects, '_next_fault', lambda *args: (
        clock.sleep(8), None)[1])
    start_time = clock.now()
    [line] = verify_at('data', passes=False, ready_timeout=20)
    assert 'given up after 20 s' in line
    assert clock.now() - start_time < 30


def test_level_data_fails_when_swift_rejects_reading(
        backup, verify_at, fake_trove):
    fake_trove.fail('*', '/swift/*', 403, times=None)
    [line] = verify_at('data', passes=False)
    assert 'reading ' in line


@pytest.mark.parametrize('location', [
    None, 'snapshot-1', 'http://swift.example.com/v1/AUTH_of-trove/a/b'])
def test_level_data_fails_when_the_backup_is_not_in_the_users_swift(
        backup, verify_at, monkeypatch, location):
    monkeypatch.setattr(serialization, 'location', lambda of: location)
    verify_at('data', passes=False)
    assert 'the objects were not checked' in verify_at('restore')[3]


def test_level_restore_passes_when_swift_rejects_reading(
        backup, verify_at, fake_trove, list_temporary):
    fake_trove.fail('*', '/swift/*', 403, times=None)
    assert verify_at('restore')[3].startswith(
        'data: the objects were not checked: ')
    assert not list_temporary()


def test_protect_succeeds_during_a_swift_outage(
        protect_at, fake_trove, section, clock):
    fake_trove.fail('*', '/swift/*', 503, times=None)
    start_time = clock.now()
    protect_at('data')
    assert section.get_object('status') == 'available'
    assert clock.now() - start_time < 90


def test_delete_removes_manifest_and_results_with_the_backup(
        backup, delete, bank, resource, verify_at, section):
    verify_at('data')
    delete()
    store = manifests.ManifestStore(bank, resource.id)
    assert store.read(backup['id']) is None
    assert verification_results.read_all(section) == []
    assert not bank.get_sub_section('/karbor-trove/').list_objects()


def test_manifest_is_kept_while_the_deletion_is_deferred(
        backup, delete, bank, resource, fake_trove):
    fake_trove.add_backup(resource.id, parent_id=backup['id'])
    delete()
    assert manifests.ManifestStore(bank, resource.id).read(backup['id'])


def test_verify_passes_when_the_result_cannot_be_stored(
        backup, make_plugin, checkpoint, resource, context, verify, bank,
        monkeypatch):
    def fail(*args):
        raise OSError('disc')

    monkeypatch.setattr(bank._plugin, 'update_object', fail)
    make_plugin().get_verify_operation(resource).on_main(
        checkpoint, resource, context, {}, verify)
    assert verify.resources_status == {KEY + resource.id: 'available'}
