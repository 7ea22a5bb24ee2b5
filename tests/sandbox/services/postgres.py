"""A PostgreSQL server: its data, its process and its backups."""

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

#: Options of all servers. A configuration group may replace them.
OPTIONS = {
    'unix_socket_directories': '',
    # PostgreSQL needs the summaries for incremental backups.
    'summarize_wal': 'on',
    'wal_level': 'replica',
    'max_wal_senders': '4',
    # A small and fast server. The data need not survive a power failure. A
    # killed server must not leave segments in the shared memory of this
    # machine.
    'fsync': 'off',
    'shared_buffers': '16MB',
    'io_method': 'sync',
    'dynamic_shared_memory_type': 'mmap',
}


def _unpack(archive: pathlib.Path, target: pathlib.Path) -> None:
    """Unpack a packed backup into a directory."""
    with tarfile.open(archive) as packed:
        packed.extraction_filter = lambda member, path: member
        packed.extractall(target)


def _extract_manifest(archive: pathlib.Path, target: pathlib.Path) -> None:
    """Write the manifest of a packed backup to a file."""
    with tarfile.open(archive) as packed:
        source = packed.extractfile(MANIFEST)
        assert source is not None
        target.write_bytes(source.read())


class Server:
    """A PostgreSQL server with its own directory.

    :param tools: the programs of PostgreSQL.
    :param directory: the directory for the data, the log and temporary files.
        It need not exist. discard() removes it.
    :param address: the address on which the server listens.
    :param port: the TCP port on which the server listens.
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
        """True if the server's process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def size(self) -> float:
        """The size of the data on disk in GB, at least 0.01."""
        used = sum(path.stat().st_size for path in self._data.rglob('*')
                   if path.is_file())
        return max(0.01, round(used / 1e9, 2))

    @contextlib.contextmanager
    def workspace(self) -> Iterator[pathlib.Path]:
        """Provide a temporary directory during the `with` block.

        PostgreSQL's programs can read it and write to it.
        """
        self._directory.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory) as path:
            self._tools.give(self._directory)
            yield pathlib.Path(path)

    def create(self) -> None:
        """Create the directory with the data of an empty database."""
        self._directory.mkdir()
        self._tools.give(self._directory)
        self._tools.run(
            'initdb', '-D', str(self._data), '-U', SUPERUSER, '-A', 'trust',
            '--no-sync', '--wal-segsize=1', '--locale=C', '-E', 'UTF8')

    def start(self, settings: Mapping[str, object], limit: float = 30.0,
              ) -> None:
        """Start the server and wait until it accepts connections.

        :param settings: options of PostgreSQL as {name: value}, from a
            configuration group.
        :param limit: the timeout in seconds.
        :raises postgres_binaries.Failed: the server has ended, or the timeout
            has passed.
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
        """Return True if the server accepts a connection."""
        try:
            psycopg2.connect(host=self.address, port=self.port,
                             user=SUPERUSER, dbname=SUPERUSER).close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, and wait for the end of its process.

        :param how: the signal. On SIGINT, the server writes all changes to
            disk. On SIGQUIT, it ends at once.
        """
        if self._process is not None:
            if self.running:
                self._process.send_signal(how)
            self._tools.wait(self._process)
            self._process = None

    def back_up(self, archive: pathlib.Path,
                parent: 'pathlib.Path | None' = None) -> None:
        """Write a packed backup of the running server to a file.

        :param archive: the file.
        :param parent: the file with the packed parent of an incremental
            backup. None for a full backup.
        :raises postgres_binaries.Failed: the backup failed.
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
        """Create the data of the server from a chain of packed backups.

        :param archives: the files with the backups of the chain, the full
            backup first.
        :raises postgres_binaries.Failed: the restore failed.
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
        """Stop the server at once, and remove its directory."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)
