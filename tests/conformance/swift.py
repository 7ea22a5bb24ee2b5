"""What we rely on when we look at what a backup is in Swift."""

import hashlib

from keystoneauth1 import exceptions as keystone_exceptions
import pytest

from tests.conformance.cloud import Cloud

SWIFT = {'service_type': 'object-store'}


class Stored:
    """A backup's object, by its container and name."""

    def __init__(self, cloud: Cloud, backup_id: str) -> None:
        self._session = cloud.client.client.session
        location = cloud.client.backups.get(backup_id).locationRef
        self.path = '/' + '/'.join(location.split('/')[-2:])

    def ask(self, method: str, path: str, **kw):
        return self._session.request(path, method, endpoint_filter=SWIFT,
                                     **kw)

    @property
    def headers(self):
        return self.ask('HEAD', self.path).headers

    @property
    def manifest(self):
        return self.ask('GET', self.path, params={
            'multipart-manifest': 'get'}).json()


class ObjectBehaviour:

    def test_an_object_tells_of_its_segments(self, cloud: Cloud):
        stored = Stored(cloud, cloud.back_up(cloud.instance()))
        told, segments = stored.headers, stored.manifest
        assert len(segments) > 1
        assert told['X-Static-Large-Object'].lower() == 'true'
        assert int(told['Content-Length']) == sum(
            of['bytes'] for of in segments)
        joined = ''.join(of['hash'] for of in segments)
        assert told['Etag'] == '"%s"' % hashlib.md5(
            joined.encode()).hexdigest()
        for of in segments:
            assert of['name'].startswith('/' + stored.path.split('/')[1])
            seen = stored.ask('HEAD', of['name']).headers
            assert seen['Etag'] == of['hash']
            assert int(seen['Content-Length']) == of['bytes']

    def test_a_change_of_a_segment_shows_in_the_segment_alone(
            self, cloud: Cloud):
        stored = Stored(cloud, cloud.back_up(cloud.instance()))
        told, segments = stored.headers, stored.manifest
        where = segments[1]['name']
        stored.ask('PUT', where, data='other bytes')
        assert stored.headers['Etag'] == told['Etag']
        assert stored.headers['Content-Length'] == told['Content-Length']
        assert stored.manifest == segments
        seen = stored.ask('HEAD', where).headers
        assert seen['Etag'] == hashlib.md5(b'other bytes').hexdigest()
        assert int(seen['Content-Length']) == len('other bytes')

    def test_a_segment_that_was_removed_is_not_found(self, cloud: Cloud):
        stored = Stored(cloud, cloud.back_up(cloud.instance()))
        where = stored.manifest[0]['name']
        stored.ask('DELETE', where)
        assert stored.headers['Etag']
        with pytest.raises(keystone_exceptions.NotFound):
            stored.ask('HEAD', where)
