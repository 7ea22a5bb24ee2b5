"""Tests of the requests to Trove against the schemas of its API."""

import json
import subprocess

import hypothesis
from hypothesis import strategies
import pytest

from karbor_trove import errors
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models
from tests.fake_trove import errors as trove_errors
from tests.fake_trove import schemas
from tests.functional import trove_release
from tests import request_samples
from tests.sandbox import environments

many = hypothesis.settings(
    max_examples=400, deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])

FAKE = {'backups': schemas.parse_backup,
        'instances': lambda body: schemas.parse_instance(
            body, trove_release.RELEASE)}


@pytest.fixture(scope='module')
def validate():
    """Return a function that validates a request with Trove's schemas.

    It runs tests.sandbox.services.schema_validator, and returns None if the
    request is valid, otherwise the error.
    """
    python = environments.make(environments.TROVE)
    with subprocess.Popen(
            [python, '-m', 'tests.sandbox.services.schema_validator'],
            cwd=environments.ROOT, env=environments.environ(python),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
        def send(kind, body):
            process.stdin.write(json.dumps([kind, body]) + '\n')
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield send
        process.stdin.close()


@pytest.fixture(scope='module')
def recorder():
    with request_samples.record_requests() as recorder:
        yield recorder


def test_validator_accepts_valid_requests_and_rejects_invalid_ones(validate):
    assert validate('instances', {'instance': {'name': 'orders'}}) is None
    assert 'does not match' in validate('instances', {
        'instance': {'name': '---'}})
    assert 'locality' in validate('instances', {
        'instance': {'name': 'orders', 'locality': 'near'}})
    assert 'does not match' in validate('backups', {'backup': {'name': '---'}})


@many
@hypothesis.given(request_samples.restores, request_samples.originals)
def test_restore_sends_only_valid_requests(
        validate, recorder, parameters, original):
    try:
        body = recorder.create_instance(parameters, original)
    except errors.Rejected:
        return
    assert validate('instances', body) is None


@pytest.mark.parametrize('key', restore_options.OPTIONS)
def test_restore_sends_only_valid_requests_for_each_option(
        validate, recorder, key):
    required = ({'restore_subnet_id': request_samples.ID}
                if key == 'ip_address' else {})
    accepted = 0
    for value in request_samples.VALUES:
        try:
            body = recorder.create_instance(
                dict(required, **{'restore_' + key: value}),
                models.Instance(request_samples.ID, volume_size=2))
        except errors.Rejected:
            continue
        accepted += 1
        assert validate('instances', body) is None, body
    assert accepted > 1


@many
@hypothesis.given(request_samples.plans,
                  strategies.sampled_from([None, request_samples.ID]))
def test_protect_sends_only_valid_requests(
        validate, recorder, parameters, parent_id):
    try:
        body = recorder.create_backup(parameters, parent_id)
    except errors.Rejected:
        return
    assert validate('backups', body) is None


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
def test_fake_trove_accepts_the_same_requests_as_the_schemas(
        validate, kind, path):
    for sample in [*request_samples.VALUES,
                   None, True, 0, 1, -1, 2, 0.5, [], {}]:
        value = sample
        for key in reversed(path):
            value = ([value] if key == '0' else
                     [value, value] if key == 'twice' else {key: value})
        if path[0] == 'volume' and path[1:]:
            value['volume'] = dict({'size': 1}, **value['volume'])
        body = {kind[:-1]: dict({'name': 'orders'}, **value)}
        try:
            FAKE[kind](body)
        except trove_errors.ErrorResponse as error:
            assert validate(kind, body), (body, str(error))
        else:
            assert validate(kind, body) is None, body
