"""What has to hold when all checkpoints are deleted."""

import collections
import time

import swiftclient

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.soak import timeouts

_ROUNDS = 12
_CONTAINER = 'karbor'


class Bank:
    """What Karbor keeps in Swift, in a project of its own."""

    def __init__(self, sandbox: cloud.Sandbox) -> None:
        self._swift = swiftclient.Connection(
            session=sandbox.session('karbor'))

    def journal(self) -> dict[str, list[str]]:
        """The checkpoints whose backups wait: instance -> their ids."""
        found = collections.defaultdict(list)
        for kept in self._swift.get_container(
                _CONTAINER, full_listing=True)[1]:
            path = kept['name'].strip('/').split('/')
            if path[0] == 'karbor-trove' and path[2] == 'backups':
                found[path[1]].append(path[3])
        return dict(found)


def sweep(tenant: tenants.Tenant, bank: Bank, plans: dict[str, str]) -> int:
    """Let Karbor take what was put off, as it does with any operation.

    :param plans: instance -> a plan for it.
    :returns: how many rounds it took.
    """
    for done in range(_ROUNDS):
        waiting = bank.journal()
        if not waiting:
            return done
        made = {tenant.protect(plans[id_]) for id_ in waiting}
        for checkpoint_id in made:
            tenant.delete_checkpoint(checkpoint_id)
        if bank.journal():
            # A request that nobody heard of again may still be carried out.
            time.sleep(timeouts.CONSTANTS[
                'karbor_trove.timeouts.REQUEST_IN_FLIGHT'] / 4)
    return _ROUNDS


def check(tenant: tenants.Tenant, bank: Bank, ids: list[str]) -> list[str]:
    """What is lost, stuck or left, as text.

    :param ids: of all checkpoints that were ever made.
    """
    found = []
    for id_ in ids:
        path = f'{tenant.checkpoints_path()}/{id_}'
        status = tenant.send('GET', path)['checkpoint']['status']
        if status != 'deleted':
            found.append(f'stuck: checkpoint {id_} is {status}')
    found += [f'left in Trove: {backup}'
              for backup in tenant.list_backups().values()]
    found += [f'left in Swift: {name}'
              for name in sorted(tenant.list_objects())]
    found += [f'left in the journal of instance {id_}: {checkpoint_ids}'
              for id_, checkpoint_ids in bank.journal().items()]
    return found
