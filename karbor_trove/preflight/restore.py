# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of restores, and of the test restores of verifications."""

import dataclasses
import re
from typing import Callable, Iterable, Iterator, List, Mapping, Sequence, Tuple

from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import options
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import compatibility
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

# The parameters of a restore that may help, by the words of Trove's reason for
# a failure, in lower case. For each of these parameters the provider file has
# an option for test restores. "User port" is in the fault of an instance
# without a network [26.0.0].
_ADVICE = {'volume type': 'restore_volume_type',
           'availability zone': 'restore_availability_zone',
           'user port': 'restore_net_id',
           'network': 'restore_net_id',
           'is not supported for datastore': 'restore_flavor_id'}


def check_restore(
        sections: Mapping[str, karbor_types.BankSection],
        build_request: Callable[[str, record.BackupRecord],
                                models.InstanceRequest],
        check_requests: Callable[[Sequence[models.InstanceRequest]],
                                 Iterable[str]],
        connect: Callable[[], trove_client.TroveClient], project_id: str,
        poller: polling.Poller
        ) -> Tuple[preflight_problems.Problems, List[str]]:
    """Check whether all instances of a restore can be created.

    The requests for the instances are checked first. If the requests have no
    problems, the state of Trove is checked. Quotas are checked for all
    instances together.

    An instance that the checkpoint left out has no backup, and is not checked.
    If all instances were left out, nothing can be restored. In that case the
    problem of each instance is the reason of its omission.

    :param sections: the section of each instance in the checkpoint, by the id
        of the original instance.
    :param build_request: a function that builds the request for an instance.
        Its arguments are the id of the original instance and the backup record
        of this instance.
    :param check_requests: a function that checks all requests together. It
        returns the problems that the requests have as a whole.
    :param connect: a function that connects to Trove. It is called after the
        requests have been checked.
    :param project_id: the project in which the instances are created.
    :returns: the problems, and a list of sentences. Each sentence names
        something that could not be checked. If there are problems, this list
        is empty.
    :raises errors.KarborTroveError: Trove or the bank did not respond as
        expected.
    """
    problems: preflight_problems.Problems = {}
    requests: List[models.InstanceRequest] = []
    records: List[record.BackupRecord] = []
    left_out = {
        original_id: reason for original_id, section in sections.items()
        for reason in [omissions.find_left_out_reason(section, original_id)]
        if reason is not None}
    if len(left_out) == len(sections):
        return {original_id: [reason]
                for original_id, reason in left_out.items()}, []
    for original_id, section in sections.items():
        if original_id in left_out:
            continue
        problems[original_id] = []
        try:
            backup_record = record.read_backup(section, original_id)
            requests.append(build_request(original_id, backup_record))
            records.append(backup_record)
        except errors.Rejected as error:
            problems[original_id] = str(error).split('\n')
    problems = preflight_problems.append_common(problems,
                                                check_requests(requests))
    if problems:
        return problems, []
    client = connect()
    catalog = trove_catalog.Catalog(client, project_id)

    def check() -> preflight_problems.Problems:
        backups = client.list_backups()
        return preflight_problems.append_common(
            {request.original_id: [
                *compatibility.check_backup(request, backups,
                                            backup_record.backup_size),
                *compatibility.check_version(request, catalog),
                *compatibility.check_configuration(
                    request, catalog, backup_record.instance.configuration_id,
                    backup_record.configuration)]
             for request, backup_record in zip(requests, records)},
            [*compatibility.check_addresses(requests),
             *preflight_problems.check_quotas(catalog, {
                 'instances': len(requests),
                 'volumes': sum(request.volume_size or 0
                                for request in requests),
                 'ram': sum(compatibility.find_ram(request, catalog)
                            for request in requests),
             }, 'restore')])

    problems = poller.wait_for(
        check, poller.deadline(timeouts.PREFLIGHT_RESTORE),
        'the preflight checks of the restore have no result')
    if problems:
        return problems, []
    unchecked = [] if catalog.find_quotas() is not None else [
        'quotas were not checked, because Trove does not return them']
    unchecked += [sentence for request in requests for sentence
                  in compatibility.list_unchecked_values(request, catalog)]
    return {}, list(dict.fromkeys(unchecked))


def build_test_request(backup_record: record.BackupRecord, checkpoint_id: str,
                       verification_id: str, settings: options.Settings
                       ) -> models.InstanceRequest:
    """Return the request for the temporary instance of a test restore.

    The request has the recorded values of the original instance. Options of
    the operator, such as verify_flavor_id, replace some of these values. The
    temporary instance is not public and does not get the address of the
    original instance.

    :raises errors.Rejected: a recorded value is not allowed. The message has
        one line for each such value.
    """
    request = parsing.parse_restore({}, backup_record.instance,
                                    backup_record.backup_id, checkpoint_id)
    return dataclasses.replace(
        request,
        name=models.temporary_instance_name(verification_id,
                                            request.original_id),
        flavor_id=settings.verify_flavor_id or request.flavor_id,
        net_id=settings.verify_net_id or request.net_id,
        volume_type=settings.verify_volume_type,
        availability_zone=settings.verify_availability_zone,
        is_public=None,
        allowed_cidrs=())


def check_volumes(requests: Iterable[models.InstanceRequest],
                  settings: options.Settings) -> Iterator[str]:
    """Check that the volumes of a verification are not too large together.

    The option verify_max_volumes is the limit in GB. If the operator has not
    set this option, there is no limit.

    :param requests: the requests for all temporary instances of the
        verification.
    :returns: one problem if the total size is above the limit.
    """
    limit = settings.verify_max_volumes
    need = sum(request.volume_size or 0 for request in requests)
    if limit is not None and need > limit:
        yield ('the test restores of this verification need %d GB of volumes '
               'together, and verify_max_volumes in the provider file is %d'
               % (need, limit))


def add_advice(reason: str) -> str:
    """Return Trove's reason for a failure, with advice if there is any.

    The advice names a restore parameter, such as ": pass restore_net_id". The
    advice is added if the reason is about a volume type, an availability zone,
    a network or a private flavor. A preflight cannot check these values. Only
    Trove's response to the request shows whether Trove requires or accepts
    them.

    :param reason: why Trove rejected the request, or why the instance failed.
    :returns: the reason with the advice. The reason alone if the advice does
        not apply.
    """
    words = re.sub('[ _-]+', ' ', reason.lower())
    for subject, name in _ADVICE.items():
        if subject in words:
            return '%s: pass %s' % (reason, name)
    return reason


def adapt_advice(sentence: str) -> str:
    """Return a sentence whose advice is changed to suit a verification.

    Advice says which restore parameter to pass. Users cannot pass parameters
    to a verification, but the operator can set options in the provider file.
    So "pass restore_net_id" becomes "the provider file may set verify_net_id".

    For some parameters there is no such option. In that case "pass
    restore_datastore_version" becomes "a restore has to pass
    restore_datastore_version".

    :param sentence: a problem, or a result of add_advice().
    """
    for name in _ADVICE.values():
        sentence = sentence.replace(
            'pass ' + name, 'the provider file may set '
            + name.replace('restore_', 'verify_'))
    return sentence.replace(': pass ', ': a restore has to pass ')
