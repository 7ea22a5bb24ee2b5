# SPDX-License-Identifier: Apache-2.0

"""Configuration files, with the line number of each group and option."""

import dataclasses
import pathlib
from typing import Dict, List, Optional, Sequence

from oslo_config import iniparser

from karbor_trove.cmd.checks import findings
from karbor_trove import errors


@dataclasses.dataclass(frozen=True)
class Assignment:
    """One assignment "option = value" in a configuration file.

    If the value has several lines, `line` is the number of the first line.
    """

    group: str
    option: str
    value: str
    line: int


class WrongFile(errors.Rejected):
    """A configuration file cannot be read or parsed.

    :param message: the reason.
    :param line: the number of the line that cannot be parsed. None if the
        whole file is wrong.
    """

    def __init__(self, message: str, line: Optional[int] = None) -> None:
        super().__init__(message)
        self.line = line


class ConfigFile:
    """The groups and the options in one configuration file.

    The file is parsed by the rules of oslo.config. Unlike oslo.config, this
    class keeps the line number of each group and option.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Read and parse a configuration file.

        :raises WrongFile: the file cannot be read or parsed. oslo.config
            cannot read or parse such a file either.
        """
        self.path = path
        parser = _Parser()
        try:
            parser.parse(path.read_text().splitlines())
        except iniparser.ParseError as error:
            # The text of the line may be a secret. So the error does not have
            # this text.
            raise WrongFile(error.msg, error.lineno) from error
        except (OSError, UnicodeDecodeError) as error:
            raise WrongFile(str(error)) from error
        #: All assignments, in the order of the file.
        self.assignments: List[Assignment] = parser.assignments
        #: The line of each group. The first line if a group is repeated.
        self.groups: Dict[str, int] = parser.groups

    def list(self, group: str, option: Optional[str] = None
             ) -> List[Assignment]:
        """Return the assignments in a group, in the order of the file.

        :param group: the name of the group. The case of its letters is
            ignored, as in oslo.config.
        :param option: the only option whose assignments are returned. None for
            all options of the group.
        :returns: the assignments. An option that is set twice has two
            assignments.
        """
        return [assignment for assignment in self.assignments
                if assignment.group.lower() == group.lower()
                and option in (None, assignment.option)]

    def find(self, group: str, option: str) -> Optional[Assignment]:
        """Return the last assignment of an option.

        oslo.config uses the last assignment, unless the option can have
        several values.

        :returns: the assignment. None if the file does not set the option.
        """
        assignments = self.list(group, option)
        return assignments[-1] if assignments else None

    def place(self, group: str, option: str) -> findings.Place:
        """Return the place where the file sets an option.

        The place is the line of the last assignment. If the option is not set,
        the place is the line with the name of the group, such as "[provider]".
        If the file does not have the group, the place is the whole file.
        """
        assignment = self.find(group, option)
        if assignment:
            return self.at(assignment.line)
        return self.place_group(group)

    def place_group(self, group: str) -> findings.Place:
        """Return the line with the name of a group, such as "[provider]".

        If the file does not have the group, the place is the whole file.

        :param group: the name of the group. The case of its letters is
            ignored, as in oslo.config.
        """
        return self.at(next((line for name, line in self.groups.items()
                             if name.lower() == group.lower()), None))

    def build_lines(self, group: str, option: str, lines: Sequence[str]
                    ) -> str:
        """Return the lines to write at the place of an option.

        If the file does not set the option, the place is the line of the group
        or the whole file. In that case the result begins with the line of the
        group, so that this line stays.

        :param lines: the lines that set the option.
        """
        if self.find(group, option):
            return '\n'.join(lines)
        return '\n'.join(['[%s]' % group, *lines])

    def at(self, line: Optional[int] = None) -> findings.Place:
        """Return a line of the file as a place.

        :param line: the number of the line. None for the whole file.
        """
        return findings.Place(str(self.path), line)


def find_place(files: Sequence[ConfigFile], group: str, option: str
               ) -> Optional[findings.Place]:
    """Return the place where one of several files sets an option.

    oslo.config reads the files as one configuration, in which later files have
    precedence. So the place is in the last file that sets the option. If no
    file sets the option, the last file that sets another option of the group
    is used. The place is then the line with the name of the group.

    :param files: the files in the order in which oslo.config reads them.
    :returns: the place. None if no file sets any option of the group.
    """
    for file in reversed(files):
        if file.find(group, option):
            return file.place(group, option)
    for file in reversed(files):
        if file.list(group):
            return file.place(group, option)
    return None


class _Parser(iniparser.BaseParser):
    """Parser of oslo.config that stores the assignments and the groups."""

    def __init__(self) -> None:
        self.assignments: List[Assignment] = []
        self.groups: Dict[str, int] = {}
        self._group: Optional[str] = None
        self._start = 0

    def new_section(self, section: str) -> None:
        self._group = section
        self.groups.setdefault(section, self.lineno)

    # A value may have several lines. The parser calls assignment() after the
    # last of them. So the number of the first line is stored here.
    def _split_key_value(self, line: str) -> 'tuple[str, list[str]]':
        self._start = self.lineno
        if self._group is None:
            raise self.parse_exc('the option is in no group', self.lineno,
                                 line)
        result: 'tuple[str, list[str]]' = super()._split_key_value(line)
        return result

    def assignment(self, key: str, value: 'list[str]') -> None:
        self.assignments.append(Assignment(
            str(self._group), key, '\n'.join(value), self._start))
