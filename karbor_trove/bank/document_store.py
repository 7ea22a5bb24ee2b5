# SPDX-License-Identifier: Apache-2.0

"""Versioned JSON documents in the bank.

A document may also be read by an earlier or a later release of this package.
So each document has the version of its format.
"""

import dataclasses
from typing import Any, Callable, ClassVar, Collection, Dict, Generic
from typing import Iterable, List, Mapping, Optional, Set, Tuple, Type, TypeVar

from oslo_log import log as logging

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types

LOG = logging.getLogger(__name__)

Entry = TypeVar('Entry')
Stored = TypeVar('Stored', bound='StoredEntry')
#: A JSON object in the bank.
Document = Dict[str, Any]


@dataclasses.dataclass(frozen=True)
class StoredEntry:
    """Base class of entries that the bank stores as JSON objects.

    The JSON object has one key for each field of the entry. The key is the
    name of the field, unless STORED_KEYS has another key for the field.
    """

    #: The key in the document by the name of the field. A field that is not
    #: listed has its name as the key.
    STORED_KEYS: ClassVar[Mapping[str, str]] = {}

    def to_document(self) -> Document:
        """Return the entry as a JSON object for the bank.

        The JSON object has no version. DocumentStore adds the version when it
        writes the JSON object.
        """
        return {self.STORED_KEYS.get(name, name): value
                for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_document(cls: Type[Stored], document: Document) -> Stored:
        """Build an entry from a JSON object.

        If a key is missing, its field gets the default value. An unknown key
        is an error, because the next write of the entry would delete this key
        from the bank.

        :param document: a JSON object as to_document() returns it.
        :raises ValueError: a key is unknown. Or a key is missing, and its
            field has no default value.
        """
        fields = {cls.STORED_KEYS.get(field.name, field.name): field
                  for field in dataclasses.fields(cls)}
        for key in sorted(fields.keys() ^ document.keys()):
            if key not in fields:
                raise ValueError('its key "%s" is unknown' % key)
            if fields[key].default is dataclasses.MISSING:
                raise ValueError('its key "%s" is missing' % key)
        return cls(**{fields[key].name: value
                      for key, value in document.items()})


def check_version(name: str, version: int, supported: int) -> None:
    """Check that this release can read a document.

    :param name: the name of the document in the bank, for the error message.
    :param version: the version that the document has.
    :param supported: the latest version that this release can read.
    :raises errors.Rejected: a later release wrote the document.
    """
    if version > supported:
        raise errors.Rejected(
            'the object "%s" in the bank has version %s and this release '
            'knows versions up to %d. Use the release that wrote the object, '
            'or a later one' % (name, version, supported))


def check_ids(name: str, expected: Mapping[str, Tuple[object, object]],
              optional: Mapping[str, object]) -> None:
    """Check the ids in a document before any of these ids is used.

    A user may be able to write into the bank. An unchecked id could name the
    checkpoint of another project, or become a path.

    :param name: the name of the document in the bank, for the error message.
    :param expected: the ids that are also in the path of the document. The key
        is the name of the id, such as "checkpoint_id". The value is a pair:
        the id in the document, and the id in the path.
    :param optional: the ids of Trove's objects in the document. The key is the
        name of the id, such as "parent_id". The value is the id or None.
    :raises errors.CorruptObject: the ids of a pair differ, or an optional id
        is neither a UUID nor None.
    """
    for key, (found, place) in expected.items():
        if found != place:
            raise errors.CorruptObject(
                'the object "%s" in the bank is corrupt: its %s is %a and not '
                '%a' % (name, key, found, place))
    for key, found in optional.items():
        if found is not None and not ids.is_uuid(found):
            raise errors.CorruptObject(
                'the object "%s" in the bank is corrupt: its %s is %a, which '
                'is not an id' % (name, key, found))


class DocumentStore(Generic[Entry]):
    """All documents of one kind in one folder of the bank.

    A document is a JSON object in the bank. An entry is the Python object that
    is built from a document. Every method that reads or writes raises
    errors.BankError if the bank fails.
    """

    def __init__(self, section: karbor_types.BankSection, path: str,
                 version: int, required_key: str,
                 parse: Callable[[str, Document], Entry],
                 keeps_copy: bool = False) -> None:
        """Create the object. Nothing is read or written yet.

        :param section: the folder of the documents in the bank.
        :param path: the path of this folder, with a slash at the end. It is
            used only in error messages, as the beginning of a document's name.
            It may be empty.
        :param version: the version that this release writes. This release
            reads this version and all earlier versions.
        :param required_key: a key that the documents of all versions have. A
            document without this key is corrupt.
        :param parse: builds an entry from the key of a document and from the
            document without its version. The function raises
            errors.CorruptObject if the document does not belong to this place
            in the bank. It raises KeyError, TypeError or ValueError if the
            document is corrupt in another way.
        :param keeps_copy: True to keep a copy of the new content in the bank
            while a document is replaced. If Karbor's bank plugin for a file
            system is interrupted, it leaves a corrupt document. In that case
            read() returns the copy. Documents that are written only once need
            no copy.
        """
        self._section = section
        self._path = path
        self._version = version
        self._required_key = required_key
        self._parse = parse
        self._keeps_copy = keeps_copy
        #: The keys of the documents that this object has written and not
        #: deleted. write_document() does not look for them in a list of the
        #: bank. If another operation has deleted such a document,
        #: write_document() writes a copy that is not needed.
        self._written_keys: Set[str] = set()

    def write_document(self, key: str, document: Document) -> None:
        """Write a document, and replace an earlier document with the same key.

        :param document: the document without a version. This method adds the
            version to the stored document.
        :raises errors.Rejected: the key cannot be a single part of a path.
        :raises errors.BankError: the document may be written nevertheless.
        """
        ids.check_path_part(key, 'document')
        document = dict(document, version=self._version)
        if self._keeps_copy and (key in self._written_keys or
                                 key in storage.list_keys(self._section)):
            copy = key + layout.COPY_SUFFIX
            storage.write(self._section, copy, document)
            storage.write(self._section, key, document)
            storage.delete(self._section, copy, is_written=True)
        else:
            storage.write(self._section, key, document)
        self._written_keys.add(key)

    def read(self, key: str) -> Optional[Entry]:
        """Return one entry. None if there is no document with this key.

        :raises errors.CorruptObject: the document is corrupt and has no intact
            copy, or does not belong to this place in the bank.
        :raises errors.Rejected: a later release wrote the document, or the key
            cannot be a single part of a path.
        :raises errors.BankError: the document could not be read.
        """
        ids.check_path_part(key, 'document')
        document = storage.read(self._section, key)
        if document is None:
            return None
        if self._keeps_copy and not self._is_complete(document):
            document = storage.read(self._section, key + layout.COPY_SUFFIX)
        if not self._is_complete(document):
            raise errors.CorruptObject(
                'the object "%s" in the bank is corrupt: it is not a JSON '
                'object with the key "%s"'
                % (self._path + key, self._required_key))
        try:
            check_version(self._path + key, document.pop('version', 0),
                          self._version)
            return self._parse(key, document)
        except (KeyError, TypeError, ValueError) as error:
            raise errors.CorruptObject(
                'the object "%s" in the bank is corrupt: %s'
                % (self._path + key, error)) from error

    def list_keys(self) -> List[str]:
        """Return the sorted keys of all documents.

        A document may have a copy. If the bank lists only the copy, the result
        has the key of the document.

        :raises errors.BankError: the bank did not return a list.
        """
        suffix = layout.COPY_SUFFIX
        return sorted({key[:-len(suffix)] if key.endswith(suffix) else key
                       for key in storage.list_keys(self._section)})

    def read_all(self, skipped_keys: Collection[str] = ()
                 ) -> Tuple[List[Entry], Dict[str, errors.Rejected]]:
        """Return all readable entries, and the errors of unreadable documents.

        The errors are also logged.

        :param skipped_keys: the keys of documents that are not to be read. The
            result has neither an entry nor an error for these documents.
        :returns: see read_entries().
        :raises errors.BankError: the bank failed.
        """
        return self.read_entries(key for key in self.list_keys()
                                 if key not in skipped_keys)

    def read_entries(self, keys: Iterable[str]
                     ) -> Tuple[List[Entry], Dict[str, errors.Rejected]]:
        """Return the entries of keys, and the errors of unreadable documents.

        The errors are also logged.

        :param keys: the keys of the documents. If a document does not exist,
            the result has neither an entry nor an error for it.
        :returns: a list of entries, and a dictionary of errors. The key of an
            error is the key of the document that could not be read.
        :raises errors.BankError: the bank failed.
        """
        entries: List[Entry] = []
        unreadable: Dict[str, errors.Rejected] = {}
        for key in keys:
            try:
                entry = self.read(key)
            except errors.Rejected as error:
                LOG.error('%s', error)
                unreadable[key] = error
            else:
                # The list may be stale and still have a deleted object.
                if entry is not None:
                    entries.append(entry)
        return entries, unreadable

    def list_entries(self) -> List[Entry]:
        """Return the entries of all readable documents.

        The error of a document that cannot be read is logged.

        :raises errors.BankError: the bank failed.
        """
        return self.read_all()[0]

    def delete(self, key: str) -> None:
        """Delete a document, and its copy if there is a copy.

        An absent document is no error.

        :raises errors.Rejected: the key cannot be a single part of a path.
        :raises errors.BankError: the document may be deleted nevertheless.
        """
        ids.check_path_part(key, 'document')
        self._written_keys.discard(key)
        storage.delete(self._section, key)
        copy = key + layout.COPY_SUFFIX
        if self._keeps_copy and copy in storage.list_keys(self._section):
            storage.delete(self._section, copy)

    def _is_complete(self, data: object) -> bool:
        # The bank returns an object that is not JSON as text or as bytes.
        return isinstance(data, dict) and self._required_key in data
