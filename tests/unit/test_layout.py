"""The packages that each package may import."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parents[2] / 'karbor_trove'

#: The packages and modules of karbor_trove that each of them may import.
ARROWS = {
    'errors': '',
    'ids': 'errors',
    'karbor_types': '',
    'timeouts': '',
    'times': '',
    'polling': 'errors timeouts',
    'trove': 'errors karbor_types polling timeouts times',
    'bank': 'errors ids karbor_types timeouts times trove',
    'bank_plugins': 'timeouts',
    'parameters': 'errors trove',
    'options': 'errors parameters trove',
    'backups': 'bank errors polling timeouts times trove',
    'preflight': 'backups bank errors karbor_types options parameters '
                 'polling timeouts trove',
    'verification': 'backups bank errors karbor_types options polling '
                    'preflight timeouts trove',
    'operations': 'backups bank errors ids karbor_types options parameters '
                  'polling preflight timeouts trove verification',
    'cmd': 'backups bank errors ids karbor_types options polling timeouts '
           'times trove verification',
    'horizon': '',
    'passthrough': 'errors karbor_types options',
    'protectable': 'errors ids karbor_types polling timeouts trove',
    'protection': 'karbor_types operations options parameters polling',
}
LEVELS = 9


def _modules():
    """Yield the package, the path and the imported modules of each module."""
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        if parts == ('__init__',):
            continue
        imported = []
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported += ['%s.%s' % (node.module, alias.name)
                             for alias in node.names]
            elif isinstance(node, ast.Import):
                imported += [alias.name for alias in node.names]
        yield parts[0], path, imported


def _imported_packages(imported):
    return {name.split('.')[1] for name in imported
            if name.startswith('karbor_trove.')}


def test_packages_import_only_what_the_arrows_allow():
    assert not [
        (str(path.relative_to(PACKAGE)), target)
        for package, path, imported in _modules()
        for target in _imported_packages(imported)
        if target != package and target not in ARROWS[package].split()]


def test_every_allowed_arrow_is_used():
    used = {package: set() for package in ARROWS}
    for package, _, imported in _modules():
        used[package] |= _imported_packages(imported) - {package}
    assert used == {package: set(allowed.split())
                    for package, allowed in ARROWS.items()}


def test_packages_have_no_cycles_and_at_most_nine_levels():
    levels = {}
    while len(levels) < len(ARROWS):
        ready = {package: 1 + max(map(levels.get, allowed.split()), default=0)
                 for package, allowed in ARROWS.items()
                 if package not in levels and levels.keys() >= set(
                     allowed.split())}
        assert ready, 'a cycle among %s' % (ARROWS.keys() - levels.keys())
        levels.update(ready)
    assert max(levels.values()) <= LEVELS


def test_modules_have_no_import_cycles():
    graph = {}
    for _, path, imported in _modules():
        name = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
        graph[name.replace('.__init__', '')] = set(imported)
    while graph:
        leaves = {name for name, targets in graph.items()
                  if not targets & graph.keys()}
        assert leaves, 'a cycle among %s' % sorted(graph)
        for name in leaves:
            del graph[name]


def test_operations_do_not_import_one_another():
    operations = {'delete', 'protect', 'restore', 'verify'}
    for package, path, imported in _modules():
        if package == 'operations' and path.stem in operations:
            assert not {name.rpartition('.')[2] for name in imported
                        if name.startswith('karbor_trove.operations.')
                        } & operations, path


def test_only_transport_and_clients_import_client_libraries():
    assert {str(path.relative_to(PACKAGE)) for _, path, imported in _modules()
            if any(name.startswith(('troveclient', 'keystoneauth1'))
                   for name in imported)
            } == {'bank_plugins/swift.py', 'cmd/clients.py',
                  'trove/transport.py'}


def test_only_the_edges_import_karbor():
    allowed = {'bank_plugins', 'passthrough', 'protection', 'protectable',
               'operations', 'cmd'}
    assert {package for package, path, imported in _modules()
            if path != PACKAGE / 'trove/connect.py'
            and any(name.startswith('karbor.') for name in imported)
            } <= allowed
