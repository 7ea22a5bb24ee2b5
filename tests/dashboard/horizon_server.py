"""Horizon with karbor-dashboard, as a process of its own or in this one."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import karbor_dashboard

from tests.sandbox import process

ROOT = pathlib.Path(__file__).parents[2]
#: Timeout of the start, in seconds.
TIMEOUT = 60


def write_templates(folder):
    """Write the template of karbor-dashboard that Django 4 cannot read.

    The tag ifequal does not exist any more.
    """
    name = 'checkpoints/_index.html'
    text = (pathlib.Path(karbor_dashboard.__file__).parent / 'templates'
            / name).read_text()
    text = re.sub(r'{% ifequal (\S+) (\S+) %}', r'{% if \1 == \2 %}', text)
    path = folder / 'templates' / name
    path.parent.mkdir(parents=True)
    path.write_text(text.replace('{% endifequal %}', '{% endif %}'))


def environ(folder, **variables):
    """Return the environment variables of Horizon's processes."""
    return {**os.environ, 'PYTHONPATH': str(ROOT),
            'DJANGO_SETTINGS_MODULE': 'tests.dashboard.settings',
            'KARBOR_TROVE_HORIZON_FOLDER': str(folder), **variables}


def manage(folder, *arguments):
    """Run a command of Django, for example collectstatic."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-m', 'django', *arguments],
        cwd=ROOT, env=environ(folder), text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def write_static_files(folder):
    """Collect and compress Horizon's scripts and styles."""
    (folder / 'static').mkdir()
    manage(folder, 'collectstatic', '--noinput')
    manage(folder, 'compress', '--force')


def _find_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """A context manager that runs Horizon on `url`.

    :param folder: has the templates and the static files.
    :param customized: whether it loads karbor_trove.horizon.
    """

    def __init__(self, folder, keystone_url, customized):
        port = _find_port()
        self.url = f'http://127.0.0.1:{port}'
        self._log = folder / f'horizon-{port}.log'
        self._address = f'127.0.0.1:{port}'
        self._environ = environ(
            folder, OS_AUTH_URL=keystone_url,
            KARBOR_TROVE_CUSTOMIZED='1' if customized else '')

    def __enter__(self):
        with self._log.open('w') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-W', 'ignore', '-m', 'django', 'runserver',
                 '--insecure', '--noreload', self._address],
                cwd=ROOT, env=self._environ, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=process.end_with_parent)
        deadline = time.monotonic() + TIMEOUT
        while not self._responds():
            if self._process.poll() is not None or (
                    time.monotonic() > deadline):
                self.__exit__(AssertionError)
                raise AssertionError('Horizon does not start')
            time.sleep(0.5)
        return self

    def __exit__(self, kind, *_):
        self._process.terminate()
        self._process.wait()
        if kind:
            # pytest shows it with the failure.
            print(self._log.read_text()[-5000:])

    def _responds(self):
        try:
            urllib.request.urlopen(f'{self.url}/auth/login/').close()
        except urllib.error.HTTPError:
            self.__exit__(AssertionError)
            raise
        except OSError:
            return False
        return True
