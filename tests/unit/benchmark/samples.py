"""Results of a run, made up."""

from tests.benchmark import results

SIZES = [1, 10, 100, 1000]
SECONDS = [31.0, 28800.0]
CHECKPOINTS = [10, 100, 1000]


def measured(seconds=40.0, cpu=1.0, memory=2.0, requests=None, lateness=()):
    """Return what a measurement writes."""
    return {'report': {'requests': requests or {
        'Trove POST /v1.0/*/backups': 10,
        'Trove GET /v1.0/*/backups/*': 3,
        'Trove GET /v1.0/*/backups': 2,
        'Trove GET /v1.0/*/backups (further page)': 6,
        'Trove GET /v1.0/*/instances/*': 1,
        'Swift HEAD /v1/AUTH_*/database_backups/*.tar.gz': 4,
        'Keystone POST /v3/auth/tokens': 1}, 'seconds': 0.5},
        'bank_requests': 20, 'build_seconds': 0.5, 'seconds': seconds,
        'cpu': cpu, 'memory': memory, 'parts': {'plugin': 0.25, 'bank': 0.75},
        'functions': {'taskflow.engine.run': 0.5}, 'checkpoint': 'id',
        'lateness': list(lateness)}


def protect(plugin, size, seconds, cpu, memory, build=0.0, late=1.0):
    """Return a sample of a checkpoint."""
    sample = results.summarize(
        measured(cpu=cpu, memory=memory, lateness=[late]), plugin=plugin,
        size=size, seconds=seconds)
    return dict(sample, build_seconds=build, requests=size * 1.1 + 20,
                polls=20)


def data():
    """Return the results of a run that keeps all limits."""
    samples = []
    for size in SIZES:
        floor = 0.0001 * size ** 2
        samples += [protect(results.NOOP, size, None, floor, floor, floor)]
        for seconds in SECONDS:
            samples += [
                protect(results.SLEEP, size, seconds, floor, floor, 2 * floor,
                        late=0.1),
                protect(results.OURS, size, seconds, floor + 0.01 * size,
                        floor + 0.04 * size, floor + 0.001 * size),
                protect(results.IN_TREE, size, seconds, floor + 0.02 * size,
                        floor + 0.05 * size, late=14.0)]
    return {
        'arguments': {'sizes': SIZES, 'seconds': SECONDS, 'listed': 5000,
                      'checkpoints': CHECKPOINTS, 'runs': 1,
                      'operation_sizes': [1, 10, 100]},
        'protect': samples,
        'skipped': [{'plugin': results.IN_TREE, 'size': 1000,
                     'seconds': 28800.0, 'reason': 'not run'}],
        'operations': [
            results.summarize(measured(lateness=[1.0]), operation=operation,
                              plugin=plugin, size=size)
            for operation in ('restore', 'verify', 'delete')
            for plugin in (results.OURS, results.IN_TREE)
            for size in (1, 10, 100)],
        'failed': [{'plugin': results.IN_TREE, 'size': 100,
                    'reason': 'failed: no such instance'}],
        'listing': [dict(results.summarize(measured(), plugin=plugin),
                         listed=listed)
                    for plugin, listed in ((results.OURS, 5000),
                                           (results.IN_TREE, 20))],
        'growth': [results.summarize(measured(), operation=operation,
                                     checkpoints=count)
                   for operation in ('protect', 'verify', 'delete')
                   for count in CHECKPOINTS],
        'control': [results.summarize(measured(lateness=[1.0]), plugin=plugin,
                                      clock=clock)
                    for plugin in (results.OURS, results.IN_TREE)
                    for clock in ('skipping', 'real')],
        'real': {
            'sizes': [1, 10], 'failed': [], 'backup_seconds': 5,
            'versions': {'Keystone': '30.0.0', 'Trove': '26.0.0',
                         'Swift': '2.38.3'},
            'samples': [
                results.summarize(
                    measured(lateness=[1.0]), operation=operation,
                    plugin=plugin, size=size, trove=trove,
                    counts={'Trove GET /v1.0/*/backups': polls},
                    longest=longest)
                for operation in ('protect', 'restore', 'verify', 'delete')
                for plugin in (results.OURS, results.IN_TREE)
                for size in (1, 10)
                for trove, polls, longest in ((results.REAL, size, size / 2),
                                              (results.FAKE, 10, None))]},
        'services': {'skipped': 'RabbitMQ is missing'},
        'control_size': 10, 'control_seconds': 31.0, 'build_seconds': 20.0,
        'delete_seconds': 5.0, 'minutes': 61.0,
        'facts': [['Python', '3.11'], ['memory', '24 GB']]}
