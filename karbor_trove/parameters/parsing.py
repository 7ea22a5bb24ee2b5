# SPDX-License-Identifier: Apache-2.0

"""Parsing of Karbor's parameters into requests to Trove."""

from typing import Any, Collection, Dict, List, Mapping, Optional

from karbor_trove.parameters import fields
from karbor_trove.parameters import restore_options
from karbor_trove.trove import models

_PROTECT_FIELDS = {'backup_name': fields.TEXT, 'description': fields.TEXT,
                   'incremental': fields.BOOLEAN}


def parse_protect(parameters: Mapping[str, object], checkpoint_id: str,
                  instance_id: str, storage_driver: Optional[str] = None,
                  swift_container: Optional[str] = None
                  ) -> models.BackupRequest:
    """Return the request for a full backup.

    :param parameters: Karbor's parameters of this instance. A name or a
        description that is not set is made from the ids of the checkpoint and
        the instance.
    :param storage_driver: the operator's option. None for Trove's default.
    :param swift_container: the operator's option. None for Trove's default.
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
    """Return True if the plan requests an incremental backup.

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

    The request has the recorded values of the original instance, except for
    the values that the parameters set. If no name was recorded, the name is
    made from the ids of the checkpoint and the original instance.

    :param parameters: Karbor's parameters of this instance.
    :param original: the original instance, as recorded in the bank.
    :param backup_id: the id of the backup. None if no backup is recorded.
    :raises errors.Rejected: a value is not allowed. The message has one line
        for each such value. If the value is a recorded one, the line names the
        parameter that a user can set instead.
    """
    options = restore_options.OPTIONS
    recorded: Dict[str, Any] = {
        name: getattr(original, option.copied_from)
        for name, option in options.items() if option.copied_from}
    recorded['name'] = original.name or '%s@%s' % (checkpoint_id, original.id)
    values = fields.parse_fields(
        parameters, {name: option.field for name, option in options.items()},
        restore_options.PREFIX,
        {name: value for name, value in recorded.items()
         if options[name].is_copy_checked})
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


def unknown_resources(parameters: Mapping[str, object], resource_type: str,
                      ids: Collection[str]) -> List[str]:
    """Return the ids that the parameters name but the checkpoint lacks.

    Karbor ignores the parameters of a resource with such an id
    [resource_flow.py, 1.6.0].

    :param parameters: Karbor's parameters of a whole restore.
    :param ids: the ids of the resources of this type in the checkpoint.
    """
    prefix = resource_type + '#'
    return sorted(key[len(prefix):] for key in parameters
                  if key.startswith(prefix) and key[len(prefix):] not in ids)
