# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What a user may choose for a restored instance: strings in, values out."""

import dataclasses
import ipaddress
import re
import types
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from karbor_trove import errors
from karbor_trove.trove import models

# What Trove takes as a name or a description, else it answers 400; it does
# not mind a line's end [non_empty_string in trove/common/apischema.py].
_LIMIT = 255
_TEXT = re.compile(r'.*[0-9A-Za-z].*\n?')
# Trove's own pattern for an id takes no other form [uuid, likewise].
_UUID = re.compile(r'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
# Characters of a bad value that are shown: all reasons of a restore share
# 64 kB in Karbor's database [resources_reason in its models.py, on MySQL].
_SHOWN = 300


@dataclasses.dataclass(frozen=True)
class Field:
    """How one parameter is read."""

    #: Raises ValueError for what is not allowed.
    parser: Callable[[str], Any]
    allowed: str
    #: The name of another one without which it means nothing.
    needs: Optional[str] = None

    def parse(self, value: str) -> Any:
        """Read a value; None: it is not allowed."""
        try:
            return self.parser(value)
        except (ValueError, KeyError):
            return None


def _text(given: str) -> str:
    if len(given) > _LIMIT or not _TEXT.fullmatch(given):
        raise ValueError
    # Half of a surrogate pair is JSON, but nothing that Trove could keep.
    given.encode()
    return given


TEXT = Field(_text, 'one line of 1 to %d characters, with a letter or a '
             'digit (A-Z, a-z, 0-9) among them' % _LIMIT)


def _uuid(given: str) -> str:
    if not _UUID.fullmatch(given):
        raise ValueError
    return given


ID = Field(_uuid, 'a UUID')


def _configuration(given: str) -> str:
    return given if given == models.NO_CONFIGURATION else _uuid(given)


def _gigabytes(given: str) -> int:
    if not re.fullmatch('[0-9]{1,9}', given) or int(given) < 1:
        raise ValueError
    return int(given)


def _boolean(given: str) -> bool:
    return {'true': True, 'false': False}[given.lower()]


BOOLEAN = Field(_boolean, 'True or False')


def _address(given: str) -> str:
    return str(ipaddress.IPv4Address(given))


def _networks(given: str) -> Tuple[str, ...]:
    found = [str(ipaddress.IPv4Network(one.strip()))
             for one in given.split(',')]
    return tuple(dict.fromkeys(found))


def _locality(given: str) -> str:
    if given not in ('affinity', 'anti-affinity'):
        raise ValueError
    return given


#: By the parameter's name without `restore_`, which is also that of the
#: field in values.InstanceRequest.
RESTORE_FIELDS: Dict[str, Field] = {
    'name': TEXT,
    'flavor_id': TEXT,
    'volume_size': Field(_gigabytes, 'a whole number of GB from 1'),
    'volume_type': dataclasses.replace(TEXT, needs='volume_size'),
    'net_id': ID,
    'subnet_id': ID,
    'ip_address': Field(_address, 'an IPv4 address', 'subnet_id'),
    'availability_zone': TEXT,
    'configuration_id': Field(
        _configuration, 'a UUID, or "%s" for none' % models.NO_CONFIGURATION),
    'datastore_version': TEXT,
    'is_public': BOOLEAN,
    'allowed_cidrs': Field(
        _networks, 'IPv4 networks like 192.0.2.0/24, separated by commas'),
    'region_name': TEXT,
    'locality': Field(_locality, 'affinity or anti-affinity'),
}


def parse_fields(parameters: Mapping[str, Any], choices: Mapping[str, Field],
                 prefix: str = '',
                 recorded: Mapping[str, Any] = types.MappingProxyType({})
         ) -> Dict[str, Any]:
    """Read what was given; absent, None and "" are not given.

    :param parameters: Karbor's, which may hold more than these.
    :param choices: by name without the prefix.
    :param recorded: what holds where nothing is given, by the same names;
        it has to be allowed as well.
    :returns: what was given, by the same names.
    :raises errors.Refused: one line for each value that is not allowed.
    """
    found: Dict[str, Any] = {}
    problems: List[str] = []
    for name, choice in choices.items():
        key, value = prefix + name, _value(parameters.get(prefix + name))
        if value is None:
            value = _value(recorded.get(name))
            if value is not None and choice.parse(value) is None:
                problems.append('the recorded %s %s is not allowed: pass %s, '
                                '%s' % (name.replace('_', ' '), quote(value),
                                        key, choice.allowed))
            continue
        found[name] = choice.parse(value)
        if found[name] is None:
            problems.append('%s %s is not allowed: %s' % (
                key, quote(value), choice.allowed))
        elif choice.needs and not (_value(parameters.get(
                prefix + choice.needs)) or recorded.get(choice.needs)):
            problems.append('%s %s is not allowed: only together with %s%s'
                            % (key, quote(value), prefix, choice.needs))
    if problems:
        raise errors.Rejected('\n'.join(problems))
    return found


def quote(value: str) -> str:
    """Quote a value on one line, of a long one the beginning."""
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + '...')


def _value(told: Any) -> Optional[str]:
    return None if told is None or told == '' else str(told)
