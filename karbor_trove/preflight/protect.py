# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of protect operations."""

from typing import Iterator, List, Sequence

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances

LOG = logging.getLogger(__name__)


def check_protect(instance_ids: Sequence[str],
                  client: trove_client.TroveClient,
                  catalog: trove_catalog.Catalog,
                  deletion_wait: instances.DeletionWait
                  ) -> preflight_problems.Problems:
    """Check whether all instances of a checkpoint can be backed up.

    A busy instance is no problem. The protect operation waits for it. An
    instance that disappears during the wait is no problem either.

    :param instance_ids: all instances of the checkpoint. The quota is checked
        for all of them together.
    :raises errors.Pending: an instance is being deleted.
    :raises errors.KarborTroveError: Trove did not respond as expected.
    """
    # One list needs fewer requests than one request for each instance. It
    # omits members of clusters, and does not return faults, so the instances
    # that are missing or broken are requested one by one.
    listed = set()
    if len(instance_ids) > 1:
        for instance in client.list_instances():
            deletion_wait.notice(instance)
            if not instance.is_lost:
                listed.add(instance.id)
    deleted: List[str] = []
    problems = {
        instance_id: [] if instance_id in listed else list(
            _check_instance(instance_id, client, deletion_wait, deleted))
        for instance_id in instance_ids}
    if catalog.find_quotas() is None:
        LOG.info('Trove does not show the quotas. They are not checked before '
                 'the backups of %s', ', '.join(instance_ids))
    return preflight_problems.group_common(
        problems, preflight_problems.check_quotas(
            catalog, {'backups': len(instance_ids) - len(deleted)},
            'protect'))


def _check_instance(instance_id: str, client: trove_client.TroveClient,
                    deletion_wait: instances.DeletionWait,
                    deleted: List[str]) -> Iterator[str]:
    """Yield the problems of an instance.

    :param deleted: the list to which the id is added if the instance was
        deleted meanwhile.
    """
    try:
        instance = instances.check_usable(client.get_instance(instance_id),
                                          deletion_wait)
    except errors.ResourceFailed as error:
        yield str(error)
        return
    except errors.NotFound as error:
        if instance_id in deletion_wait.instance_ids:
            deleted.append(instance_id)
        else:
            yield str(error)
        return
    # Trove responds with HTTP 501 to a backup of a member [Backup.create() in
    # trove/backup/models.py, 26.0.0].
    if instance.cluster_id:
        yield ('instance %s is a member of cluster %s, and Trove cannot back '
               'up members of clusters' % (instance_id, instance.cluster_id))
