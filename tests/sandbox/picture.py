"""SVG picture of a terminal in which the demo has run."""

import io
import re
from typing import Iterator

from rich import console
from rich import text

#: The width of the terminal in columns. In this width, the list of backups is
#: cut after the column Status.
WIDTH = 110
# The default format of rich loads a font from a host. This format does not.
_FORMAT = '''\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})"
   clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
'''
_LAST_STEP = '] Clean up'
# The demo waits with this command until an instance has an address.
_WAIT = '$ openstack database instance show '
_DURATION = re.compile(r'\(\d+\.\d s\)$')
# The rows of tables that are shown: the heading of a list, an item of a list,
# or the status of an object.
_ROW = re.compile(r'\| (Id|ID|[0-9a-f-]{36}|status) ')


def select_lines(output: str) -> Iterator[str]:
    """Yield the lines of the demo's output that the picture shows.

    These lines are left out:

    * the last step,
    * the commands that wait for the address of an instance, and their outputs,
    * durations,
    * the borders of tables,
    * the rows of tables, except headings of lists, items of lists, and the
      status of an object.

    Spaces at the end of a row are removed.
    """
    waits = False
    for line in output.strip().splitlines():
        if line.endswith(_LAST_STEP):
            return
        if line.startswith('$ ') or not line:
            waits = line.startswith(_WAIT)
        if not (waits or _DURATION.match(line) or line.startswith('+')
                or line.startswith('|') and not _ROW.match(line)):
            # A row ends with many spaces if another row has a long value.
            yield re.sub(' +\\|$', ' |', line)


def build_picture(output: str) -> str:
    """Return an SVG picture of a terminal with the output of the demo.

    A row of a table that is longer than WIDTH columns is cut. Any other line
    of this length is folded.

    :param output: all that the demo printed.
    """
    terminal = console.Console(record=True, width=WIDTH, file=io.StringIO(),
                               highlight=False)
    for line in select_lines(output):
        style = ('bold yellow' if line.startswith('[') else
                 'cyan' if line.startswith('$ ') else '')
        terminal.print(text.Text.from_ansi(line, style=style),
                       no_wrap=line.startswith('|'), overflow='ellipsis'
                       if line.startswith('|') else 'fold')
    return terminal.export_svg(title='tools/tox -e demo', code_format=_FORMAT,
                               unique_id='demo')
