# SPDX-License-Identifier: Apache-2.0

"""Parsing of Karbor's parameters into requests to Trove."""

import collections
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping
from typing import Optional

from karbor_trove.parameters import fields
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models

_PROTECT_FIELDS = {'backup_name': fields.TEXT, 'description': fields.TEXT,
                   'incremental': fields.BOOLEAN}
_NAME = restore_options.PREFIX + 'name'
_SKIP = restore_options.PREFIX + 'skip'


def parse_protect(parameters: Mapping[str, object], checkpoint_id: str,
                  instance_id: str, storage_driver: Optional[str] = None,
                  swift_container: Optional[str] = None
                  ) -> models.BackupRequest:
    """Return the request for a full backup.

    :param parameters: Karbor's parameters of this instance. If the name or the
        description is not set, the default contains the ids of the checkpoint
        and of the instance.
    :param storage_driver: an option of the operator. None for Trove's default.
    :param swift_container: an option of the operator. None for Trove's
        default.
    :raises errors.Rejected: a value is not allowed. The message has one line
        for each such value.
    """
    values = fields.parse_fields(parameters, _PROTECT_FIELDS)
    return models.BackupRequest(
        instance_id=instance_id,
        name=values.get('backup_name',
                        'karbor-%s-%s' % (checkpoint_id, instance_id)),
        description=values.get(
            'description', 'Karbor checkpoint %s of database instance %s'
            % (checkpoint_id, instance_id)),
        storage_driver=storage_driver,
        swift_container=swift_container)


def is_incremental(parameters: Mapping[str, object]) -> bool:
    """Return True if the plan requests an incremental backup of an instance.

    :param parameters: Karbor's parameters of this instance.
    :raises errors.Rejected: a value is not allowed. The message has one line
        for each such value.
    """
    return bool(fields.parse_fields(parameters, _PROTECT_FIELDS).get(
        'incremental'))


def parse_restore(parameters: Mapping[str, object], original: models.Instance,
                  backup_id: Optional[str], checkpoint_id: str
                  ) -> models.InstanceRequest:
    """Return the request for a restored instance.

    If a parameter is set, the request has the value of the parameter. Some
    parameters, such as the flavor, have `copied_from` in
    restore_options.OPTIONS. If such a parameter is not set, the request has
    the recorded value of the original instance.

    A name that the user passes may contain "{name}". The recorded name of the
    original instance replaces "{name}". If no name was recorded,
    "CHECKPOINT_ID@INSTANCE_ID" is used as the name of the original instance.

    :param parameters: Karbor's parameters of this instance.
    :param original: the original instance, as recorded in the bank.
    :param backup_id: the id of the backup. None if no backup is recorded.
    :raises errors.Rejected: a value is not allowed. The message has one line
        for each such value. If a recorded value is not allowed, the line names
        the parameter that a user can set instead.
    """
    options = restore_options.OPTIONS
    recorded: Dict[str, Any] = {
        name: getattr(original, option.copied_from)
        for name, option in options.items() if option.copied_from}
    recorded['name'] = original.name or '%s@%s' % (checkpoint_id, original.id)
    if has_placeholder(parameters):
        parameters = {**parameters, _NAME: str(parameters[_NAME]).replace(
            restore_options.NAME_PLACEHOLDER, recorded['name'])}
    values = fields.parse_fields(
        parameters, {'skip': fields.BOOLEAN, **{
            name: option.field for name, option in options.items()}},
        restore_options.PREFIX,
        {name: value for name, value in recorded.items()
         if options[name].is_copy_checked})
    values.pop('skip', None)
    if (values.get('configuration_id') == models.RECREATE_CONFIGURATION
            and original.configuration_id is None):
        del values['configuration_id']
    return models.InstanceRequest(
        original_id=original.id,
        backup_id=str(backup_id),
        datastore=original.datastore,
        # The recorded number and the recorded id belong to the recorded
        # version.
        datastore_version_number=(
            None if 'datastore_version' in values
            else original.datastore_version_number),
        datastore_version_id=(
            None if 'datastore_version' in values
            else original.datastore_version_id),
        **{**recorded, **values})


def is_skipped(parameters: Mapping[str, object]) -> bool:
    """Return True if the parameter restore_skip leaves an instance out.

    A value that is not allowed counts as False here. parse_restore() rejects
    such a value.

    :param parameters: Karbor's parameters of this instance.
    """
    return bool(fields.BOOLEAN.parse(str(parameters.get(_SKIP))))


def has_placeholder(parameters: Mapping[str, object]) -> bool:
    """Return True if the name that the user passes contains "{name}".

    :param parameters: Karbor's parameters of one instance.
    """
    return restore_options.NAME_PLACEHOLDER in str(parameters.get(_NAME))


def check_names(all_parameters: Iterable[Mapping[str, object]]
                ) -> Iterator[str]:
    """Check that the user does not pass one name for several instances.

    A name that contains "{name}" is not checked. In such a name, the name of
    the original instance replaces "{name}". If two original instances have the
    same name, their restored instances may have the same name too.

    :param all_parameters: Karbor's parameters of each restored instance.
    :returns: one problem for each name that is passed several times.
    """
    counts = collections.Counter(
        str(parameters[_NAME]) for parameters in all_parameters
        if parameters.get(_NAME) and not has_placeholder(parameters))
    for name, count in counts.items():
        if count > 1:
            yield ('%s %s is requested for %d databases: pass a different '
                   'name for each, or a name with "%s" for the name of the '
                   'original' % (_NAME, fields.quote(name), count,
                                 restore_options.NAME_PLACEHOLDER))


def list_unknown_ids(parameters: Mapping[str, object], resource_type: str,
                     ids: Collection[str]) -> List[str]:
    """Return the ids that have parameters but are not in the checkpoint.

    A key like "OS::Trove::Instance#ID" holds the parameters for one resource.
    Karbor ignores such a key if the checkpoint has no resource with this id
    [resource_flow.py, 1.6.0].

    :param parameters: Karbor's parameters of a whole restore, by key.
    :param resource_type: the type of the resources, such as
        "OS::Trove::Instance".
    :param ids: the ids of the resources of this type in the checkpoint.
    :returns: the unknown ids, sorted.
    """
    prefix = resource_type + '#'
    return sorted(key[len(prefix):] for key in parameters
                  if key.startswith(prefix) and key[len(prefix):] not in ids)
