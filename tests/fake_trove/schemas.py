"""JSON schemas of the request bodies that Trove accepts."""

import typing

import jsonschema

from tests.fake_trove import errors
from tests.fake_trove import releases

_TEXT = {'type': 'string', 'minLength': 1, 'maxLength': 255,
         'pattern': '^.*[0-9a-zA-Z].*$'}
_UUID = {'type': 'string', 'pattern': '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}'
                                      '-[0-9a-fA-F]{12}$'}
_SIZE = {'oneOf': [{'type': 'integer', 'minimum': 1},
                   {'type': 'string', 'pattern': '^0*[1-9][0-9]*$',
                    'maxLength': 40}]}
_ADDRESS = {'type': 'string', 'pattern': r'^([0-9]{1,3}\.){3}[0-9]{1,3}$'}
_CIDR = {'type': 'string',
         'pattern': r'^([0-9]{1,3}\.){3}[0-9]{1,3}'
                    r'(/([0-9]|[12][0-9]|3[0-2]))?$'}
_NIC_KEYS = {'net-id': _UUID, 'network_id': _UUID, 'subnet_id': _UUID,
             'ip_address': _ADDRESS}

_Schema = typing.Dict[str, typing.Any]


def _object(required: typing.List[str], **properties: _Schema) -> _Schema:
    """Return the schema of an object with these properties."""
    return {'type': 'object', 'required': required, 'properties': properties}


_BACKUP = _object(
    ['name'], name=_TEXT, description=_TEXT, instance=_UUID,
    parent_id=_UUID, swift_container=_TEXT,
    incremental={'type': 'integer', 'minimum': 0, 'maximum': 1})


_CONFIGURATION = _object(
    ['name', 'values'], name=_TEXT, description=_TEXT,
    values={'type': 'object'}, datastore=_object(
        [], type=_TEXT, version=_TEXT, version_number=_TEXT))


def _instance(release: releases.Release) -> _Schema:
    """Return the schema of a requested instance."""
    nic = _object([], **{key: _NIC_KEYS[key] for key in release.nic_keys})
    nic['additionalProperties'] = False
    return _object(
        ['name'], name=_TEXT, volume=_object(['size'], size=_SIZE, type={
            'oneOf': [_TEXT, {'type': 'null'}]}),
        flavorRef={'oneOf': [_TEXT, {'type': 'integer'}]},
        restorePoint=_object(['backupRef'], backupRef=_UUID),
        replica_of=_UUID, availability_zone=_TEXT, region_name=_TEXT,
        # Not in Trove's schema, but checked right after it.
        locality={'enum': list(release.localities)},
        datastore=_object([], type=_TEXT, version=_TEXT,
                          version_number=_TEXT),
        nics={'type': 'array', 'maxItems': 1, 'items': nic},
        access=_object([], is_public={'type': 'boolean'}, allowed_cidrs={
            'type': 'array', 'uniqueItems': True, 'items': _CIDR}))


def _validate(body: typing.Any, key: str, schema: _Schema) -> _Schema:
    """Return the value of the only key of a body, if the value is valid.

    :raises errors.ErrorResponse: 400. The message names each bad value.
    """
    validator = jsonschema.Draft4Validator(_object([key], **{key: schema}))
    problems = sorted(validator.iter_errors(body), key=lambda e: str(e.path))
    if problems:
        raise errors.ErrorResponse(400, 'Validation error: ' + '; '.join(
            '%s %s' % ('/'.join(map(str, problem.path)), problem.message)
            for problem in problems))
    return typing.cast(_Schema, body[key])


def parse_backup(body: typing.Any) -> _Schema:
    """Return the properties of a requested backup.

    :raises errors.ErrorResponse: 400. The message names each bad value.
    """
    return _validate(body, 'backup', _BACKUP)


def parse_configuration(body: typing.Any) -> _Schema:
    """Return the properties of a requested configuration group.

    :raises errors.ErrorResponse: 400. The message names each bad value.
    """
    return _validate(body, 'configuration', _CONFIGURATION)


def parse_instance(body: typing.Any, release: releases.Release) -> _Schema:
    """Return the properties of a requested instance.

    :raises errors.ErrorResponse: 400. The message names each bad value.
    """
    return _validate(body, 'instance', _instance(release))
