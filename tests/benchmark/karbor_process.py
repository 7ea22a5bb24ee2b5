"""One measurement, in a process of its own.

    python -m tests.benchmark.karbor_process SETTINGS RESULT

The settings are a JSON object:

"kind"              a function of this module
"clock"             the file of the shared clock
"skips"             whether idle time is skipped
"directory"         an empty directory for Karbor's files
"database"          the file of Karbor's database, which is copied
"trove"             the URL of the fake or of the real Trove
"real"              optional: the settings of a real Trove, see real_trove.py
"plugin"            see karbor_flows.py
"backup_seconds"    how long Trove takes for a backup
"checkpoints"       for "growth": numbers of checkpoints, in ascending order

The result is a JSON object as well.
"""

import importlib
import json
import pathlib
import sys
import time
from typing import Any

from tests.benchmark import shared_clock


def create_database(settings: 'dict[str, Any]', karbor_flows: Any
                    ) -> 'dict[str, Any]':
    """Create the file that all other measurements copy."""
    karbor_flows.create_database(pathlib.Path(settings['database']))
    return {}


def protect(settings: 'dict[str, Any]', karbor_flows: Any
            ) -> 'dict[str, Any]':
    """Protect all instances by one checkpoint."""
    karbor, ids = _start(settings, karbor_flows)
    # The first flow imports modules and gets a token.
    karbor.delete(karbor.protect(ids[:1])['checkpoint'])
    return _check(karbor.protect(ids), len(ids), settings)


def all_operations(settings: 'dict[str, Any]', karbor_flows: Any
                   ) -> 'dict[str, Any]':
    """Protect all instances, then verify, restore and delete them."""
    karbor, ids = _start(settings, karbor_flows)
    # The first flow imports modules and gets a token.
    karbor.delete(karbor.protect(ids[:1])['checkpoint'])
    result = _check(karbor.protect(ids), len(ids), settings)
    checkpoint_id = result['checkpoint']
    return {
        'protect': result,
        'verify': karbor.verify(checkpoint_id),
        'restore': _check(karbor.restore(checkpoint_id), len(ids), settings),
        'delete': _check(karbor.delete(checkpoint_id), len(ids), settings)}


def growth(settings: 'dict[str, Any]', karbor_flows: Any
           ) -> 'dict[str, Any]':
    """Measure one database with some checkpoints, then with more of them.

    Each operation works on one checkpoint more.
    """
    karbor, ids = _start(settings, karbor_flows)
    results = {}
    existing = 0
    for count in settings['checkpoints']:
        while existing < count:
            karbor.protect(ids)
            existing += 1
        protected = karbor.protect(ids)
        results[count] = {
            'protect': protected,
            'verify': karbor.verify(protected['checkpoint']),
            'delete': karbor.delete(protected['checkpoint'])}
    return results


def listing(settings: 'dict[str, Any]', karbor_flows: Any
            ) -> 'dict[str, Any]':
    """List all instances of the project."""
    karbor, ids = _start(settings, karbor_flows)
    # The first request imports modules and gets a token.
    karbor.show_resource(ids[0])
    sampling = importlib.import_module('tests.benchmark.sampling')
    karbor.trove.reset()
    meter, start = sampling.Meter(), time.monotonic()
    listed = len(karbor.list_resources())
    seconds, usage = time.monotonic() - start, meter.read()
    return {'listed': listed, 'seconds': seconds, 'cpu': usage.cpu,
            'memory': usage.memory, 'report': karbor.trove.report()}


def _start(settings: 'dict[str, Any]', karbor_flows: Any
           ) -> 'tuple[Any, list[str]]':
    """Return Karbor and the ids of all instances."""
    karbor = karbor_flows.Karbor(
        pathlib.Path(settings['directory']), settings,
        shared_clock.SharedClock(pathlib.Path(settings['clock'])))
    return karbor, karbor.trove.report()['instances']


def _check(result: 'dict[str, Any]', count: int, settings: 'dict[str, Any]'
           ) -> 'dict[str, Any]':
    """Return the result of an operation that finished all instances."""
    finished = len(result['lateness'])
    if settings['plugin'] != 'noop' and finished != count:
        raise AssertionError('%d of %d instances were finished'
                             % (finished, count))
    return result


def main() -> None:
    settings = json.loads(pathlib.Path(sys.argv[1]).read_text())
    shared_clock.install(
        shared_clock.SharedClock(pathlib.Path(settings['clock'])),
        settings['skips'])
    result = globals()[settings['kind']](
        settings, importlib.import_module('tests.benchmark.karbor_flows'))
    # The reports have a line for each instance.
    text = json.dumps(result, default=str)
    pathlib.Path(sys.argv[2]).write_text(text)


if __name__ == '__main__':
    main()
