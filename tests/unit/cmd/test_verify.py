"""Tests of karbor-trove-manage verify."""

import re

import pytest

from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone

OTHER_PROJECT = 'b1b2c3d4e5f60718293a4b5c6d7e8f90'
PATH = '%s/([^/]+)/verifications' % re.escape(keystone.KARBOR_URL)


class Karbor:
    """Karbor's API for verifications. Each one runs for two reads."""

    def __init__(self, mocker):
        #: (project, body) of each request for a verification.
        self.requests = []
        #: The ids of the checkpoints whose verification fails.
        self.failing = set()
        #: The status of the response to a request for a verification.
        self.code = 200
        self._reads = {}
        mocker.post(re.compile(PATH), json=self._create)
        mocker.get(re.compile(PATH + '/'), json=self._get)

    @property
    def checkpoints(self):
        return [body['checkpoint_id'] for _, body in self.requests]

    def _create(self, sent, context):
        context.status_code = self.code
        if self.code != 200:
            return {'badRequest': {'code': self.code, 'message': 'no'}}
        self.requests.append((re.match(PATH, sent.url)[1],
                              sent.json()['verification']))
        return {'verification': {'id': str(len(self.requests) - 1),
                                 'status': 'started'}}

    def _get(self, sent, context):
        id_ = sent.url.rpartition('/')[2]
        self._reads[id_] = self._reads.get(id_, 0) + 1
        checkpoint_id = self.requests[int(id_)][1]['checkpoint_id']
        status = ('started' if self._reads[id_] < 3 else
                  'fail' if checkpoint_id in self.failing else 'success')
        return {'verification': {
            'id': id_, 'status': status, 'resources_reason': {
                'OS::Trove::Instance#1': 'reason of ' + checkpoint_id}}}


@pytest.fixture
def karbor(fake_trove):
    return Karbor(fake_trove.mocker)


@pytest.fixture
def verify(manage, config_file, monkeypatch, tmp_path, karbor):
    """Return a function that verifies N checkpoints, as an operator."""
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text(path.read_text() + 'verify_level = restore\n')
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(tmp_path / 'none'))
    for name, value in (('AUTH_URL', keystone.URL + '/v3'),
                        ('USERNAME', 'operator'), ('PASSWORD', 'secret'),
                        ('PROJECT_NAME', 'admin'),
                        ('USER_DOMAIN_NAME', 'Default'),
                        ('PROJECT_DOMAIN_NAME', 'Default')):
        monkeypatch.setenv('OS_' + name, value)
    return lambda n, expect=0: manage('verify', '--oldest-unverified', n,
                                      expect=expect)


def test_checkpoints_that_never_passed_come_first_then_the_oldest_pass(
        add_point, verify, karbor):
    newer, older, never, failed, other_level = [add_point() for _ in range(5)]
    newer.add_verification('restore', 2)
    older.add_verification('restore', 1)
    failed.add_verification('restore', 4, passed=False)
    other_level.add_verification('data', 5)
    rows = verify(4)
    assert karbor.checkpoints == [other_level.id, never.id, failed.id,
                                  older.id]
    assert [row['checkpoint'] for row in rows] == karbor.checkpoints
    assert {row['result'] for row in rows} == {'passed'}
    assert rows[0]['reason'] == 'reason of ' + other_level.id
    assert [row['passed_before'] for row in rows] == [
        None, None, None, '2026-02-01T00:01:00Z']


def test_each_verification_is_requested_in_the_project_of_its_checkpoint(
        add_point, verify, karbor):
    add_point()
    point = add_point(project_id=OTHER_PROJECT)
    verify(2)
    assert karbor.requests[0] == (OTHER_PROJECT, {
        'provider_id': 'databases', 'checkpoint_id': point.id,
        'parameters': {}})
    assert karbor.requests[1][0] == clouds.PROJECT


def test_a_failed_verification_is_named_and_the_others_go_on(
        add_point, manage, verify, karbor):
    first, second = add_point(), add_point()
    karbor.failing.add(second.id)
    rows = verify(2, expect=1)
    assert [row['result'] for row in rows] == ['failed', 'passed']
    assert 'checkpoint %s of project %s was not verified: reason of' % (
        second.id, clouds.PROJECT) in manage.err
    assert first.id not in manage.err


def test_a_rejected_request_is_a_failure(add_point, manage, verify, karbor):
    point = add_point()
    karbor.code = 400
    [row] = verify(1, expect=1)
    assert row['result'] == 'failed' and row['verification'] is None
    assert point.id in manage.err


def test_a_project_without_a_role_of_the_operator_is_a_failure(
        add_point, manage, verify, karbor):
    add_point(project_id=keystone.CLOSED_PROJECT)
    [row] = verify(1, expect=1)
    assert row['result'] == 'failed' and not karbor.requests
    assert keystone.CLOSED_PROJECT in manage.err


def test_checkpoints_without_a_backup_are_not_verified(
        add_point, verify, karbor):
    add_point(status='error')
    add_point(status='deleted')
    assert verify(5) == []
    assert not karbor.requests


def test_nothing_is_verified_if_no_provider_has_the_level_restore(
        add_point, manage, karbor):
    add_point()
    assert 'no enabled provider has "verify_level = restore"' in manage(
        'verify', '--oldest-unverified', 1, expect=1)


def test_operator_reads_the_version_from_the_url_if_discovery_is_refused(
        add_point, verify, refused_discovery, karbor):
    add_point()
    verify(1)
    assert len(karbor.requests) == 1


def test_nothing_is_verified_without_credentials(
        add_point, manage, verify, monkeypatch, karbor):
    add_point()
    monkeypatch.delenv('OS_AUTH_URL')
    assert 'OS_AUTH_URL' in verify(1, expect=1)
    assert not karbor.requests


@pytest.mark.parametrize('number', ['0', '-1', 'all'])
def test_a_wrong_number_is_refused(run, number):
    code, _, err = run('verify', '--oldest-unverified=' + number)
    assert code == 2 and '"%s" is not allowed' % number in err
