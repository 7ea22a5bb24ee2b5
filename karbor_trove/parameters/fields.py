# SPDX-License-Identifier: Apache-2.0

"""Parameter fields: the parser and the allowed values of each parameter.

Karbor passes every value as a string, and checks only the names of parameters.
Karbor does not check that a required parameter is there. The dashboard sends
"" for an empty field [api/v1 of Karbor 1.6.0, karbor-dashboard 1.5.1].
"""

import dataclasses
import ipaddress
import re
import types
from typing import Any, Callable, Dict, List, Mapping, Optional

from karbor_trove import errors
from karbor_trove.trove import models

# Trove accepts these texts as a name or a description, with a newline at the
# end as well. Trove responds with HTTP 400 to all other texts
# [non_empty_string in trove/common/apischema.py].
_MAX_TEXT_LENGTH = 255
_TEXT = re.compile(r'.*[0-9A-Za-z].*\n?')
# Trove's own pattern accepts ids in this form only [uuid in
# trove/common/apischema.py].
_UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
# A message quotes this many characters of a value at most. All reasons of a
# restore share 64 kB in Karbor's database [resources_reason in Karbor's
# models.py, on MySQL].
_MAX_QUOTED_LENGTH = 300

#: A value that a parser returns.
Value = Any


@dataclasses.dataclass(frozen=True)
class Field:
    """The parser and the allowed values of one parameter."""

    #: Returns the parsed value. Raises ValueError or KeyError if the value is
    #: not allowed.
    parser: Callable[[str], Value]
    #: The allowed values in words, for messages.
    allowed: str
    #: The name of a field that has to be set as well.
    needs: Optional[str] = None

    def parse(self, text: str) -> Value:
        """Return the value that a text stands for.

        None if the text is not allowed.
        """
        try:
            return self.parser(text)
        except (ValueError, KeyError):
            return None


def _parse_text(text: str) -> str:
    if len(text) > _MAX_TEXT_LENGTH or not _TEXT.fullmatch(text):
        raise ValueError
    # JSON can hold half of a surrogate pair, but UTF-8, and so Trove, cannot.
    text.encode()
    return text


TEXT = Field(_parse_text, 'one line of 1 to %d characters, with a letter or a '
             'digit (A-Z, a-z, 0-9) among them' % _MAX_TEXT_LENGTH)


def _pattern(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


ID = Field(_pattern(_UUID), 'a UUID')
CONFIGURATION = Field(
    _pattern('%s|%s|%s' % (_UUID, models.NO_CONFIGURATION,
                           models.RECREATE_CONFIGURATION)),
    'a UUID, "%s" for no group, or "%s" for the recorded group, which is '
    'created anew if it was deleted'
    % (models.NO_CONFIGURATION, models.RECREATE_CONFIGURATION))


def _parse_gigabytes(text: str) -> int:
    if not re.fullmatch('[0-9]{1,9}', text) or int(text) < 1:
        raise ValueError
    return int(text)


GIGABYTES = Field(_parse_gigabytes, 'a whole number of GB from 1')
BOOLEAN = Field(lambda text: {'true': True, 'false': False}[text.lower()],
                'True or False')
ADDRESS = Field(lambda text: str(ipaddress.IPv4Address(text)),
                'an IPv4 address')
# Trove accepts host bits, and no IPv6 networks [allowed_cidrs in
# trove/common/apischema.py, 26.0.0]. The networks are sent without host bits,
# so that no network is sent twice.
NETWORKS = Field(
    lambda text: tuple(dict.fromkeys(
        str(ipaddress.IPv4Network(network.strip(), strict=False))
        for network in text.split(','))),
    'IPv4 networks like 192.0.2.0/24, separated by commas. Trove does not '
    'accept IPv6 networks')
LOCALITY = Field(_pattern('(soft-)?(anti-)?affinity'),
                 'affinity, anti-affinity, soft-affinity or '
                 'soft-anti-affinity')


def parse_fields(parameters: Mapping[str, object], fields: Mapping[str, Field],
                 prefix: str = '',
                 recorded: Mapping[str, object] = types.MappingProxyType({})
                 ) -> Dict[str, Value]:
    """Return the parsed values of the parameters that are set.

    A parameter that is absent, None or "" is not set. The caller may use a
    recorded value in place of such a parameter. So this function checks that
    the recorded value is allowed, but does not return the recorded value.

    :param parameters: Karbor's parameters, such as {'restore_name': 'db-2'}.
        Names that are not in `fields` are ignored.
    :param fields: the fields, by the name of the parameter without the prefix.
    :param prefix: the beginning of each name in `parameters`, such as
        "restore_".
    :param recorded: the recorded values, by the name of the field.
    :returns: the parsed values of the parameters that are set, by the name of
        the field.
    :raises errors.Rejected: a value is not allowed. Or a parameter is set, but
        a parameter that it needs is neither set nor recorded. For example,
        volume_type needs volume_size. The message has one line for each
        problem.
    """
    values: Dict[str, Value] = {}
    problems: List[str] = []
    for name, field in fields.items():
        key = prefix + name
        text = _as_text(parameters.get(key))
        if text is None:
            text = _as_text(recorded.get(name))
            if text is not None and field.parse(text) is None:
                problems.append('the recorded %s %s is not allowed: pass %s, '
                                '%s' % (name.replace('_', ' '), quote(text),
                                        key, field.allowed))
            continue
        values[name] = field.parse(text)
        if values[name] is None:
            problems.append('%s %s is not allowed: %s'
                            % (key, quote(text), field.allowed))
        elif field.needs and not (_as_text(parameters.get(
                prefix + field.needs)) or recorded.get(field.needs)):
            problems.append('%s %s is not allowed: only together with %s%s'
                            % (key, quote(text), prefix, field.needs))
    if problems:
        raise errors.Rejected('\n'.join(problems))
    return values


def quote(text: str) -> str:
    """Return a value in quotes on one line. A long value is truncated."""
    if len(text) > _MAX_QUOTED_LENGTH:
        text = text[:_MAX_QUOTED_LENGTH] + '...'
    return repr(text)


def _as_text(value: object) -> Optional[str]:
    return None if value is None or value == '' else str(value)
