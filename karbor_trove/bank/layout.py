# SPDX-License-Identifier: Apache-2.0

"""Paths and names of all objects in the bank.

Banks that exist use them: a change makes their objects unreadable.
"""

# Karbor's own objects [services/protection/checkpoint.py, 1.6.0].

#: The folder that holds one folder for each checkpoint.
CHECKPOINTS = '/checkpoints/'
#: The folder that holds Karbor's indices of all checkpoints.
INDICES = '/indices'
#: The object in a checkpoint's folder that describes the checkpoint.
CHECKPOINT_INDEX = 'index.json'
#: The folder in a checkpoint's folder that holds one folder, the section, for
#: each resource.
RESOURCE_DATA = 'resource-data/'

# Objects in the section of a resource.

#: Karbor's word for the state of the resource, as in its in-tree plugins.
STATUS = 'status'
#: The backup record, as in Karbor's in-tree plugin.
BACKUP_RECORD = 'metadata'
#: The process that runs the operation.
WORKER = 'worker'
#: Why the last operation failed.
FAILURE_REASON = 'reason'
#: The result of a verification, by its level.
VERIFICATION_RESULT = 'verified-%s'

# Objects of an instance, whatever the checkpoint. They are in the root of the
# bank.

#: The folder that holds one folder for each instance.
INSTANCES = '/karbor-trove/'
#: One object for each checkpoint.
BACKUP_JOURNAL = INSTANCES + '%s/backups/'
#: One object for each restore.
RESTORE_JOURNAL = INSTANCES + '%s/restores/'
#: One object for each verification.
VERIFICATION_JOURNAL = INSTANCES + '%s/rehearsals/'
#: One object for each backup.
MANIFESTS = INSTANCES + '%s/contents/'
#: The suffix of the name of a copy. document_store.py writes the copies.
COPY_SUFFIX = '.new'
