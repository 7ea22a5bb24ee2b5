"""Fake of the part of Keystone that Karbor needs to create clients."""

import http
import json
import typing

import requests_mock

from tests.fake_trove import cloud
from tests.fake_trove import faults
from tests.fake_trove import serialization

URL = 'http://keystone.example.com:5000'
KARBOR_URL = 'http://karbor.example.com:8799/v1'
#: The token of the user.
TOKEN = 'the-users-token'
#: The token of Karbor's service user.
SERVICE_TOKEN = 'the-service-users-token'
#: The same in a project in which this user has the role admin.
ADMIN_TOKEN = 'the-service-users-token-with-the-role-admin'
#: The project of Karbor's service user.
SERVICE_PROJECT = 'the-service-project'
#: A project in which Karbor's service user has no role.
CLOSED_PROJECT = 'a-project-without-karbor'

#: The version of the API in the discovery document.
VERSION = {'id': 'v3.14', 'status': 'stable', 'media-types': [],
           'links': [{'rel': 'self', 'href': URL + '/v3/'}]}


def _service(type_: str, name: str, url: str) -> typing.Dict[str, typing.Any]:
    """Return an entry of the service catalog."""
    return {'id': name, 'type': type_, 'name': name, 'endpoints': [
        {'id': name, 'interface': 'public', 'region': 'RegionOne',
         'region_id': 'RegionOne', 'url': url}]}


def build_token(project_id: str = cloud.PROJECT,
                roles: typing.Sequence[str] = ('member',),
                expires_at: str = '2999-01-01T00:00:00.000000Z'
                ) -> typing.Dict[str, typing.Any]:
    """Return Keystone's description of a token of the user.

    :param project_id: the project of the token.
    :param roles: the names of the user's roles in the project.
    """
    domain = {'id': 'default', 'name': 'Default'}
    return {'token': {
        'methods': ['password'], 'audit_ids': ['audit'],
        'issued_at': '2026-01-01T00:00:00.000000Z',
        'expires_at': expires_at,
        'user': {'id': 'user', 'name': 'user', 'domain': domain},
        'project': {'id': project_id, 'name': 'project', 'domain': domain},
        'roles': [{'id': role, 'name': role} for role in roles],
        'catalog': [
            _service('identity', 'keystone', URL + '/v3'),
            _service('object-store', 'swift',
                     '%s/v1/AUTH_%s' % (serialization.SWIFT_URL, project_id)),
            _service('database', 'trove',
                     '%s/%s' % (serialization.URL, project_id)),
            _service('data-protect', 'karbor',
                     '%s/%s' % (KARBOR_URL, project_id))]}}


def build_error(code: int) -> faults.Response:
    """Return Keystone's own error response for an HTTP code."""
    return faults.Response(code, json.dumps({'error': {
        'code': code, 'title': http.HTTPStatus(code).phrase,
        'message': 'A fault that the test injected.'}}),
        {'Content-Type': 'application/json'})


def get_service_token(roles: typing.Collection[str]) -> str:
    """Return the token of the service user in a project with these roles."""
    return ADMIN_TOKEN if 'admin' in roles else SERVICE_TOKEN


def attach(mocker: requests_mock.Mocker) -> None:
    """Serve the discovery documents and the tokens of the service user.

    The user is a member of each project except CLOSED_PROJECT.
    """
    mocker.get(URL + '/', status_code=300,
               json={'versions': {'values': [VERSION]}})
    mocker.get(URL + '/v3', json={'version': VERSION})
    issue_tokens(mocker, lambda project_id: () if (
        project_id == CLOSED_PROJECT) else ('member',))


def issue_tokens(mocker: requests_mock.Mocker,
                 get_roles: typing.Callable[[str], typing.Sequence[str]]
                 ) -> None:
    """Serve the requests for a token of the service user.

    If the request has the id of a project, the token is for this project. If
    it has the name of a project, the token is for SERVICE_PROJECT. Otherwise
    the token is for the default project of the fake Trove.

    :param get_roles: returns the roles of the user in a project. Without a
        role, the request fails with HTTP 401.
    """
    def issue(sent: typing.Any, context: typing.Any
              ) -> typing.Dict[str, typing.Any]:
        project = sent.json()['auth'].get('scope', {}).get('project', {})
        project_id = project.get('id') or (
            SERVICE_PROJECT if 'name' in project else cloud.PROJECT)
        roles = get_roles(project_id)
        if not roles:
            context.status_code = 401
            return {'error': {'code': 401, 'title': 'Unauthorized',
                              'message': 'The request you have made requires '
                                         'authentication.'}}
        context.headers['X-Subject-Token'] = get_service_token(roles)
        return build_token(project_id, roles)

    mocker.post(URL + '/v3/auth/tokens', status_code=201, json=issue)
