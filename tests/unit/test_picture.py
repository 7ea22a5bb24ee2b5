"""Picture of the demo's terminal."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip('rich', reason='the lists of Python 3.8 lack rich')

from tests.sandbox import picture  # noqa: E402

SVG = '{http://www.w3.org/2000/svg}'
OUTPUT = '''
[1/2] Create a checkpoint
$ openstack database instance show a -f value
127.0.0.1
$ karbor checkpoint-show a
+----------+-------------------------+
| Property | Value                   |
+----------+-------------------------+
| id       | a                       |
| status   | available               |
+----------+-------------------------+
$ karbor checkpoint-list
| Id                                   | Status    |
| 8312303c-029c-4227-8f31-90e34cde0b7f | available |
(1.5 s)

[2/2] Clean up
$ karbor checkpoint-delete a
'''


def read_texts(svg):
    """Return the texts of a picture below its title, without empty ones."""
    texts = [''.join(element.itertext()).replace('\xa0', ' ').rstrip()
             for element in ElementTree.fromstring(svg).iter(SVG + 'text')]
    return [text for text in texts[1:] if text]


def test_picture_has_the_lines_that_tell_the_story():
    assert read_texts(picture.build_picture(OUTPUT)) == [
        '[1/2] Create a checkpoint',
        '$ karbor checkpoint-show a',
        '| status   | available |',
        '$ karbor checkpoint-list',
        '| Id                                   | Status |',
        '| 8312303c-029c-4227-8f31-90e34cde0b7f | available |']


@pytest.mark.parametrize('printed, shown', [
    ('<a> & "b"', '<a> & "b"'), ('[bold]c[/bold] {d}', '[bold]c[/bold] {d}'),
    ('\x1b[2K\x1b]0;title\x1b\\e', 'e'), ('é …', 'é …')])
def test_special_characters_are_shown_as_a_terminal_shows_them(printed, shown):
    assert read_texts(picture.build_picture(printed)) == [shown]


def test_commands_are_folded_and_rows_are_cut_at_the_width():
    command, row = '$ ' + 'c' * 150, '| ID ' + 'r' * 150

    texts = read_texts(picture.build_picture(f'{command}\n{row}'))

    assert ''.join(texts[:-1]) == '$' + 'c' * 150
    assert texts[-1] == row[:picture.WIDTH - 1] + '…'
    assert max(map(len, texts)) <= picture.WIDTH


def test_picture_loads_nothing_from_a_host():
    svg = picture.build_picture(OUTPUT)

    assert re.findall(r'\w+://[^"\s]+', svg) == ['http://www.w3.org/2000/svg']
    assert '@' not in svg
