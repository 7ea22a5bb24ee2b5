# SPDX-License-Identifier: Apache-2.0

"""Check of the versions of Karbor, python-troveclient and the libraries."""

import dataclasses
from importlib import metadata
import sys
from typing import Iterator, List, Optional, Sequence, Tuple

from oslo_utils import versionutils

from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import provider_file
from karbor_trove.trove import transport

Finding = findings.Finding
Kind = findings.Kind

#: The oldest and the newest tested version of Python, as (major, minor).
TESTED_PYTHON = (3, 8), (3, 13)


@dataclasses.dataclass(frozen=True)
class Library:
    """The versions of a library that the tests run with, and its use."""

    oldest: str
    #: The major version of the newest version.
    newest: int
    #: What uses the library, and what for. A sentence without its period.
    use: str


#: The libraries of requirements.txt, Karbor, and the libraries with which
#: Karbor runs the plugins.
TESTED = {
    'cliff': Library('3.4.0', 4, 'The commands use it for their arguments and '
                     'their output'),
    'eventlet': Library('0.26.1', 0, 'Karbor uses it for the threads of its '
                        'services'),
    'karbor': Library('1.6.0', 1, 'The plugins rely on its interfaces'),
    'keystoneauth1': Library('4.2.0', 5, 'The plugins and the commands use it '
                             'for requests to Keystone, Trove and Swift'),
    'openstacksdk': Library('0.50.0', 4, 'karbor-trove-manage verify uses it '
                            'to read the credentials of the operator'),
    'oslo.config': Library('8.3.0', 10, 'Karbor, the plugins and the commands '
                           'use it to read configuration files'),
    'oslo.log': Library('4.4.0', 8, 'Karbor and the plugins use it to write '
                        'their logs'),
    'oslo.serialization': Library('4.0.2', 5, 'The bank plugins use it to '
                                  'read and write JSON'),
    'oslo.upgradecheck': Library('1.1.1', 2, 'karbor-trove-status uses it for '
                                 'the results of its checks'),
    'oslo.utils': Library('4.5.0', 10, 'The plugins and the commands use it '
                          'to parse times and to remove passwords from texts'),
    'prettytable': Library('0.7.2', 0, 'karbor-trove-status uses it for the '
                           'table of the findings'),
    'python-swiftclient': Library('3.10.1', 4, 'The bank plugin for Swift '
                                  'uses it for requests to Swift'),
    'python-troveclient': Library('5.1.1', 8, 'The plugins and the commands '
                                  'use it for requests to Trove'),
    'stevedore': Library('3.2.2', 5, 'Karbor uses it to load the plugins'),
    'taskflow': Library('4.5.0', 6, 'Karbor uses it to run the flows of '
                        'operations'),
    'urllib3': Library('1.25.10', 2, 'The bank plugin for Swift uses it to '
                       'recognize errors of a connection'),
}


@dataclasses.dataclass(frozen=True)
class Limit:
    """The first version of a library with which something fails.

    `name` is the library, and `effect` says what fails. `below` is this
    version. All earlier versions work.
    """

    name: str
    below: str
    effect: str
    kind: Kind = Kind.VERSION_INCOMPATIBLE
    #: The oldest and the newest version of Python that have the limit, as
    #: (major, minor).
    pythons: Tuple[Tuple[int, int], Tuple[int, int]] = ((3, 8), (3, 99))


#: doc/source/install/index.rst lists the same limits.
LIMITS = (
    Limit('SQLAlchemy', '1.4', 'Every plan-create fails with HTTP 500'),
    Limit('oslo.db', '11', 'It needs SQLAlchemy 1.4, and SQLite stays locked'),
    Limit('oslo.context', '4', 'No request gets a context'),
    Limit('python-freezerclient', '6.4', 'Karbor logs an error, and volumes '
          'cannot be protected with Freezer', Kind.VERSION_LIMITED),
    Limit('osc-lib', '4', 'The command "openstack data protection" does not '
          'work', Kind.VERSION_LIMITED),
    Limit('python-openstackclient', '8', 'The command "openstack data '
          'protection" does not work', Kind.VERSION_LIMITED),
    Limit('setuptools', '81', 'pkg_resources is missing, and Karbor does not '
          'start', pythons=((3, 12), (3, 99))),
    Limit('setuptools', '71', 'stevedore 3 loads no plugin: \'EntryPoint\' '
          'object is not subscriptable', pythons=((3, 8), (3, 8))),
)


def check(files: Sequence[provider_file.ProviderFile]) -> Iterator[Finding]:
    """Yield a finding for each version that fails or was not tested.

    The versions are those of Python and of the libraries. If all versions are
    tested and none of them fails, yield one success.

    :param files: the provider files. If an enabled provider sets
        storage_driver, the version of python-troveclient has to support this
        option.
    """
    problems = [*_check_limits(), *_check_tested(), *_check_python(),
                *_check_storage_drivers(files)]
    yield from problems
    if not problems:
        yield Finding(Kind.VERSIONS_TESTED, 'All versions are tested ones: '
                      'Python %d.%d, %s.' % (*_get_python(), ', '.join(
                          '%s %s' % (name, _find_version(name))
                          for name in sorted(TESTED))))


def _get_python() -> Tuple[int, int]:
    return sys.version_info.major, sys.version_info.minor


def _find_version(name: str) -> Optional[str]:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _parse(version: str) -> Tuple[int, ...]:
    return tuple(versionutils.convert_version_to_tuple(version))


def _check_limits() -> Iterator[Finding]:
    for limit in LIMITS:
        version = _find_version(limit.name)
        first, last = limit.pythons
        if version is None or not first <= _get_python() <= last:
            continue
        if _parse(version) >= _parse(limit.below):
            yield Finding(
                limit.kind, '%s %s is too new. %s. Install an older version: '
                'pip install "%s<%s".' % (limit.name, version, limit.effect,
                                          limit.name, limit.below))


def _check_tested() -> Iterator[Finding]:
    for name, library in TESTED.items():
        version = _find_version(name)
        if version is None:
            yield Finding(Kind.VERSION_UNTESTED, '%s is not installed in %s. '
                          '%s.' % (name, sys.prefix, library.use))
        elif name == 'karbor' and version != library.oldest:
            yield Finding(
                Kind.VERSION_UNTESTED, 'karbor %s was not tested. The plugins '
                'rely on the interfaces of karbor %s.'
                % (version, library.oldest))
        elif _parse(version) < _parse(library.oldest):
            yield Finding(
                Kind.VERSION_UNTESTED, '%s %s is older than the oldest tested '
                'version. %s. Install a tested version: pip install "%s>=%s".'
                % (name, version, library.use, name, library.oldest))
        elif _parse(version)[0] > library.newest:
            yield Finding(
                Kind.VERSION_UNTESTED, '%s %s is newer than the newest tested '
                'version. %s. If this fails, install a tested version: pip '
                'install "%s<%d".' % (name, version, library.use, name,
                                      library.newest + 1))


def _check_python() -> Iterator[Finding]:
    if not TESTED_PYTHON[0] <= _get_python() <= TESTED_PYTHON[1]:
        yield Finding(
            Kind.VERSION_UNTESTED, 'Python %d.%d was not tested. Karbor '
            'itself does not run on every version. Use Python %d.%d to %d.%d.'
            % (*_get_python(), *TESTED_PYTHON[0], *TESTED_PYTHON[1]))


def _check_storage_drivers(files: Sequence[provider_file.ProviderFile]
                           ) -> List[Finding]:
    if transport.can_send_storage_driver():
        return []
    return [Finding(
        Kind.VERSION_LIMITED, 'The %s sets storage_driver, and '
        'python-troveclient %s cannot send it: every checkpoint fails. '
        'Install a newer version, or delete the line.'
        % (file.name, _find_version('python-troveclient')),
        file.config.place('trove_protection_plugin', 'storage_driver'), '')
        for file in files if file.is_enabled
        and file.read_settings().storage_driver]
