"""A PostgreSQL server with its data, its process and its backups."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

from eventlet import tpool
import psycopg2

from tests.sandbox.services import postgres_binaries

SUPERUSER = 'postgres'
MANIFEST = 'backup_manifest'

OPTIONS = {
    'unix_socket_directories': '',
    # Required for incremental backups.
    'summarize_wal': 'on',
    'wal_level': 'replica',
    'max_wal_senders': '4',
    # Small and fast. The data need not survive a power failure, and a server
    # that is killed must not leave segments in the machine's shared memory.
    'fsync': 'off',
    'shared_buffers': '16MB',
    'io_method': 'sync',
    'dynamic_shared_memory_type': 'mmap',
}


def _unpack(archive: pathlib.Path, target: pathlib.Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extraction_filter = lambda member, path: member
        packed.extractall(target)


def _extract_manifest(archive: pathlib.Path, target: pathlib.Path) -> None:
    with tarfile.open(archive) as packed:
        source = packed.extractfile(MANIFEST)
        assert source is not None
        target.write_bytes(source.read())


class Server:
    """A server in its own directory.

    :param tools: runs PostgreSQL's programs.
    :param directory: created by create() and restore(), removed by discard().
    :param address: the address on which the server listens.
    """

    def __init__(
            self,
            tools: postgres_binaries.Programs,
            directory: pathlib.Path,
            address: str,
            port: int) -> None:
        self._tools = tools
        self._directory = directory
        self._data = directory / 'data'
        self._process: 'subprocess.Popen[bytes] | None' = None
        self.address = address
        self.port = port

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def size(self) -> float:
        """Return the size on disk in GB, at least 0.01."""
        used = sum(path.stat().st_size for path in self._data.rglob('*')
                   if path.is_file())
        return max(0.01, round(used / 1e9, 2))

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """Create a temporary directory and remove it at the end."""
        self._directory.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory) as path:
            self._tools.give(self._directory)
            yield pathlib.Path(path)

    def create(self) -> None:
        """Create an empty database."""
        self._directory.mkdir()
        self._tools.give(self._directory)
        self._tools.run(
            'initdb', '-D', str(self._data), '-U', SUPERUSER, '-A', 'trust',
            '--no-sync', '--wal-segsize=1', '--locale=C', '-E', 'UTF8')

    def start(self, settings: Mapping[str, object], limit: float = 30.0,
              ) -> None:
        """Start the server and wait until it accepts connections.

        :param settings: name -> value, from a configuration group.
        :param limit: how long to wait, in seconds.
        :raises Failed: the server ended, or did not answer in time.
        """
        options = {**OPTIONS, **settings, 'port': self.port,
                   'listen_addresses': self.address}
        with open(self._directory / 'log', 'ab') as log:
            self._process = self._tools.start(
                'postgres', '-D', str(self._data),
                *(f'-c{name}={value}' for name, value in options.items()),
                stdout=log, stderr=log)
        deadline = time.monotonic() + limit
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                self.stop()
                log_end = (self._directory / 'log').read_text()[-500:]
                raise postgres_binaries.Failed(
                    f'the server did not start: {log_end}')
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=self.address, port=self.port,
                             user=SUPERUSER, dbname=SUPERUSER).close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, by default with its changes written to disk."""
        if self._process is not None:
            if self.running:
                self._process.send_signal(how)
            self._tools.wait(self._process)
            self._process = None

    def back_up(self, archive: pathlib.Path,
                parent: 'pathlib.Path | None' = None) -> None:
        """Write a packed backup of the running server to a file.

        :param parent: the packed parent backup. None makes a full backup.
        """
        options = ['-h', self.address, '-p', str(self.port), '-U', SUPERUSER,
                   '-D', '-', '-Ft', '-Z', 'gzip:1', '-X', 'fetch',
                   '-c', 'fast', '--no-sync']
        if parent is not None:
            manifest = parent.with_name(MANIFEST)
            tpool.execute(_extract_manifest, parent, manifest)
            self._tools.give(manifest)
            options += ['-i', str(manifest)]
        with open(archive, 'wb') as output:
            self._tools.run('pg_basebackup', *options, stdout=output)

    def restore(self, archives: Sequence[pathlib.Path]) -> None:
        """Restore the data from a chain of packed backups.

        :param archives: the full backup first.
        """
        unpacked = []
        for archive in archives:
            target = archive.with_suffix('.unpacked')
            target.mkdir(mode=0o700)
            tpool.execute(_unpack, archive, target)
            self._tools.give(target)
            unpacked.append(target)
        if len(unpacked) == 1:
            unpacked[0].rename(self._data)
        else:
            self._tools.run('pg_combinebackup', '--link', '--no-sync',
                            '-o', str(self._data), *map(str, unpacked))

    def discard(self) -> None:
        """Stop the server at once and remove all data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)
