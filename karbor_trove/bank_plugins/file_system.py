# SPDX-License-Identifier: Apache-2.0

"""Bank plugin for a file system."""

import contextlib
import os
import time
from typing import Any, List, Optional
import uuid

from karbor import exception
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from oslo_serialization import jsonutils

from karbor_trove.bank_plugins import listing
from karbor_trove import timeouts

#: The first character of the names of temporary files. No key of the bank can
#: contain this character [Bank._KEY_VALIDATION in protection/bank_plugin.py,
#: 1.6.0].
_TEMPORARY = '~'
#: How often a write is tried. A delete in another process may remove the new
#: directory of the file before the file is written, because the directory is
#: still empty.
_WRITE_ATTEMPTS = 10


class FileSystemBankPlugin(file_system_bank_plugin.FileSystemBankPlugin):
    """Karbor's bank in a file system, with atomic writes and sorted lists.

    An object is a file. The file has the same path and the same content as
    with Karbor's own plugin.

    If get_object() fails, its error shows whether the object exists. If the
    object does not exist, the `__context__` chain of the error has a
    FileNotFoundError. After any other failure, the chain has no
    FileNotFoundError.
    """

    def __init__(self, config: Any) -> None:
        """Read the options, and create the directory of the bank.

        If the directory cannot be created, the error is only logged. Every
        request then fails until the directory exists.

        :param config: the configuration of the provider file.
        """
        super().__init__(config)
        # Karbor's plugin only logs that it cannot create a directory, and
        # then may lack this attribute.
        self.object_container_path = os.path.normpath('/'.join(
            [self.file_system_bank_path, self.bank_object_container]))

    def get_object(self, key: str, context: Any = None) -> Any:
        """Return the content of an object.

        :returns: the parsed content if the content is JSON, or the content as
            text.
        :raises karbor.exception.BankGetObjectFailed: there is no such object,
            or the object cannot be read or is not UTF-8.
        :raises karbor.exception.InvalidInput: the key contains "..".
        """
        self._validate_path(key)
        try:
            content = self._get_object(key)
        except (OSError, UnicodeDecodeError) as error:
            raise exception.BankGetObjectFailed(
                reason=error, key=key) from error
        try:
            return jsonutils.loads(content)
        except ValueError:
            return content

    def delete_object(self, key: str, context: Any = None) -> None:
        """Delete an object. An absent object is no error.

        :raises karbor.exception.BankDeleteObjectFailed: the object may still
            exist.
        :raises karbor.exception.InvalidInput: the key contains "..".
        """
        self._validate_path(key)
        try:
            self._delete_object(key)
        except OSError as error:
            raise exception.BankDeleteObjectFailed(
                reason=error, key=key) from error

    def list_objects(self, prefix: Optional[str] = None,
                     limit: Optional[int] = None, marker: Optional[str] = None,
                     sort_dir: Optional[str] = None, context: Any = None
                     ) -> List[str]:
        """Return the sorted keys that begin with a prefix.

        :param prefix: None for all keys.
        :param limit: the maximum number of keys. None for no limit.
        :param marker: the last key of the previous page. The result begins
            after this key. None for the first page.
        :param sort_dir: "desc" for descending order. Any other value means
            ascending order.
        :raises karbor.exception.BankListObjectsFailed: a directory could not
            be read, so keys may be missing.
        :raises karbor.exception.InvalidInput: the prefix contains "..".
        """
        prefix = listing.normalize_prefix(prefix)
        self._validate_path(prefix)
        try:
            keys = self._list_object(prefix)
        except OSError as error:
            raise exception.BankListObjectsFailed(reason=error) from error
        return listing.select_page(keys, limit, marker, sort_dir)

    def _write_object(self, path: str, data: str) -> None:
        """Create or replace an object atomically.

        After a crash the object has either its old or its new content.

        :param path: the key of the object, which begins with a slash.
        :param data: the new content.
        :raises OSError: the object may have its old or its new content.
        """
        self._check_container()
        file = self.object_container_path + path
        for attempt in range(_WRITE_ATTEMPTS, 0, -1):
            try:
                return self._replace_file(file, data.encode('utf-8'))
            except FileNotFoundError:
                if attempt == 1:
                    raise

    def _replace_file(self, file: str, content: bytes) -> None:
        """Create or replace a file atomically.

        The content is first written to a temporary file in the same directory.
        Then the temporary file is renamed.

        :param file: the path of the file in the file system.
        :raises FileNotFoundError: another process has removed the directory of
            the file during this call.
        :raises OSError: the file may have its old or its new content.
        """
        directory = os.path.dirname(file)
        self._create_directory(directory)
        temporary = os.path.join(directory, _TEMPORARY + uuid.uuid4().hex)
        try:
            with open(temporary, 'xb') as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:  # Also if the green thread is killed.
            with contextlib.suppress(OSError):
                os.remove(temporary)
            raise
        _sync_directory(directory)

    def _create_directory(self, directory: str) -> None:
        """Create a directory of the bank and its parents, if they are missing.

        The top directory of the bank is never created here. If the top
        directory is missing, its file system may not be mounted.

        :param directory: the path of the top directory, or of a directory
            below the top directory.
        :raises FileNotFoundError: another process has removed a parent during
            this call, or the top directory does not exist.
        :raises OSError: the directory could not be created.
        """
        if directory == self.object_container_path or os.path.isdir(directory):
            return
        parent = os.path.dirname(directory)
        self._create_directory(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory)
        _sync_directory(parent)

    def _get_object(self, path: str) -> str:
        """Return the content of an object as text.

        :param path: the key of the object, which begins with a slash.
        :raises FileNotFoundError: there is no such object.
        :raises OSError: the object cannot be read.
        :raises UnicodeDecodeError: the content is not UTF-8.
        """
        self._check_container()
        try:
            with open(self.object_container_path + path,
                      encoding='utf-8') as stream:
                return stream.read()
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError('the object is not a file') from error

    def _delete_object(self, path: str) -> None:
        self._check_container()
        file = self.object_container_path + path
        try:
            os.remove(file)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return
        directory = os.path.dirname(file)
        with contextlib.suppress(FileNotFoundError):
            _sync_directory(directory)
        while directory != self.object_container_path:
            try:
                os.rmdir(directory)
            except OSError:  # The directory has files or is already removed.
                return
            directory = os.path.dirname(directory)

    def _list_object(self, path: str) -> List[str]:
        """Return the keys that begin with a prefix, in any order.

        This method also removes temporary files that are older than an hour.

        :param path: the prefix, which begins with a slash. Karbor's plugin
            gives the argument this name.
        :raises OSError: a directory could not be read.
        """
        self._check_container()
        keys: List[str] = []
        for directory, _, names in os.walk(
                self.object_container_path + path.rpartition('/')[0],
                onerror=_raise_unless_absent):
            for name in names:
                file = os.path.join(directory, name)
                if name.startswith(_TEMPORARY):
                    _remove_leftover(file)
                else:
                    keys.append(file[len(self.object_container_path):])
        return [key for key in keys if key.startswith(path)]

    def _check_container(self) -> None:
        """Check that the top directory of the bank exists.

        :raises OSError: the directory does not exist. The error is never a
            FileNotFoundError, because that class means that a single object
            does not exist.
        """
        if not os.path.isdir(self.object_container_path):
            raise OSError(
                'the directory %s of the bank does not exist or cannot be '
                'read. Check that its file system is mounted'
                % self.object_container_path)


def _sync_directory(directory: str) -> None:
    """Write the names of the files in a directory to the disk.

    Call this function after a file is created or deleted. Otherwise a crash
    of the machine could undo the creation or the deletion.

    :param directory: the path in the file system.
    :raises OSError: the names may not be on the disk.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise_unless_absent(error: OSError) -> None:
    # A delete in another process may remove a directory during the list.
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def _remove_leftover(file: str) -> None:
    """Remove a temporary file if the file is older than an hour.

    A process writes the content of an object to a temporary file, and then
    renames the file. The writer of an old temporary file was probably killed
    before the rename. Karbor's own plugin would list the file as an object, so
    the file has to be removed.

    If the writer is only slow, its rename fails, and the writer writes the
    object again. If the file cannot be removed, no error is raised.

    :param file: the path in the file system.
    """
    with contextlib.suppress(OSError):
        if time.time() - os.path.getmtime(file) > timeouts.TEMPORARY_FILE:
            os.remove(file)
