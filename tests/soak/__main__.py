"""Command line of the soak test: python -m tests.soak [--help]."""

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

#: The services behind proxies. Keystone's catalog has the other proxies.
SERVICES = ('keystone', 'swift', 'trove')


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='tests.soak',
        description='Run many checkpoints with network faults.')
    parser.add_argument('--checkpoints', type=int, default=200)
    parser.add_argument('--databases', type=int, default=10)
    parser.add_argument('--at-once', type=int, default=8,
                        help='operations that run at the same time')
    parser.add_argument('--rate', type=float, default=0.05,
                        help='share of the requests that fail')
    parser.add_argument('--minutes', type=float, default=25.0,
                        help='no checkpoint is started after this time')
    parser.add_argument('--seed', type=int, default=random.randrange(10 ** 6),
                        help='seed of the random choices (the order of '
                             'threads is random too)')
    parser.add_argument('--page', type=pathlib.Path, default=report.PLACE)
    return parser.parse_args()


def _build_lifecycles(
        tenant: tenants.Tenant, databases_: list[databases.Database],
        count: int) -> list[workload.CheckpointLifecycle]:
    """Return the lifecycles of the checkpoints.

    Each database has a plan for full backups and one for incremental backups.
    """
    plans = [(database, tenant.create_plan([database.id], {
        tenants.TYPE: {'incremental': True}} if incremental else None))
        for database in databases_ for incremental in (False, True)]
    lifecycles = []
    for number in range(count):
        database, plan_id = plans[number % len(plans)]
        steps = ['protect']
        if number % workload.VERIFY_EVERY == 0:
            steps.append('verify')
        if number % workload.RESTORE_EVERY == number // len(
                plans) % workload.RESTORE_EVERY:
            steps.append('restore')
        lifecycles.append(workload.CheckpointLifecycle(
            database, plan_id, [*steps, 'delete']))
    return lifecycles


def _run(args: argparse.Namespace, sandbox: cloud.Sandbox,
         injector: fault_injector.FaultInjector, rng: random.Random) -> bool:
    """Run the workload and the final checks. Return True if they passed."""
    start = time.monotonic()
    tenant = tenants.Tenant(sandbox)
    ids = tenant.create_instances(
        [f'orders-{number}' for number in range(args.databases)])
    lifecycles = _build_lifecycles(
        tenant, [databases.Database(tenant, id_) for id_ in ids],
        args.checkpoints)
    plans = {lifecycle.database.id: lifecycle.plan_id
             for lifecycle in lifecycles}
    rng.shuffle(lifecycles)
    load = workload.Workload(tenant, lifecycles, rng,
                             start + 60 * args.minutes)
    injector.rate = args.rate
    load.run(args.at_once)

    injector.rate = 0.0
    bank = final_checks.Bank(sandbox)
    deferred = sum(map(len, bank.list_entries().values()))
    rounds = final_checks.sweep(tenant, bank, plans)
    violations = load.violations + final_checks.check(tenant, bank, load.ids)
    report.write(args.page, violations, {
        'seed': args.seed,
        'databases': args.databases,
        'checkpoints': f'{len(load.ids)} of {args.checkpoints}',
        'operations at the same time': args.at_once,
        'requests to Trove and Swift': sum(injector.requests.values()),
        'requests to Swift': injector.requests['swift'],
        'failed requests': f'{sum(injector.faults.values())} '
                           f'(rate {args.rate:.0%})',
        'deferred deletions at the end': deferred,
        'rounds of sweeping': rounds,
        'minutes': f'{(time.monotonic() - start) / 60:.1f}',
    }, load.counts, load.seconds, injector.faults)
    print('\n'.join(violations) or 'Nothing was lost, stuck or left.',
          f'\nThe result is in {args.page}', flush=True)
    return not violations


def main() -> None:
    args = _arguments()
    print(f'seed {args.seed}', flush=True)
    rng = random.Random(args.seed)
    injector = fault_injector.FaultInjector(0.0, rng)
    launch.set_constants(
        {'tests.fault_injection.timeouts.HANG': timeouts.HANG})
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sandbox = cloud.Sandbox(plugin=timeouts.OPTIONS)
        with proxy.Proxies({name: sandbox.urls[name]
                            for name in SERVICES}) as proxies:
            proxies.injector = injector
            sandbox.services['karbor'].settings.update(
                keystone_url=proxies.urls['keystone'],
                constants=timeouts.CONSTANTS)
            with sandbox:
                sandbox.keep = not _run(args, sandbox, injector, rng)
    except (process.StartFailure, environments.InstallFailure) as e:
        raise SystemExit(str(e))
    raise SystemExit(sandbox.keep)


if __name__ == '__main__':
    main()
