"""What happened in a real Trove, seen from Karbor's process.

The settings are a JSON object:

"servers"           the names of the services by "host:port"
"database"          the file of Trove's database, which is SQLite
"instances"         the ids of the instances
"context"           the arguments of Karbor's context of a request
"config"            further arguments of karbor_config.write_config()
"""

import contextlib
import datetime
import sqlite3
import time
from typing import Any

from tests.benchmark import recording


class RealTrove:
    """Counts the requests of this process, and reads Trove's database.

    The methods are those of the control of the fake Trove. The API of Trove
    shows whole seconds, its database has microseconds.
    """

    def __init__(self, settings: 'dict[str, Any]') -> None:
        self._recorder = recording.RequestRecorder(settings['servers'])
        self._path = settings['database']
        self._original_ids = settings['instances']
        self.reset()

    def reset(self) -> None:
        """Forget everything before now."""
        self._recorder.reset()
        self._start = time.time()

    def report(self) -> 'dict[str, Any]':
        """Return what happened since the last reset."""
        requests = {path.rpartition('/')[2]: at for (method, path), at
                    in self._recorder.times.items() if method == 'DELETE'}
        backups = [row for row in self._select(
            "SELECT instance_id, created, updated FROM backups "
            "WHERE NOT deleted AND state = 'COMPLETED'")
            if row[1] >= self._start]
        deleted = [row for row in self._select(
            "SELECT instance_id, id, created, deleted_at FROM backups "
            "WHERE deleted") if row[1] in requests]
        restored = [row for row in self._select(
            "SELECT id, created, updated FROM instances WHERE NOT deleted")
            if row[1] >= self._start]
        return {
            'requests': dict(self._recorder.counts),
            # Only the fake Trove knows how long it worked.
            'seconds': None,
            'longest_response': self._recorder.longest,
            'instances': self._original_ids,
            'backup_ends': {row[0]: row[-1] for row in backups},
            'restore_ends': {row[0]: row[-1] for row in restored},
            'deletion_ends': {row[0]: row[-1] for row in deleted},
            # How long Trove took for each of them, in seconds.
            'durations': {
                'backup': [row[-1] - row[-2] for row in backups],
                'build': [row[-1] - row[-2] for row in restored],
                'delete': [row[-1] - requests[row[1]] for row in deleted]}}

    def _select(self, query: str) -> 'list[tuple[Any, ...]]':
        """Return the rows of a query whose last two columns are times."""
        with contextlib.closing(sqlite3.connect(
                'file:%s?mode=ro' % self._path, uri=True)) as database:
            return [(*row[:-2], *map(parse_time, row[-2:]))
                    for row in database.execute(query)]


def parse_time(text: str) -> float:
    """Return the seconds since 1970 of a time in Trove's database."""
    return datetime.datetime.fromisoformat(text).replace(
        tzinfo=datetime.timezone.utc).timestamp()
