"""What goes to Trove is what its own API takes."""

import json
import subprocess

import hypothesis
from hypothesis import strategies
import pytest

from karbor_trove import errors
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models
from tests.fake_trove import errors as refusals
from tests.fake_trove import releases
from tests.fake_trove import schemas
from tests import request_samples
from tests.sandbox import environments

many = hypothesis.settings(
    max_examples=400, deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])

FAKE = {'backups': schemas.parse_backup,
        'instances': lambda body: schemas.parse_instance(
            body, releases.Release.parse(26.0))}


@pytest.fixture(scope='module')
def judge():
    """Trove's own checks, without the rest of it: see the module."""
    python = environments.make('services')
    with subprocess.Popen(
            [python, '-m', 'tests.sandbox.services.schema_validator'],
            cwd=environments.ROOT, env=environments.environ(python),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
        def ask(kind, body):
            process.stdin.write(json.dumps([kind, body]) + '\n')
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope='module')
def sender():
    with request_samples.record_requests() as sender:
        yield sender


def test_the_judge_knows_bad_from_good(judge):
    assert judge('instances', {'instance': {'name': 'orders'}}) is None
    assert 'does not match' in judge('instances', {
        'instance': {'name': '---'}})
    assert 'locality' in judge('instances', {
        'instance': {'name': 'orders', 'locality': 'near'}})
    assert 'does not match' in judge('backups', {'backup': {'name': '---'}})


@many
@hypothesis.given(request_samples.restores, request_samples.originals)
def test_what_a_restore_sends_is_taken(judge, sender, given, original):
    try:
        body = sender.create_instance(given, original)
    except errors.Rejected:
        return
    assert judge('instances', body) is None


@pytest.mark.parametrize('key', restore_options.OPTIONS)
def test_what_is_sent_for_each_choice_alone_is_taken(judge, sender, key):
    needs = ({'restore_subnet_id': request_samples.ID}
             if key == 'ip_address' else {})
    taken = 0
    for value in request_samples.VALUES:
        try:
            body = sender.create_instance(
                dict(needs, **{'restore_' + key: value}),
                models.Instance(request_samples.ID, volume_size=2))
        except errors.Rejected:
            continue
        taken += 1
        assert judge('instances', body) is None, body
    assert taken > 1


@many
@hypothesis.given(request_samples.plans,
                  strategies.sampled_from([None, request_samples.ID]))
def test_what_a_plan_sends_is_taken(judge, sender, given, parent_id):
    try:
        body = sender.create_backup(given, parent_id)
    except errors.Rejected:
        return
    assert judge('backups', body) is None


@pytest.mark.parametrize('kind, path', [
    ('backups', [key]) for key in (
        'name', 'description', 'instance', 'parent_id', 'incremental',
        'swift_container', 'storage_driver', 'other')] + [
    ('instances', path.split('.')) for path in (
        'name', 'flavorRef', 'availability_zone', 'region_name', 'locality',
        'restorePoint', 'restorePoint.backupRef', 'replica_of', 'volume',
        'volume.size', 'volume.type', 'datastore', 'datastore.type',
        'datastore.version', 'datastore.version_number', 'nics', 'nics.0',
        'nics.0.net-id', 'nics.0.network_id', 'nics.0.subnet_id',
        'nics.0.ip_address', 'nics.0.other', 'access', 'access.is_public',
        'access.allowed_cidrs', 'access.allowed_cidrs.0',
        'access.allowed_cidrs.twice', 'access.other', 'other')],
    ids=lambda part: '.'.join(part) if isinstance(part, list) else part)
def test_the_fake_of_the_unit_tests_takes_and_refuses_the_same(
        judge, kind, path):
    for value in [*request_samples.VALUES,
                  None, True, 0, 1, -1, 2, 0.5, [], {}]:
        inner = value
        for key in reversed(path):
            inner = ([inner] if key == '0' else
                     [inner, inner] if key == 'twice' else {key: inner})
        if path[0] == 'volume':
            inner['volume'] = dict({'size': 1}, **inner['volume']) if (
                path[1:]) else inner['volume']
        body = {kind[:-1]: dict({'name': 'orders'}, **inner)}
        try:
            FAKE[kind](body)
        except refusals.ErrorResponse as refusal:
            assert judge(kind, body), (body, str(refusal))
        else:
            assert judge(kind, body) is None, body
