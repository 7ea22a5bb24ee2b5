"""Backups in Swift, with the object layout of Trove's backup image.

A backup is an object "<backup id>.tar.gz". If it has more than one segment,
it is a static large object of "<backup id>_00000000" and so on in the same
container. The checksum that Trove records is the object's etag. An
incremental backup has its parent in its metadata.
"""

import json
import pathlib
from typing import Any

import swiftclient

#: Small, so that a test's backup has several segments. Bytes.
SEGMENT_SIZE = 1024 * 1024

_META = 'x-object-meta-'


class Damaged(Exception):
    """The object in Swift differs from what was uploaded."""


def _split(location: str) -> tuple[str, str]:
    container, name = location.split('/')[-2:]
    return container, name


def save(swift: swiftclient.Connection, container: str, backup_id: str,
         archive: pathlib.Path, metadata: dict[str, str]) -> tuple[str, str]:
    """Upload a packed backup.

    :returns: the backup's checksum and location.
    """
    name = f'{backup_id}.tar.gz'
    headers = {f'{_META}{key}': value for key, value in metadata.items()}
    swift.put_container(container)
    if archive.stat().st_size <= SEGMENT_SIZE:
        swift.put_object(container, name, archive.read_bytes(),
                         headers=headers)
    else:
        segments = []
        with open(archive, 'rb') as packed:
            while content := packed.read(SEGMENT_SIZE):
                segment = f'{backup_id}_{len(segments):08}'
                etag = swift.put_object(container, segment, content)
                segments.append({'path': f'{container}/{segment}',
                                 'etag': etag, 'size_bytes': len(content)})
        swift.put_object(container, name, json.dumps(segments),
                         headers=headers,
                         query_string='multipart-manifest=put')
    etag = swift.head_object(container, name)['etag'].strip('"')
    return etag, f'{swift.url}/{container}/{name}'


def load(swift: swiftclient.Connection, location: str, checksum: str,
         archive: pathlib.Path) -> dict[str, Any]:
    """Download a packed backup and return its metadata.

    :raises Damaged: its etag is not the checksum, or bytes are missing.
    :raises swiftclient.ClientException: the object is missing, or Swift is
        unavailable.
    """
    headers, chunks = swift.get_object(*_split(location),
                                       resp_chunk_size=65536)
    if headers['etag'].strip('"') != checksum:
        raise Damaged(f'{location} has the etag {headers["etag"]}, not '
                      f'{checksum}')
    length = 0
    with open(archive, 'wb') as packed:
        for chunk in chunks:
            packed.write(chunk)
            length += len(chunk)
    if length != int(headers['content-length']):
        raise Damaged(f'{location} ends after {length} bytes')
    return {key[len(_META):]: value for key, value in headers.items()
            if key.startswith(_META)}


def load_chain(swift: swiftclient.Connection, location: str, checksum: str,
               directory: pathlib.Path) -> list[pathlib.Path]:
    """Download a backup and its ancestors, the full backup first."""
    archives: list[pathlib.Path] = []
    while location:
        archive = directory / f'{len(archives)}.tar.gz'
        metadata = load(swift, location, checksum, archive)
        archives.insert(0, archive)
        location = metadata.get('parent-location', '')
        checksum = metadata.get('parent-checksum', '')
    return archives
