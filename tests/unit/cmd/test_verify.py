"""Tests of karbor-trove-manage verify."""

import json
import re

from karbor import resource as karbor_resource
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import record
from karbor_trove.trove import models
from tests.fake_trove import cloud as clouds
from tests.fake_trove import fixtures
from tests.fake_trove import keystone
from tests.unit.cmd import test_report

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


@pytest.fixture
def add_database(fake_trove):
    """Return a function that adds a database to the checkpoint of a point.

    The new database comes before the others. The function returns a point of
    the new database.
    """
    def add_database(point, instance_id):
        checkpoint = point.checkpoint
        resource = karbor_resource.Resource(fixtures.RESOURCE_TYPE,
                                            instance_id, 'orders')
        checkpoint.resource_graph = [graph.GraphNode(resource, ()),
                                     *checkpoint.resource_graph]
        added = type(point)(checkpoint, instance_id,
                            fake_trove.add_backup(instance_id))
        record.write(added.section, record.BackupRecord(
            models.Instance(instance_id, 'orders'), backup_id=added.backup))
        added.set_status('available')
        return added
    return add_database


def test_untested_databases_come_first_then_the_oldest_test_restore(
        add_point, fake_trove, verify, karbor):
    newer, older, never, failed, other_level = [
        add_point(fake_trove.add_instance()) for _ in range(5)]
    newer.add_verification('restore', 2)
    older.add_verification('restore', 1)
    failed.add_verification('restore', 4, passed=False)
    other_level.add_verification('data', 5)
    rows = verify(5)
    assert set(karbor.checkpoints[:2]) == {other_level.id, never.id}
    assert karbor.checkpoints[2:] == [older.id, newer.id, failed.id]
    assert [row['checkpoint'] for row in rows] == karbor.checkpoints
    assert {row['result'] for row in rows} == {'passed'}
    assert rows[2]['reason'] == 'reason of ' + older.id
    assert [row['passed_before'] for row in rows] == [
        None, None, '2026-02-01T00:01:00Z', '2026-02-01T00:02:00Z', None]


def test_only_the_newest_checkpoint_of_a_database_is_verified(
        add_point, fake_trove, verify, karbor):
    old = add_point()
    old.add_verification('restore', 1)
    newest = add_point()
    add_point(status='error')
    other = add_point(fake_trove.add_instance())
    rows = verify(5)
    # The test restore of the old checkpoint counts for the database.
    assert karbor.checkpoints == [other.id, newest.id]
    assert rows[1]['passed_before'] == '2026-02-01T00:01:00Z'


@pytest.mark.parametrize('passed', [True, False])
def test_each_database_is_tested_in_as_few_nights_as_possible(
        add_point, config_file, fake_trove, verify, run, karbor, passed):
    instance_ids = [fake_trove.add_instance() for _ in range(10)]
    tested = []
    for night in range(8):
        points = {}
        for id_ in instance_ids:
            point = add_point(id_)
            points[point.id] = id_, point
            if not passed:
                karbor.failing.add(point.id)
        code, out, err = run('verify', '--oldest-unverified', 3,
                             '--config-file', config_file, '-f', 'json')
        assert code == (0 if passed else 1), err
        for row in json.loads(out):
            id_, point = points[row['checkpoint']]
            point.add_verification('restore', night, passed)
            tested.append(id_)
        # 3 databases a night: 10 databases take 4 nights.
        if night >= 3:
            assert set(tested[-4 * 3:]) == set(instance_ids)


def test_databases_whose_results_are_deleted_do_not_keep_others_waiting(
        add_point, fake_trove, verify, karbor):
    instance_ids = [fake_trove.add_instance() for _ in range(3)]
    points = [add_point(id_) for id_ in instance_ids]
    # No result stays in the bank, as if each checkpoint were deleted before
    # the next night. The order is random, so a run of one night proves
    # nothing.
    for _ in range(60):
        verify(1)
        if set(karbor.checkpoints) == {point.id for point in points}:
            break
    else:
        pytest.fail('only %s were verified' % set(karbor.checkpoints))


def test_checkpoint_has_the_place_of_its_database_that_waits_longest(
        add_point, add_database, fake_trove, verify, karbor):
    tested, untested, other = [fake_trove.add_instance() for _ in range(3)]
    add_point(tested).add_verification('restore', 2)
    both = add_point(tested)
    add_database(both, untested)
    alone = add_point(other)
    alone.add_verification('restore', 1)
    rows = verify(5)
    assert karbor.checkpoints == [both.id, alone.id]
    # One of the databases of the first checkpoint has never passed.
    assert [row['passed_before'] for row in rows] == [
        None, '2026-02-01T00:01:00Z']


def test_refused_verification_counts_for_all_databases_of_the_checkpoint(
        add_point, add_database, fake_trove, verify, karbor):
    broken, healthy, other = [fake_trove.add_instance() for _ in range(3)]
    # A preflight check found a problem of this database, so the other one
    # has no result.
    both = add_point(broken)
    both.add_verification('restore', 2, passed=False)
    add_database(both, healthy)
    alone = add_point(other)
    alone.add_verification('restore', 1)
    verify(1)
    assert karbor.checkpoints == [alone.id]


def test_database_that_a_checkpoint_left_out_still_waits(
        add_point, add_database, fake_trove, verify, karbor):
    left_out, other, third = [fake_trove.add_instance() for _ in range(3)]
    add_point(third).add_verification('restore', 1)
    last = add_point(left_out)
    newer = add_point(other)
    newer.add_verification('restore', 2)
    test_report.leave_out(add_database(newer, left_out), left_out)
    verify(1)
    assert karbor.checkpoints == [last.id]


def test_each_verification_is_requested_in_the_project_of_its_checkpoint(
        add_point, verify, karbor):
    add_point()
    point = add_point(project_id=OTHER_PROJECT)
    verify(2)
    requests = dict(karbor.requests)
    assert requests.keys() == {clouds.PROJECT, OTHER_PROJECT}
    assert requests[OTHER_PROJECT] == {
        'provider_id': 'databases', 'checkpoint_id': point.id,
        'parameters': {}}


def test_a_failed_verification_is_named_and_the_others_go_on(
        add_point, fake_trove, manage, verify, karbor):
    first, second = add_point(), add_point(fake_trove.add_instance())
    karbor.failing.add(second.id)
    rows = verify(2, expect=1)
    assert {row['checkpoint']: row['result'] for row in rows} == {
        first.id: 'passed', second.id: 'failed'}
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


def test_refused_requests_do_not_count(add_point, fake_trove, verify, karbor):
    add_point(project_id=keystone.CLOSED_PROJECT)
    points = [add_point(fake_trove.add_instance()) for _ in range(2)]
    for minute, point in enumerate(points):
        point.add_verification('restore', minute)
    rows = verify(1, expect=1)
    assert [row['result'] for row in rows] == ['failed', 'passed']
    assert karbor.checkpoints == [points[0].id]


def test_unanswered_request_counts_because_karbor_may_have_started_it(
        add_point, fake_trove, verify, karbor):
    for _ in range(2):
        add_point(fake_trove.add_instance())
    karbor.code = 503
    [row] = verify(1, expect=1)
    assert row['result'] == 'failed' and row['verification'] is None


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
