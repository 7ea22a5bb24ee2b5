"""A small stateful Karbor, of whose API the dashboard needs the most."""

import copy
import http.server
import json
import re
import threading
import urllib.parse
import uuid

from karbor_trove.parameters import schemas

TYPE = 'OS::Trove::Instance'
PROJECT_TYPE = 'OS::Keystone::Project'
PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
_COLLECTIONS = {'plans': 'plan', 'restores': 'restore',
                'verifications': 'verification'}


class Failure(Exception):
    """Karbor's response to a bad request."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class FakeKarbor:
    """Karbor's state. A context manager that serves it on `url`.

    :ivar requests: (method, path, body) of all requests that change something.
    """

    def __init__(self, project_id):
        self.project_id = project_id
        self.requests = []
        self.provider = {
            'id': PROVIDER_ID, 'name': 'Databases', 'description': '',
            'extended_info_schema': {
                'options_schema': {PROJECT_TYPE: {},
                                   TYPE: schemas.OPTIONS},
                'restore_schema': {PROJECT_TYPE: {},
                                   TYPE: schemas.RESTORE},
                'saved_info_schema': {}}}
        self.instances = {}
        self.checkpoints = {}
        self.plans, self.restores, self.verifications = {}, {}, {}
        self._rejected = {}

    def __enter__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do(self):
                length = int(self.headers.get('Content-Length') or 0)
                body = json.loads(self.rfile.read(length) or b'null')
                path = urllib.parse.unquote(
                    self.path.partition('?')[0]).removeprefix(
                        f'/v1/{fake.project_id}')
                try:
                    status, answer = 200, fake.answer(
                        self.command, path, body)
                except Failure as e:
                    status, answer = e.status, {'badRequest': {
                        'code': e.status, 'message': str(e)}}
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do

            def log_message(self, *args):
                """Write nothing to the output of the tests."""

        self._server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), Handler)
        threading.Thread(target=self._server.serve_forever).start()
        self.url = 'http://127.0.0.1:%d/v1/%s' % (
            self._server.server_port, self.project_id)
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def reject(self, path, text):
        """Answer 400 to POST requests to a path."""
        self._rejected[path] = text

    def accept(self):
        """Answer all requests again."""
        self._rejected.clear()

    def add_checkpoint(self, plan='nightly', status='available', instances=()):
        """Create a checkpoint and return its id."""
        id_ = str(uuid.uuid4())
        nodes = {'0': [PROJECT_TYPE, self.project_id, 'shop']}
        for number, (instance, name) in enumerate(instances, 1):
            nodes[str(number)] = [TYPE, instance, name]
        self.checkpoints[id_] = {
            'id': id_, 'status': status, 'project_id': self.project_id,
            'protection_plan': {'id': str(uuid.uuid4()), 'name': plan},
            'created_at': '2026-11-27', 'extra_info': None,
            'resource_graph': json.dumps(
                [nodes, [['0', [key for key in nodes if key != '0']]]])}
        return id_

    def add_record(self, collection, checkpoint, status, results):
        """Create a restore or a verification and return its id.

        :param results: id of an instance -> (status, reason).
        """
        id_ = str(uuid.uuid4())
        getattr(self, collection)[id_] = {
            'id': id_, 'status': status, 'provider_id': PROVIDER_ID,
            'checkpoint_id': checkpoint, 'restore_target': None,
            'parameters': {},
            'resources_status': {f'{TYPE}#{key}': value[0]
                                 for key, value in results.items()},
            'resources_reason': {f'{TYPE}#{key}': value[1]
                                 for key, value in results.items()}}
        return id_

    def answer(self, method, path, body):
        if method != 'GET':
            self.requests.append((method, path, copy.deepcopy(body)))
            if path in self._rejected:
                raise Failure(400, self._rejected[path])
        for pattern, answer in (
                (r'/providers', self._list_providers),
                (r'/providers/([^/]+)', self._get_provider),
                (r'/providers/[^/]+/checkpoints', self._do_checkpoints),
                (r'/providers/[^/]+/checkpoints/([^/]+)',
                 self._do_checkpoint),
                (r'/protectables/([^/]+)/instances', self._list_instances),
                (r'/protectables/[^/]+/instances/([^/]+)',
                 self._get_instance),
                (r'/(plans|restores|verifications)', self._do_collection),
                (r'/(plans|restores|verifications)/([^/]+)',
                 self._do_member)):
            match = re.fullmatch(pattern, path)
            if match:
                return answer(method, body, *match.groups())
        raise Failure(404, path)

    def _list_providers(self, method, body):
        return {'providers': [self.provider]}

    def _get_provider(self, method, body, id_):
        return {'provider': self.provider}

    def _do_checkpoints(self, method, body):
        if method == 'GET':
            return {'checkpoints': list(self.checkpoints.values())}
        id_ = self.add_checkpoint()
        return {'checkpoint': self.checkpoints[id_]}

    def _do_checkpoint(self, method, body, id_):
        if id_ not in self.checkpoints:
            raise Failure(404, f'Checkpoint {id_} could not be found.')
        if method == 'DELETE':
            self.checkpoints[id_]['status'] = 'deleting'
            return None
        return {'checkpoint': self.checkpoints[id_]}

    def _list_instances(self, method, body, type_):
        return {'instances': [self._get_instance(
            method, body, self.project_id)['instance']]}

    def _get_instance(self, method, body, id_):
        if id_ == self.project_id:
            return {'instance': {
                'id': id_, 'type': PROJECT_TYPE, 'name': 'shop',
                'dependent_resources': [
                    {'id': key, 'type': TYPE, 'name': name}
                    for key, name in self.instances.items()]}}
        return {'instance': {
            'id': id_, 'type': TYPE, 'name': self.instances[id_],
            'dependent_resources': []}}

    def _do_collection(self, method, body, name):
        members = getattr(self, name)
        if method == 'GET':
            # Newest first.
            return {name: list(members.values())[::-1]}
        member = body[_COLLECTIONS[name]]
        if name == 'restores':
            self._check_restore(member)
        id_ = str(uuid.uuid4())
        members[id_] = {
            'id': id_, 'restore_target': None, **member,
            'status': 'suspended' if name == 'plans' else 'in_progress',
            'resources_status': {}, 'resources_reason': {}}
        return {_COLLECTIONS[name]: members[id_]}

    def _check_restore(self, restore):
        # Karbor's schema has texts, numbers and booleans in restore_auth.
        for key, value in (restore['restore_auth'] or {}).items():
            if value is None:
                raise Failure(400, f'Invalid input for field/attribute {key}. '
                                   'Value: None.')

    def _do_member(self, method, body, name, id_):
        member = getattr(self, name).get(id_)
        if member is None:
            raise Failure(404, f'{id_} could not be found.')
        if method == 'DELETE':
            del getattr(self, name)[id_]
            return None
        return {_COLLECTIONS[name]: member}
