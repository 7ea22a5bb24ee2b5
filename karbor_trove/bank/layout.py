# SPDX-License-Identifier: Apache-2.0

"""Paths and names of all objects in the bank.

Existing banks use these paths and names. A release with another path or name
could not find the objects of existing banks. The functions of this module
check each id that becomes the name of a folder. document_store.py checks each
id that becomes the name of a document.
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
#: The folder in a checkpoint's folder that holds one folder for each resource.
#: The folder of a resource is its section.
RESOURCE_DATA = 'resource-data/'

# Objects in the section of a resource.

#: The resource status, one of Karbor's constants. Karbor's in-tree plugins use
#: the same name.
STATUS = 'status'
#: The backup record. Karbor's in-tree plugin uses the same name.
BACKUP_RECORD = 'metadata'
#: The process that last began an operation on the resource.
WORKER = 'worker'
#: Why the last failed operation failed.
FAILURE_REASON = 'reason'
#: The full text of the last reason that was shortened in Karbor's record of a
#: restore or verification.
LONG_REASON = 'long-reason'
#: When the checkpoint left the instance out, and why.
OMISSION = 'omission'
#: The last result of a verification level. The level replaces "%s".
VERIFICATION_RESULT = 'verified-%s'

# Objects of an instance, for all its checkpoints. These objects are at the
# top of the bank.

#: The folder that holds one folder for each instance.
INSTANCES = '/karbor-trove/'

# The folders in the folder of an instance.

#: One journal entry for each checkpoint that has requested a backup.
BACKUP_JOURNAL = 'backups'
#: One marker for each complete backup of an existing checkpoint, and for each
#: omission.
INSTANCE_MARKERS = 'complete-backups'
#: One journal entry for each restore that has requested an instance.
RESTORE_JOURNAL = 'restores'
#: One journal entry for each restore that has requested a configuration group.
CONFIGURATION_JOURNAL = 'configurations'
#: One journal entry for each verification with a temporary instance.
VERIFICATION_JOURNAL = 'rehearsals'
#: One manifest for each backup.
MANIFESTS = 'contents'

# Other folders at the top of the bank.

#: The folder that holds one folder for each name of a restored instance, with
#: one marker for each entry in a restore journal.
RESTORE_NAMES = '/karbor-trove-restores/'
#: The folder of the object with which karbor-trove-status checks that the bank
#: can be written. karbor-trove-status deletes the object again.
STATUS_CHECK = '/karbor-trove-status/'
#: The suffix of the name of a copy. document_store.py writes the copies before
#: it replaces a document.
COPY_SUFFIX = '.new'


def restore_name_folder(name: str) -> str:
    """Return the path of the folder with the markers for an instance name.

    All entries of restore journals with this instance name have their markers
    in this folder.

    The path is /karbor-trove-restores/HASH/. HASH is the SHA-256 hash of the
    name, because a name may have characters that a path must not have.

    :param name: the name of a restored instance.
    """
    return '%s%s/' % (RESTORE_NAMES, hashlib.sha256(
        name.encode(errors='surrogatepass')).hexdigest())


def instance_folder(instance_id: str, folder: str) -> str:
    """Return the path of one of the folders of an instance.

    The path begins at the top of the bank: /karbor-trove/INSTANCE/FOLDER/.

    :param instance_id: the id of the original instance.
    :param folder: the name of the folder, such as "backups".
    :raises errors.Rejected: the instance id is not a UUID.
    """
    return '%s%s/%s/' % (
        INSTANCES, ids.check_uuid(instance_id, 'database instance'), folder)


def resource_folder(resource_id: str) -> str:
    """Return the path of the section of a resource in a checkpoint.

    The path is resource-data/RESOURCE. It is relative to the folder of the
    checkpoint.

    :raises errors.Rejected: the resource id cannot be a single part of a path.
    """
    return RESOURCE_DATA + ids.check_path_part(
        resource_id, 'resource')


def checkpoint_folder(checkpoint_id: str) -> str:
    """Return the path of the folder of a checkpoint.

    The path begins at the top of the bank: /checkpoints/CHECKPOINT.

    :raises errors.Rejected: the checkpoint id is not a UUID.
    """
    return CHECKPOINTS + ids.check_uuid(checkpoint_id, 'checkpoint')
