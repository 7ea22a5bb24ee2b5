"""Runs the soak: python -m tests.soak [--help]."""

import argparse
import pathlib
import random
import signal
import time

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process
from tests.sandbox import proxy
from tests.sandbox.services import launch
from tests.soak import databases
from tests.soak import fault_injector
from tests.soak import final_checks
from tests.soak import report
from tests.soak import timeouts
from tests.soak import workload

#: Keystone's catalog leads to the proxies of the others.
SERVICES = ('keystone', 'swift', 'trove')


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='tests.soak', description='Many checkpoints, a bad network.')
    parser.add_argument('--checkpoints', type=int, default=200)
    parser.add_argument('--databases', type=int, default=10)
    parser.add_argument('--at-once', type=int, default=8,
                        help='operations under way at the same time')
    parser.add_argument('--rate', type=float, default=0.05,
                        help='of how many requests one is let down')
    parser.add_argument('--minutes', type=float, default=25.0,
                        help='after which no checkpoint begins any more')
    parser.add_argument('--seed', type=int, default=random.randrange(10 ** 6),
                        help='of what is random here; threads are as well')
    parser.add_argument('--page', type=pathlib.Path, default=report.PLACE)
    return parser.parse_args()


def _lives(tenant: tenants.Tenant, all_: list[databases.Database],
           count: int) -> list[workload.Life]:
    """Checkpoints of two plans for each database, one of them incremental."""
    plans = [(database, tenant.create_plan([database.id], {
        tenants.TYPE: {'incremental': True}} if incremental else None))
        for database in all_ for incremental in (False, True)]
    found = []
    for number in range(count):
        database, plan_id = plans[number % len(plans)]
        steps = ['protect']
        if number % workload.VERIFIED == 0:
            steps.append('verify')
        if number % workload.RESTORED == number // len(
                plans) % workload.RESTORED:
            steps.append('restore')
        found.append(workload.Life(database, plan_id, [*steps, 'delete']))
    return found


def _soak(given: argparse.Namespace, sandbox: cloud.Sandbox,
          judge: fault_injector.Judge, chance: random.Random) -> bool:
    begin = time.monotonic()
    tenant = tenants.Tenant(sandbox)
    ids = tenant.create_instances(
        [f'orders-{number}' for number in range(given.databases)])
    all_ = [databases.Database(tenant, id_) for id_ in ids]
    wanted = _lives(tenant, all_, given.checkpoints)
    plans = {life.database.id: life.plan_id for life in wanted}
    chance.shuffle(wanted)
    soak = workload.Soak(tenant, wanted, chance, begin + 60 * given.minutes)
    judge.rate = given.rate
    soak.run(given.at_once)

    judge.rate = 0.0
    bank = final_checks.Bank(sandbox)
    waiting = sum(map(len, bank.journal().values()))
    rounds = final_checks.sweep(tenant, bank, plans)
    violations = soak.violations + final_checks.check(tenant, bank, soak.ids)
    report.write(given.page, violations, {
        'seed': given.seed,
        'databases': given.databases,
        'checkpoints': f'{len(soak.ids)} of {given.checkpoints}',
        'operations at once': given.at_once,
        'requests to Trove and Swift': sum(judge.requests.values()),
        'of them to Swift': judge.requests['swift'],
        'let down': f'{sum(judge.faults.values())} '
                    f'({given.rate:.0%} were to be)',
        'backups that waited in the end': waiting,
        'rounds of sweeping': rounds,
        'minutes': f'{(time.monotonic() - begin) / 60:.1f}',
    }, soak.done, soak.seconds, judge.faults)
    print('\n'.join(violations) or 'Nothing was lost, stuck or left.',
          f'\nThe result is {given.page}', flush=True)
    return not violations


def main() -> None:
    given = _arguments()
    print(f'seed {given.seed}', flush=True)
    chance = random.Random(given.seed)
    judge = fault_injector.Judge(0.0, chance)
    launch.set_constants(
        {'tests.fault_injection.timeouts.HANG': timeouts.HANG})
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sandbox = cloud.Sandbox(plugin=timeouts.OPTIONS)
        with proxy.Proxies({name: sandbox.urls[name]
                          for name in SERVICES}) as between:
            between.injector = judge
            sandbox.services['karbor'].settings.update(
                keystone_url=between.urls['keystone'],
                constants=timeouts.CONSTANTS)
            with sandbox:
                sandbox.keep = not _soak(given, sandbox, judge, chance)
    except (process.Failure, environments.Failure) as e:
        raise SystemExit(str(e))
    raise SystemExit(sandbox.keep)


if __name__ == '__main__':
    main()
