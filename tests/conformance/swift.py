"""Tests of how Swift stores a backup."""

import hashlib

from keystoneauth1 import exceptions as keystone_exceptions
import pytest

from tests.conformance.cloud import Cloud

#: How keystoneauth finds Swift in the service catalog.
SWIFT = {'service_type': 'object-store'}


class StoredBackup:
    """The object of a backup in Swift.

    The attribute `path` has the container and the name of the object.
    """

    def __init__(self, cloud: Cloud, backup_id: str) -> None:
        self._session = cloud.client.client.session
        location = cloud.client.backups.get(backup_id).locationRef
        self.path = '/' + '/'.join(location.split('/')[-2:])

    def send(self, method: str, path: str, **kw):
        """Send a request to Swift, and return the response.

        :param path: the path after the account, for example '/container/name'.
        :param kw: further arguments of keystoneauth1's Session.request().
        :raises keystoneauth1.exceptions.HttpError: the response is an error.
        """
        return self._session.request(path, method, endpoint_filter=SWIFT,
                                     **kw)

    @property
    def headers(self):
        """The headers of the object. Each access sends a request."""
        return self.send('HEAD', self.path).headers

    @property
    def manifest(self):
        """The segments in the manifest. Each access sends a request."""
        return self.send('GET', self.path, params={
            'multipart-manifest': 'get'}).json()


def _store_backup(cloud: Cloud) -> StoredBackup:
    """Create a backup, and return its object."""
    return StoredBackup(
        cloud, cloud.create_backup(cloud.get_shared_instance()))


class ObjectBehaviour:
    """Tests of the objects and segments of backups."""

    def test_the_manifest_of_an_object_lists_its_segments(
            self, cloud: Cloud):
        stored = _store_backup(cloud)
        headers, segments = stored.headers, stored.manifest
        assert len(segments) > 1
        assert headers['X-Static-Large-Object'].lower() == 'true'
        assert int(headers['Content-Length']) == sum(
            segment['bytes'] for segment in segments)
        joined = ''.join(segment['hash'] for segment in segments)
        assert headers['Etag'] == '"%s"' % hashlib.md5(
            joined.encode()).hexdigest()
        for segment in segments:
            assert segment['name'].startswith('/' + stored.path.split('/')[1])
            headers = stored.send('HEAD', segment['name']).headers
            assert headers['Etag'] == segment['hash']
            assert int(headers['Content-Length']) == segment['bytes']

    def test_a_changed_segment_does_not_change_the_object_or_manifest(
            self, cloud: Cloud):
        stored = _store_backup(cloud)
        headers, segments = stored.headers, stored.manifest
        path = segments[1]['name']
        stored.send('PUT', path, data='other bytes')
        assert stored.headers['Etag'] == headers['Etag']
        assert stored.headers['Content-Length'] == headers['Content-Length']
        assert stored.manifest == segments
        headers = stored.send('HEAD', path).headers
        assert headers['Etag'] == hashlib.md5(b'other bytes').hexdigest()
        assert int(headers['Content-Length']) == len('other bytes')

    def test_a_plain_object_is_not_deleted_as_a_manifest(
            self, cloud: Cloud):
        """Check that only the body of Swift's response has the error.

        The HTTP code is 200.
        """
        stored = _store_backup(cloud)
        path = '/%s/plain.tar.gz' % stored.path.split('/')[1]
        stored.send('PUT', path, data='bytes')
        assert 'X-Static-Large-Object' not in stored.send(
            'HEAD', path).headers
        response = stored.send(
            'DELETE', path, params={'multipart-manifest': 'delete'},
            headers={'Accept': 'application/json'})
        assert response.status_code == 200
        result = response.json()
        assert result['Response Status'] == '400 Bad Request'
        assert result['Number Deleted'] == 0
        assert result['Errors'] == [[path, 'Not an SLO manifest']]
        assert stored.send('HEAD', path).status_code == 200
        stored.send('DELETE', path)
        with pytest.raises(keystone_exceptions.NotFound):
            stored.send('HEAD', path)

    def test_a_manifest_is_deleted_with_its_segments(self, cloud: Cloud):
        stored = _store_backup(cloud)
        segments = stored.manifest
        result = stored.send(
            'DELETE', stored.path, params={'multipart-manifest': 'delete'},
            headers={'Accept': 'application/json'}).json()
        assert result['Response Status'] == '200 OK'
        assert result['Number Deleted'] == 1 + len(segments)
        assert result['Errors'] == []
        for path in (stored.path, *(segment['name'] for segment in segments)):
            with pytest.raises(keystone_exceptions.NotFound):
                stored.send('HEAD', path)

    def test_a_deleted_segment_is_not_found(self, cloud: Cloud):
        stored = _store_backup(cloud)
        path = stored.manifest[0]['name']
        stored.send('DELETE', path)
        assert stored.headers['Etag']
        with pytest.raises(keystone_exceptions.NotFound):
            stored.send('HEAD', path)
