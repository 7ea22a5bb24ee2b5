"""The messages of the code and the page that explains them."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / 'karbor_trove'
PAGE = ROOT / 'doc/source/reference/messages.rst'

#: What is not read: findings, which have a page and a test of their own.
OTHER_PAGES = ('cmd/checks/', 'cmd/commands/upgrade_check.py')
#: Modules with labels and descriptions, and without messages: forms, the help
#: of the applications, the metrics, and the page in HTML.
LABELS = ('cmd/manage.py', 'cmd/metrics.py', 'cmd/report_page.py',
          'cmd/status.py', 'cmd/timelines.py', 'parameters/restore_options.py',
          'parameters/schemas.py')
#: Arguments and attributes with a label: of options, and of Horizon's pages.
LABEL_NAMES = ('display_choices', 'help', 'help_text', 'page_title',
               'verbose_name')
#: Labels, and texts with which others are compared.
NAMES = {
    'Database Instance',
    'Database Instance Backup',
    'Deleting the backup of',
    'Karbor checkpoint … of database instance',
    'Not Found',
    'Object is not a file',
    'Response Status',
    'The resource could not be found',
    'Unprotected Resource',
    'and … more',
    'availability zone',
    'configuration group',
    'created by restore … of Karbor in place of',
    'database instance',
    'floating point value',
    'integer value',
    'itself is … protected',
    'no type',
    'not started',
    'project, provider or plan',
    'temporary instance',
    'user port',
    'volume type',
}

# A value in a message: "%s" in the code, or "%%s" if the code inserts another
# value first, and a word in capitals on the page.
VALUE = r'(?:%%?(?:\(\w+\))?[-.\d]*[a-z]|\b[A-Z][A-Z_\d]+\b|\bN\b)'
VALUES = re.compile(r'%s(?: ?%s)*' % (VALUE, VALUE))


def normalize(text):
    """Return a text without the values at its ends. All others are equal."""
    return VALUES.sub('…', ' '.join(text.split())).strip(' :;,.()…')


def is_message(text):
    """Return False for names, separators and single words."""
    words = [word for word in text.split() if re.search('[a-z]{2}', word)]
    return len(words) > 1 and text not in NAMES


def get_name(function):
    """Return the name of a function, such as "LOG.error"."""
    if isinstance(function, ast.Attribute):
        return '%s.%s' % (get_name(function.value), function.attr)
    return getattr(function, 'id', '')


def list_texts(path):
    """Yield the texts of a module that may be a message or a part of one."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree)
               for child in ast.iter_child_nodes(node)}

    def list_parents(node):
        while node in parents:
            node = parents[node]
            yield node

    def is_shown(node):
        outer = list(list_parents(node))
        if isinstance(outer[0], ast.Expr):  # A docstring.
            return False
        calls = [get_name(parent.func).split('.') for parent in outer
                 if isinstance(parent, ast.Call)]
        levels = [call[1] for call in calls if call[0] == 'LOG']
        if levels:
            return levels[0] in ('warning', 'error', 'exception')
        # An option, and a pattern.
        if any(call[0] in ('cfg', 're') for call in calls):
            return False
        # A change of state, the progress of a command, and a success.
        if any(call[-1] in ('log', 'success', 'track') for call in calls):
            return False
        names = [parent.arg for parent in outer
                 if isinstance(parent, ast.keyword)]
        names += [get_name(parent.targets[0]) for parent in outer
                  if isinstance(parent, ast.Assign)]
        return not any(name in LABEL_NAMES for name in names)

    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(
                node.value, str) and is_shown(node):
            yield from node.value.split('\n')


def collect_messages():
    """Return the messages of each module that has any."""
    messages = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(OTHER_PAGES) and name not in LABELS:
            messages[name] = {text for text in map(
                normalize, list_texts(path)) if is_message(text)}
    return {name: texts for name, texts in messages.items() if texts}


MESSAGES = collect_messages()


def read_page():
    """Return the messages of the page: the first cells of its rows."""
    cells = re.findall(r'^   \* - (``.*?)^     - ', PAGE.read_text(),
                       re.MULTILINE | re.DOTALL)
    return {text for cell in cells
            for text in map(normalize, re.findall(
                r'``(.*?)``', cell, re.DOTALL)) if is_message(text)}


@pytest.mark.parametrize('module', MESSAGES)
def test_page_explains_every_message_of_the_module(module):
    assert not MESSAGES[module] - read_page()


def test_page_has_no_message_that_the_package_does_not_have():
    messages = set().union(*MESSAGES.values())
    assert not [text for text in read_page()
                if not any(message in text for message in messages)]


def test_every_message_of_the_page_has_a_cause_and_a_remedy():
    rows = re.split(r'^   \* - ', PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert not [row for row in rows if row.count('\n     - ') != 2]


@pytest.mark.parametrize('module', LABELS)
def test_module_with_labels_raises_nothing(module):
    assert not [node for node in ast.walk(ast.parse(
        (PACKAGE / module).read_text())) if isinstance(node, ast.Raise)]


def test_names_are_still_in_the_code():
    texts = {normalize(text) for path in PACKAGE.rglob('*.py')
             for text in list_texts(path)}
    assert texts >= NAMES
