"""Pages of the documentation with commands and their outputs.

A literal block of such a page contains commands after "$ ", each followed by
its output. A line "..." leaves the rest of an output out. In an assignment
like "$ PLAN=ID", an id that the page does not have before stands for the id
that the command before it printed. A comment ".. pause: 30 s" lets the time
pass that the text names.
"""

import difflib
import itertools
import re
from typing import Callable, Dict, List, NamedTuple, Tuple

from karbor_trove import polling

#: Timeouts in seconds: of a command that shows the status of an operation, and
#: of an output with a final status that differs from the documented one.
OPERATION_TIMEOUT = 120.0
FINAL_TIMEOUT = 60.0
POLL_INTERVAL = 0.5
OMITTED = '...'

_ID = re.compile(r'\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b'
                 r'|\b[0-9a-f]{32}\b')
#: Values other than ids that differ between two runs, and their names.
_VARYING = [
    (re.compile(r'\b20\d\d-\d\d-\d\d\b'), 'DATE'),
    (re.compile(r'\b\d\d:\d\d:\d\d(\.\d+)?\b'), 'TIME'),
    (re.compile(r'\b\d+\.\d+ s\b'), 'DURATION'),
    (re.compile(r'\b127\.\d+\.\d+\.\d+\b'), 'ADDRESS'),
    (re.compile(r'\breq-[0-9a-f-]{36}\b'), 'REQUEST'),
]
_PAUSE = re.compile(r'\.\. pause: (\d+) s$')
_ASSIGNMENT = re.compile(r'(?:export )?\w+=\S')
_ID_ASSIGNMENT = re.compile(r'(\w+)=(%s)$' % _ID.pattern)
#: The id of what a command has created, or the first id of a list.
_ID_FIELD = re.compile(r'^\| (?:id +\| )?(%s)' % _ID.pattern, re.MULTILINE)
#: Commands that show a status. They may be repeated.
_SHOWING = re.compile(r'[ -](list|show)\b')
_UNFINISHED = re.compile(
    r'(?:^|[|\'" ]) *(?:protecting|deleting|restoring|verifying|in_progress|'
    r'BUILD|BUILDING|NEW|BACKUP|SHUTDOWN) *(?:$|[|\'"])', re.MULTILINE)


class Step(NamedTuple):
    """A command of a page."""

    #: With its continuation lines.
    command: str
    output: List[str]
    #: The number of the first line of the output, beginning with 0.
    line: int
    indent: str


def parse(text: str) -> List[Step]:
    """Return the commands of a page and their outputs."""
    steps = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        match = _PAUSE.match(lines[number])
        if match:
            steps.append(Step('sleep ' + match[1], [], number + 1, ''))
        match = re.match(r'( +)\$ (.*)', lines[number])
        number += 1
        if not match:
            continue
        indent, command = match.groups()
        while command.endswith('\\'):
            command += '\n' + lines[number][len(indent):]
            number += 1
        begin = number
        while (number < len(lines) and lines[number].startswith(indent)
               and not lines[number].startswith(indent + '$ ')):
            number += 1
        steps.append(Step(command, [line[len(indent):] for line
                                    in lines[begin:number]], begin, indent))
    return steps


def replace_outputs(text: str, outputs: Dict[int, List[str]]) -> str:
    """Return the page with other outputs.

    :param outputs: the lines of the outputs by the `line` of their steps.
    """
    lines = text.splitlines()
    for step in reversed(parse(text)):
        if step.line in outputs:
            lines[step.line:step.line + len(step.output)] = [
                (step.indent + line).rstrip() for line in outputs[step.line]]
    return '\n'.join(lines) + '\n'


def _mask(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def _replace(text: str, values: Dict[str, str],
             is_reverse: bool = False) -> str:
    """Replace examples by values, or in reverse."""
    for example, value in values.items():
        text = (text.replace(value, example) if is_reverse
                else text.replace(example, value))
    return text


def _split(lines: List[str], is_list: bool) -> List[str]:
    """Return the parts of an output, independent of its layout.

    Ids are random, and the clients sort by ids. So the rows of a list and the
    entries of a JSON object are sorted by what does not vary. The width of a
    varying value may change the layout of a table.
    """
    text = re.sub(r'[|+]|-{3,}', ' ', '\n'.join(lines))
    separator = r'[{}]|(?=["\']OS::Trove::Instance#)'
    parts = re.split(separator + (r'|\n' if is_list else ''), text)
    words = [_mask(' '.join(part.split()).strip(' ,')) for part in parts]
    return sorted(filter(None, words), key=lambda part: (_ID.sub('ID', part),
                                                         part))


def _list_ids(parts: List[str]) -> List[str]:
    return [id_ for part in parts for id_ in _ID.findall(part)]


class Session:
    """A user who runs the commands of a page.

    :param run: a function that runs a script of the shell and returns its
        output.
    :param values: the values of this run by their examples on the page. Ids
        that are not in it get the examples at the same place of the page.
    :param clock: a simulated clock. By default the time of this machine.
    """

    def __init__(self, run: Callable[[str], str],
                 values: Dict[str, str],
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        self._run = run
        self._clock = clock
        self._values = dict(values)
        self._assignments = ['exec 2>&1']
        self._last = ''
        #: Ids in assignments of a changed page, and the examples for them.
        self._outdated: Dict[str, str] = {}

    def run_page(self, text: str) -> Tuple[str, str]:
        """Run all commands of a page.

        :returns: the page with the outputs of this run, as far as they differ
            in more than varying values, and the differences. They are empty
            if there are none.
        """
        outputs: Dict[int, List[str]] = {}
        differences = []
        for step in parse(text):
            if _ASSIGNMENT.match(step.command):
                self._assign(step.command)
                continue
            lines, is_documented = self._run_until_final(step)
            if not is_documented:
                outputs[step.line] = lines
                differences += ['$ ' + step.command, *difflib.unified_diff(
                    step.output, lines, 'documented', 'actual', lineterm='')]
        return (_replace(replace_outputs(text, outputs), self._outdated),
                '\n'.join(differences))

    def _assign(self, command: str) -> None:
        match = _ID_ASSIGNMENT.match(command)
        if match and match[2] not in self._values:
            field = _ID_FIELD.search(self._last)
            assert field, 'there is no id before %s in:\n%s' % (
                command, self._last)
            real = field[1]
            self._outdated[match[2]] = self._to_page(real)
            command = '%s=%s' % (match[1], real)
        self._assignments.append(self._to_run(command))

    def _run_until_final(self, step: Step) -> Tuple[List[str], bool]:
        """Run a command, and repeat it while an operation is running.

        :returns: the output of the last run, and whether it differs from the
            documented one only in varying values.
        """
        deadline = self._clock.now() + OPERATION_TIMEOUT
        final = None
        while True:
            self._last = self._run('\n'.join(
                [*self._assignments, self._to_run(step.command), 'true']))
            lines = [line.rstrip() for line in self._last.splitlines()
                     if line.strip()]
            if OMITTED in step.output:
                lines[step.output.index(OMITTED):] = [OMITTED]
            values, is_documented = self._compare(step, lines)
            now = self._clock.now()
            if (not _UNFINISHED.search(self._last)
                    and len(lines) >= len(step.output)):
                final = final or now
            if (is_documented or not _SHOWING.search(step.command)
                    or now > deadline
                    or final and now > final + FINAL_TIMEOUT):
                self._values = values
                return [self._to_page(line) for line in lines], is_documented
            self._clock.sleep(POLL_INTERVAL)

    def _compare(self, step: Step,
                 lines: List[str]) -> Tuple[Dict[str, str], bool]:
        """Compare an output with the documented one.

        :returns: the values by their examples, with those of new ids, and
            whether the outputs differ only in varying values.
        """
        is_list = ' list' in step.command or '-list' in step.command
        documented = _split(step.output, is_list)
        actual = _split(lines, is_list)
        known = set(self._values.values())
        new = [id_ for id_ in _list_ids(actual) if id_ not in known]
        unused = [id_ for id_ in _list_ids(documented)
                  if id_ not in self._values]
        values = dict(self._values)
        for real, example in itertools.zip_longest(
                dict.fromkeys(new), dict.fromkeys(unused)):
            if real:
                # Without an example the id becomes its own.
                values[example or real] = real
        return values, documented == _split(
            [_replace(line, values, is_reverse=True) for line in lines],
            is_list)

    def _to_run(self, text: str) -> str:
        return _replace(text, self._values)

    def _to_page(self, text: str) -> str:
        return _replace(text, self._values, is_reverse=True)
