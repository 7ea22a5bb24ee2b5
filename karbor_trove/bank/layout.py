# SPDX-License-Identifier: Apache-2.0

"""Paths and names of all objects in the bank.

Existing banks use these paths and names. A change makes the objects of
existing banks unreadable. An id becomes a part of a path only through the
functions of this module, which check the id.
"""

import hashlib

from karbor_trove import ids

# Karbor's own objects [services/protection/checkpoint.py, 1.6.0].

#: The folder that holds one folder for each checkpoint.
CHECKPOINTS = '/checkpoints/'
#: The folder that holds Karbor's index files, which list all checkpoints.
INDICES = '/indices'
#: The object in a checkpoint's folder that describes the checkpoint.
CHECKPOINT_INDEX = 'index.json'
#: The folder in a checkpoint's folder that holds one folder, the section, for
#: each resource.
RESOURCE_DATA = 'resource-data/'

# Objects in the section of a resource.

#: Karbor's word for the state of the resource, as in Karbor's in-tree plugins.
STATUS = 'status'
#: The backup record, as in Karbor's in-tree plugin.
BACKUP_RECORD = 'metadata'
#: The process that runs the operation.
WORKER = 'worker'
#: Why the last operation failed.
FAILURE_REASON = 'reason'
#: The full text of a reason that is shortened in Karbor's record of a restore
#: or verification.
LONG_REASON = 'long-reason'
#: Why the checkpoint has no backup of the instance.
OMISSION = 'omission'
#: The result of a verification, by its level.
VERIFICATION_RESULT = 'verified-%s'

# Objects of an instance, whatever the checkpoint. These objects are in the
# root of the bank.

#: The folder that holds one folder for each instance.
INSTANCES = '/karbor-trove/'
#: The folders of an instance. Each holds one object for each checkpoint,
#: restore, verification or backup.
BACKUP_JOURNAL = 'backups'
BACKUP_MARKERS = 'complete-backups'
RESTORE_JOURNAL = 'restores'
CONFIGURATION_JOURNAL = 'configurations'
VERIFICATION_JOURNAL = 'rehearsals'
MANIFESTS = 'contents'
#: The folder that holds one folder for each name of a restored instance, with
#: one marker for each entry in a restore journal.
RESTORE_NAMES = '/karbor-trove-restores/'
#: The folder of the object with which karbor-trove-status checks that the bank
#: can be written. karbor-trove-status deletes the object again.
STATUS_CHECK = '/karbor-trove-status/'
#: The suffix of the name of a copy. document_store.py writes the copies.
COPY_SUFFIX = '.new'


def restore_name_folder(name: str) -> str:
    """Return the path of the folder for the name of a restored instance.

    A user may choose any name, so the path has a hash of the name.
    """
    return '%s%s/' % (RESTORE_NAMES, hashlib.sha256(
        name.encode(errors='surrogatepass')).hexdigest())


def instance_folder(instance_id: str, folder: str) -> str:
    """Return the path of one of the folders of an instance.

    :raises errors.Rejected: the instance id is not a UUID.
    """
    return '%s%s/%s/' % (
        INSTANCES, ids.check_uuid(instance_id, 'database instance'), folder)


def resource_folder(resource_id: str) -> str:
    """Return the path of a resource's section, below the checkpoint's folder.

    :raises errors.Rejected: the resource id cannot be a single part of a path.
    """
    return RESOURCE_DATA + ids.check_path_part(
        resource_id, 'resource')


def checkpoint_folder(checkpoint_id: str) -> str:
    """Return the path of the folder of a checkpoint.

    :raises errors.Rejected: the checkpoint id is not a UUID.
    """
    return CHECKPOINTS + ids.check_uuid(checkpoint_id, 'checkpoint')
