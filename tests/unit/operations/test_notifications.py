"""Tests of the notifications and of the log lines about changes of state."""

import dataclasses
import json
import logging
import pathlib
import queue
import re
import threading
import types

from karbor import exception
from karbor import rpc
import oslo_messaging
from oslo_messaging.notify import _impl_test
import pytest

from karbor_trove.backups import deferred_deletion
from karbor_trove.operations import notifications
from tests.fake_trove import keystone

PAGE = (pathlib.Path(__file__).parents[3]
        / 'doc/source/reference/notifications.rst')


def read_page():
    """Return the priority and the keys of each event in the page's tables."""
    events, payload = PAGE.read_text().split('\nPayload\n')
    of_all, of_ended, of_operations = re.split(
        'The payloads of ``end``|These keys depend', payload)
    described = {}
    for event_type, operation, phase, priority in re.findall(
            r'^``(karbor_trove\.(\w+)\.(\w+))`` +(\w+) ', events,
            re.MULTILINE):
        keys = re.findall(r'^``(\w+)`` ', of_all, re.MULTILINE)
        keys += re.findall(r'^%s +``(\w+)`` ' % operation, of_operations,
                           re.MULTILINE)
        if phase != 'start':
            keys += [key for key, value in re.findall(
                r'^``(\w+)`` +(.*)', of_ended, re.MULTILINE)
                if 'only in' not in value or '``%s``' % phase in value]
        described[event_type] = priority, sorted(keys)
    return described


def wait_for_senders():
    for thread in threading.enumerate():
        if thread.name == notifications.THREAD_NAME:
            thread.join()


@pytest.fixture
def enabled(karbor_conf):
    """Return a function that initializes Karbor's notifier with a driver."""
    # This registers the options that are set below.
    oslo_messaging.get_notification_transport(karbor_conf, 'fake://')
    karbor_conf.set_override('transport_url', 'fake://')
    group = 'oslo_messaging_notifications'

    def enable(driver):
        karbor_conf.set_override('driver', driver, group)
        rpc.init(karbor_conf)

    yield enable
    wait_for_senders()
    rpc.cleanup()
    karbor_conf.clear_override('transport_url')
    karbor_conf.clear_override('driver', group)
    _impl_test.reset()


@pytest.fixture
def read(enabled):
    """Return a function that returns and forgets the notifications."""
    enabled(['test'])

    def read():
        wait_for_senders()
        received = list(_impl_test.NOTIFICATIONS)
        _impl_test.reset()
        return [(message['event_type'].partition('karbor_trove.')[2],
                 priority, message['payload'])
                for _, message, priority, _ in received]
    return read


@pytest.fixture
def receive(enabled, karbor_conf):
    """Return a function that waits for the next notifications.

    A listener of oslo.messaging receives them, as in another program.
    """
    enabled(['messagingv2'])
    received = queue.Queue()
    endpoint = types.SimpleNamespace(
        info=lambda *message: received.put(('INFO', *message)),
        error=lambda *message: received.put(('ERROR', *message)))
    transport = oslo_messaging.get_notification_transport(karbor_conf)
    listener = oslo_messaging.get_notification_listener(
        transport, [oslo_messaging.Target(topic='notifications')], [endpoint],
        executor='threading')
    listener.start()
    yield lambda number: [received.get(timeout=60) for _ in range(number)]
    listener.stop()
    listener.wait()
    transport.cleanup()


@pytest.fixture
def ids(checkpoint, resource, context):
    """The values that all notifications have."""
    return {'request_id': context.request_id,
            'project_id': context.project_id, 'checkpoint_id': checkpoint.id,
            'instance_id': resource.id, 'instance_name': resource.name}


def test_protect_and_delete_notify_their_start_and_end(
        read, ids, protect, delete, fake_trove):
    protect()
    [backup] = fake_trove.backups
    start, end = read()
    assert start == ('protect.start', 'INFO', {
        **ids, 'backup_id': None, 'parent_backup_id': None,
        'volume_size_gb': None, 'backup_size_gb': None})
    seconds = end[2].pop('seconds')
    assert end == ('protect.end', 'INFO', {
        **ids, 'backup_id': backup, 'parent_backup_id': None,
        'volume_size_gb': 2, 'backup_size_gb': 0.1})
    assert 0 < seconds < 60
    delete()
    start, end = read()
    assert start == ('delete.start', 'INFO', {
        **ids, 'backup_id': None, 'deferred_because': None})
    assert end[:2] == ('delete.end', 'INFO')
    assert end[2]['backup_id'] == backup
    assert end[2]['deferred_because'] is None


def test_a_deferred_deletion_notifies_its_reason(
        read, protect, delete, fake_trove):
    protect()
    [backup] = fake_trove.backups.values()
    backup['status'] = 'BUILDING'
    read()
    delete()
    name, _, payload = read()[-1]
    assert name == 'delete.end' and payload['deferred_because']


def test_restore_notifies_the_restored_instance(
        read, ids, protect, do_restore, restore, fake_trove):
    protect()
    read()
    do_restore()
    start, end = read()
    assert start == ('restore.start', 'INFO', {
        **ids, 'backup_id': None, 'restore_id': restore.id,
        'restored_instance_id': None, 'volume_size_gb': None})
    assert end[:2] == ('restore.end', 'INFO')
    assert end[2].pop('seconds') > 0
    assert end[2] == {
        **ids, 'backup_id': list(fake_trove.backups)[0],
        'restore_id': restore.id, 'volume_size_gb': 2,
        'restored_instance_id': list(fake_trove.instances)[-1]}


def test_verify_notifies_the_level_and_the_recovery_time(
        read, ids, protect, verify_at, verify, fake_trove):
    protect()
    read()
    verify_at('restore')
    start, end = read()
    assert start == ('verify.start', 'INFO', {
        **ids, 'backup_id': None, 'verification_id': verify.id,
        'level': None, 'recovery_seconds': None})
    assert end[:2] == ('verify.end', 'INFO')
    assert end[2].pop('seconds') >= end[2].pop('recovery_seconds') > 0
    assert end[2] == {**ids, 'backup_id': list(fake_trove.backups)[0],
                      'verification_id': verify.id, 'level': 'restore'}


def test_a_failure_notifies_its_reason_with_the_priority_error(
        read, ids, protect, fake_trove, resource):
    del fake_trove.instances[resource.id]
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    start, error = read()
    assert start[0] == 'protect.start'
    assert error[:2] == ('protect.error', 'ERROR')
    assert resource.id in error[2]['reason']
    assert {key: error[2][key] for key in ids} == ids


def test_an_id_that_is_no_uuid_notifies_only_an_error(
        read, plugin, checkpoint, context, build_resource):
    resource = build_resource('../other')
    with pytest.raises(exception.CreateResourceFailed):
        plugin.get_protect_operation(resource).on_prepare_begin(
            checkpoint, resource, context, {})
    [error] = read()
    assert error[0] == 'protect.error'
    assert error[2]['instance_id'] == '../other'


def test_an_instance_that_was_left_out_notifies_an_error(
        read, plugin, checkpoint, context, fake_trove, resource, do_restore):
    fake_trove.start_deletion(resource.id, 200)
    plugin.get_protect_operation(resource).on_main(
        checkpoint, resource, context, {})
    assert [name for name, _, _ in read()] == ['protect.start',
                                               'protect.error']
    do_restore()
    names = [(name, priority) for name, priority, _ in read()]
    assert names == [('restore.start', 'INFO'), ('restore.error', 'ERROR')]


def test_a_listener_receives_each_event_as_the_page_describes_it(
        receive, protect, do_restore, verify_at, delete, plugin, checkpoint,
        resource, context, section, fake_trove):
    protect()
    do_restore()
    verify_at('restore')
    fake_trove.backups.clear()
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    verify_at('backup', passes=False)
    metadata = section.get_object('metadata')
    section.update_object('metadata', {**metadata, 'record_version': 2})
    with pytest.raises(exception.DeleteResourceFailed):
        plugin.get_delete_operation(resource).on_main(
            checkpoint, resource, context, {})
    section.update_object('metadata', metadata)
    delete()
    fake_trove.instances.clear()
    with pytest.raises(exception.CreateResourceFailed):
        protect()

    # Each of the eight operations has sent a start and an end or an error.
    received = receive(16)
    assert {event_type: (priority, sorted(payload))
            for priority, _, _, event_type, payload, _ in received
            } == read_page()
    for _, sent_context, publisher_id, _, payload, _ in received:
        assert publisher_id.partition('.')[0] == 'protection'
        # Other drivers send both as JSON.
        sent = json.dumps([sent_context, payload])
        assert json.loads(sent) == [sent_context, payload]
        assert keystone.TOKEN not in sent
        assert {key: sent_context[key] for key in (
            'request_id', 'user_id', 'project_id', 'auth_token',
            'auth_token_info', 'service_catalog')} == {
                'request_id': context.request_id, 'user_id': context.user_id,
                'project_id': context.project_id, 'auth_token': None,
                'auth_token_info': None, 'service_catalog': []}


def test_no_notification_has_the_token_of_the_user(
        enabled, protect, context):
    enabled(['test'])
    protect()
    wait_for_senders()
    assert keystone.TOKEN not in repr(_impl_test.NOTIFICATIONS)
    sent_context = _impl_test.NOTIFICATIONS[0][0]
    assert sent_context['request_id'] == context.request_id
    assert sent_context['user_id'] == context.user_id
    assert sent_context['service_catalog'] == []


@pytest.mark.parametrize('driver', [[], ['noop']])
def test_nothing_is_sent_unless_karbor_has_a_driver(
        enabled, protect, driver, monkeypatch):
    enabled(driver)
    monkeypatch.setattr(rpc, 'get_notifier', None)
    protect()
    assert not [thread for thread in threading.enumerate()
                if thread.name == notifications.THREAD_NAME]


def test_a_notifier_that_fails_is_logged_and_fails_no_operation(
        enabled, protect, monkeypatch, caplog, section):
    enabled(['test'])

    class Broken:
        def info(self, *_):
            raise ValueError('the exchange is gone')

    monkeypatch.setattr(rpc, 'get_notifier', lambda service: Broken())
    protect()
    wait_for_senders()
    assert section.get_object('status') == 'available'
    [first, _] = [record for record in caplog.records
                  if record.name == notifications.__name__]
    assert first.levelname == 'WARNING'
    assert 'karbor_trove.protect.start' in first.getMessage()
    assert 'the exchange is gone' in first.getMessage()


def test_a_notifier_that_blocks_delays_no_operation_and_keeps_the_order(
        enabled, protect, monkeypatch, section):
    enabled(['test'])
    released = threading.Event()
    sent = []

    class Slow:
        def info(self, context, event_type, payload):
            assert released.wait(60)
            sent.append(event_type)

    monkeypatch.setattr(rpc, 'get_notifier', lambda service: Slow())
    protect()
    assert section.get_object('status') == 'available' and not sent
    released.set()
    wait_for_senders()
    assert sent == ['karbor_trove.protect.start', 'karbor_trove.protect.end']


def get_lines(caplog):
    return [record.getMessage() for record in caplog.records
            if record.name.startswith('karbor_trove.operations')]


def test_each_change_of_state_is_one_line_with_all_ids(
        protect, do_restore, delete, verify_at, checkpoint, resource, context,
        fake_trove, caplog):
    caplog.set_level(logging.INFO)
    protect()
    [backup] = fake_trove.backups
    in_checkpoint = 'instance %s in checkpoint %s' % (resource.id,
                                                      checkpoint.id)
    before = 'backup unknown, request %s' % context.request_id
    after = 'backup %s, request %s' % (backup, context.request_id)
    *lines, last = get_lines(caplog)
    assert lines == [
        'Protecting %s has started, %s' % (in_checkpoint, before),
        'Protecting %s has requested its backup, %s' % (in_checkpoint, after),
        'Protecting %s has a complete backup, %s' % (in_checkpoint, after)]
    assert last.startswith('Protecting %s has ended after ' % in_checkpoint)
    assert last.endswith(after)
    caplog.clear()
    do_restore()
    assert get_lines(caplog)[1] == (
        'Restoring %s has created instance %s, %s' % (
            in_checkpoint, list(fake_trove.instances)[-1], after))
    caplog.clear()
    verify_at('backup')
    assert len(get_lines(caplog)) == 2
    caplog.clear()
    delete()
    assert [line.partition(' has ')[2].partition(' after ')[0]
            for line in get_lines(caplog)] == [
                'started, ' + before, 'ended']
    assert not [record for record in caplog.records
                if record.levelno >= logging.ERROR
                and record.name.startswith('karbor_trove')]


def test_a_deferred_deletion_is_one_line_with_all_ids(
        protect, delete, checkpoint, resource, context, fake_trove, caplog):
    protect()
    [backup] = fake_trove.backups.values()
    backup['status'] = 'BUILDING'
    caplog.clear()
    caplog.set_level(logging.INFO)
    delete()
    [_, line, _] = get_lines(caplog)
    assert line == (
        'Deleting the backup of instance %s in checkpoint %s has been '
        'deferred, backup %s, request %s' % (
            resource.id, checkpoint.id, backup['id'], context.request_id))


def test_a_deferred_deletion_whose_backup_was_found_has_its_id(
        protect, delete, journal, section, fake_trove, caplog):
    protect()
    [backup] = fake_trove.backups.values()
    backup['status'] = 'BUILDING'
    [entry] = journal.list_entries()
    # The response to the request for the backup was lost.
    journal.write(dataclasses.replace(entry, backup_id=None, location=None,
                                      is_complete=False))
    section.delete_object('metadata')
    caplog.clear()
    caplog.set_level(logging.INFO)
    delete()
    [_, line, _] = get_lines(caplog)
    assert 'has been deferred, backup %s, ' % backup['id'] in line


def test_a_deleted_backup_is_one_line_with_all_ids(
        protect, delete, checkpoint, resource, context, fake_trove, caplog):
    protect()
    [backup] = fake_trove.backups
    caplog.set_level(logging.INFO)
    delete()
    assert [record.getMessage() for record in caplog.records
            if record.name == deferred_deletion.__name__] == [
        'Backup %s of instance %s in checkpoint %s is deleted, request %s' % (
            backup, resource.id, checkpoint.id, context.request_id)]


def test_lines_of_a_temporary_instance_have_all_ids(
        protect, verify_at, verify, checkpoint, resource, context, fake_trove,
        caplog):
    protect()
    [backup] = fake_trove.backups
    caplog.clear()
    caplog.set_level(logging.INFO)
    verify_at('restore')
    [request] = fake_trove.find_requests('DELETE', '/instances/*')
    instance_id = request.path.rpartition('/')[2]
    [_, *lines, _] = get_lines(caplog)
    assert lines == [
        'Verifying instance %s in checkpoint %s has %s temporary instance %s '
        '%s verification %s, backup %s, request %s' % (
            resource.id, checkpoint.id, change, instance_id, word, verify.id,
            backup, context.request_id)
        for change, word in (('created', 'for'), ('deleted', 'of'))]


def test_the_line_of_a_failure_has_all_ids(
        protect, fake_trove, resource, checkpoint, context, caplog):
    del fake_trove.instances[resource.id]
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    [line] = [record.getMessage() for record in caplog.records
              if record.levelname == 'ERROR'
              and record.name.startswith('karbor_trove')]
    assert line.startswith(
        'Protecting instance %s in checkpoint %s failed, backup unknown, '
        'request %s: ' % (resource.id, checkpoint.id, context.request_id))
