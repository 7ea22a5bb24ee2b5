"""Backups in Swift, in the same layout as in Trove's backup image.

A backup is one object with the name "<backup id>.tar.gz". If the backup is
larger than a segment, this object is a static large object. Its segments
"<backup id>_00000000", "<backup id>_00000001" and so on are in the same
container. The etag of the object is the checksum that Trove records. The
object of an incremental backup has metadata with the location and the checksum
of the parent.
"""

import json
import pathlib
from typing import Any

import swiftclient

#: Maximum size of a segment in bytes. It is small, so that the backup of an
#: almost empty database has several segments.
SEGMENT_SIZE = 1024 * 1024

_META = 'x-object-meta-'


class Damaged(Exception):
    """Error: an object in Swift is not as it was uploaded."""


def _split(location: str) -> tuple[str, str]:
    """Return the container and the name of the object at a location."""
    container, name = location.split('/')[-2:]
    return container, name


def save(swift: swiftclient.Connection, container: str, backup_id: str,
         archive: pathlib.Path, metadata: dict[str, str]) -> tuple[str, str]:
    """Upload a packed backup.

    :param archive: the file with the packed backup.
    :param metadata: the metadata of the object, for example 'parent-location'.
    :returns: the checksum and the location (URL) of the backup.
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
    """Download a packed backup and return the metadata of its object.

    :param location: the URL of the object.
    :param checksum: the expected etag of the object.
    :param archive: the file to write.
    :raises Damaged: the etag differs from the checksum, or bytes are missing.
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
    """Download a backup and all its ancestors.

    :param location: the URL of the object of the backup.
    :param checksum: the expected etag of this object.
    :param directory: an existing directory for the files.
    :returns: the files with the packed backups, the full backup first.
    :raises Damaged: see load().
    :raises swiftclient.ClientException: see load().
    """
    archives: list[pathlib.Path] = []
    while location:
        archive = directory / f'{len(archives)}.tar.gz'
        metadata = load(swift, location, checksum, archive)
        archives.insert(0, archive)
        location = metadata.get('parent-location', '')
        checksum = metadata.get('parent-checksum', '')
    return archives
