# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of protect operations."""

from typing import Iterator, List, Mapping, Tuple

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import instances
from karbor_trove.trove import recent_instances

LOG = logging.getLogger(__name__)

#: The problem of an instance that was deleted before its backup began.
DELETED = 'instance %s was deleted before its backup began'


def check_protect(answers: Mapping[str, recent_instances.Answer],
                  catalog: trove_catalog.Catalog,
                  deletion_wait: instances.DeletionWait,
                  skips_unprotectable: bool = False
                  ) -> Tuple[preflight_problems.Problems,
                             preflight_problems.Problems]:
    """Check whether all instances of a checkpoint can be backed up.

    The quota of backups is checked for all instances together. A busy instance
    is no problem, because the protect operation waits for this instance.

    If an instance had the status SHUTDOWN and does not exist any more, Trove
    has deleted it. This is no reason to refuse the checkpoint. But if
    `skips_unprotectable` is True, the result has the deleted instance among
    those that the checkpoint leaves out.

    :param answers: what Trove returned for each instance of the checkpoint, by
        the id of the instance. A value is an instance, or the error of the
        read.
    :param deletion_wait: the wait for instances that are being deleted.
    :param skips_unprotectable: whether the checkpoint leaves out an instance
        that cannot be backed up. If no instance can be backed up, the
        checkpoint is refused nevertheless.
    :returns: two dictionaries of problems, by instance id. The first one has
        the reasons why the checkpoint is refused. The second one has the
        reasons why the checkpoint leaves out instances. At least one of the
        two is empty, because a refused checkpoint leaves out no instances.
    :raises errors.Pending: Trove may still be deleting an instance, and
        deletion_wait has not ended.
    :raises errors.KarborTroveError: Trove did not respond as expected.
    """
    deleted: List[str] = []
    problems = {
        instance_id: list(_check_instance(instance_id, answer, deletion_wait,
                                          deleted))
        for instance_id, answer in answers.items()}
    if catalog.find_quotas() is None:
        LOG.info('Trove does not show the quotas. They are not checked before '
                 'the backups of %s', ', '.join(answers))
    if skips_unprotectable:
        problems.update((id_, [DELETED % id_]) for id_ in deleted)
        deleted.clear()
    unprotectable = {id_: sentences for id_, sentences in problems.items()
                     if sentences}
    is_skip = skips_unprotectable and len(unprotectable) < len(answers)
    quota_problems = list(preflight_problems.check_quotas(
        catalog, {'backups': len(answers) - len(deleted) - (
            len(unprotectable) if is_skip else 0)}, 'protect'))
    if is_skip and not quota_problems:
        return {}, unprotectable
    return preflight_problems.append_common(problems, quota_problems), {}


def _check_instance(instance_id: str, answer: recent_instances.Answer,
                    deletion_wait: instances.DeletionWait,
                    deleted: List[str]) -> Iterator[str]:
    """Yield the reasons why an instance cannot be backed up.

    :param answer: the instance, or the error of its read.
    :param deletion_wait: the wait for instances that are being deleted.
    :param deleted: a list to which this function adds the id of a deleted
        instance. Such an instance had the status SHUTDOWN and does not exist
        any more. For such an instance, no reason is yielded.
    :raises errors.Pending: Trove may still be deleting the instance, and
        deletion_wait has not ended.
    :raises errors.KarborTroveError: Trove did not return the instance, and it
        is not known whether the instance exists.
    """
    if isinstance(answer, errors.NotFound):
        if instance_id in deletion_wait.instance_ids:
            deleted.append(instance_id)
        else:
            yield str(answer)
        return
    if isinstance(answer, errors.KarborTroveError):
        raise answer
    try:
        instances.check_usable(answer, deletion_wait)
    except errors.ResourceFailed as error:
        yield str(error)
        return
    # Trove responds with HTTP 501 to a backup of a member [Backup.create() in
    # trove/backup/models.py, 26.0.0].
    if answer.cluster_id:
        yield ('instance %s is a member of cluster %s, and Trove cannot back '
               'up members of clusters' % (instance_id, answer.cluster_id))
