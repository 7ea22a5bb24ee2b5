"""Checks after all checkpoints are deleted."""

import collections
import time

import swiftclient

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.soak import timeouts

_ROUNDS = 12
_CONTAINER = 'karbor'


class Bank:
    """Karbor's bank, a container of a Swift project of its own."""

    def __init__(self, sandbox: cloud.Sandbox) -> None:
        self._swift = swiftclient.Connection(
            session=sandbox.session('karbor'))

    def list_entries(self) -> dict[str, list[str]]:
        """Return the journal entries: instance id -> checkpoint ids."""
        entries = collections.defaultdict(list)
        for item in self._swift.get_container(
                _CONTAINER, full_listing=True)[1]:
            path = item['name'].strip('/').split('/')
            if path[0] == 'karbor-trove' and path[2] == 'backups':
                entries[path[1]].append(path[3])
        return dict(entries)


def sweep(tenant: tenants.Tenant, bank: Bank, plans: dict[str, str]) -> int:
    """Run operations until Karbor has carried out the deferred deletions.

    :param plans: instance id -> id of a plan for it.
    :returns: the number of rounds.
    """
    for round_ in range(_ROUNDS):
        entries = bank.list_entries()
        if not entries:
            return round_
        checkpoint_ids = {tenant.protect(plans[id_]) for id_ in entries}
        for checkpoint_id in checkpoint_ids:
            tenant.delete_checkpoint(checkpoint_id)
        if bank.list_entries():
            # A request without a response may still be executed.
            time.sleep(timeouts.CONSTANTS[
                'karbor_trove.timeouts.REQUEST_IN_FLIGHT'] / 4)
    return _ROUNDS


def check(tenant: tenants.Tenant, bank: Bank, ids: list[str]) -> list[str]:
    """Return what is stuck or left, as texts.

    :param ids: the ids of all checkpoints that were created.
    """
    problems = []
    for id_ in ids:
        path = f'{tenant.checkpoints_path()}/{id_}'
        status = tenant.send('GET', path)['checkpoint']['status']
        if status != 'deleted':
            problems.append(f'stuck: checkpoint {id_} is {status}')
    problems += [f'left in Trove: {backup}'
                 for backup in tenant.list_backups().values()]
    problems += [f'left in Swift: {name}'
                 for name in sorted(tenant.list_objects())]
    problems += [f'left in the journal of instance {id_}: {checkpoint_ids}'
                 for id_, checkpoint_ids in bank.list_entries().items()]
    return problems
