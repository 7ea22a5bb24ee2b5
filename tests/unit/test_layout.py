"""The table of modules that contributors read."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / 'karbor_trove'


def _table():
    told = (ROOT / 'doc/source/contributor/index.rst').read_text()
    rows = told.partition('\nmodule ')[2].partition('\n\n')[0]
    return re.findall(r'^``(\w+/?)`` ', rows, re.MULTILINE)


def test_it_names_every_module_once():
    there = [path.stem for path in PACKAGE.glob('*.py')
             if path.stem != '__init__']
    folders = [path.parent.name + '/'
               for path in PACKAGE.glob('*/__init__.py')]
    assert sorted(_table()) == sorted(there + folders)


def test_no_module_is_longer_than_200_lines():
    assert not {path.name: lines for path in PACKAGE.rglob('*.py')
                for lines in [len(path.read_text().splitlines())]
                if lines > 200}


def test_imports_go_down_in_it():
    table = _table()
    for module in table:
        paths = (sorted((PACKAGE / module).glob('*.py'))
                 if module.endswith('/') else [PACKAGE / (module + '.py')])
        for path in paths:
            for imported in re.findall(
                    r'^from karbor_trove(?:\.(\w+))? import (\w+)',
                    path.read_text(), re.MULTILINE):
                name = imported[0] + '/' if imported[0] else imported[1]
                assert table.index(name) > table.index(module) or (
                    name == module), (path.name, name)
