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

"""Rows on the operator's terminal, or for a program."""

import csv
import datetime
import io
import json
from typing import Any, Dict, Sequence

import prettytable

FORMATS = ('table', 'json', 'csv')
_UNITS = (('d', 86400), ('h', 3600), ('min', 60))


def printed(columns: Sequence[str], rows: Sequence[Dict[str, Any]],
            form: str) -> str:
    """Write rows out; what is None is shown as nothing, null in JSON.

    :param columns: the keys, in order; a row may lack some, and have others.
    :param form: one of FORMATS. A length of time is in seconds, but in a
        table in words.
    """
    if form == 'table':
        return _table(columns, rows)
    told = [{key: _plain(row.get(key)) for key in columns} for row in rows]
    if form == 'json':
        return json.dumps(told, indent=2)
    output = io.StringIO()
    writer = csv.DictWriter(output, columns, lineterminator='\n')
    writer.writeheader()
    writer.writerows(told)
    # Who prints it ends the line.
    return output.getvalue()[:-1]


def _table(columns: Sequence[str], rows: Sequence[Dict[str, Any]]) -> str:
    table = prettytable.PrettyTable([_title(key) for key in columns])
    table.align = 'l'
    for row in rows:
        table.add_row(['' if row.get(key) is None else _words(row[key])
                       for key in columns])
    return str(table.get_string())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds(), 1)
        return int(seconds) if seconds.is_integer() else seconds
    return value


def _words(value: Any) -> Any:
    if not isinstance(value, datetime.timedelta):
        return _plain(value)
    seconds = value.total_seconds()
    for number, (unit, length) in enumerate(_UNITS):
        if seconds >= length:
            words = ['%d %s' % (seconds // length, unit)]
            rest, (next_, shorter) = seconds % length, (
                *_UNITS, ('s', 1))[number + 1]
            if rest >= shorter:
                words.append('%d %s' % (rest // shorter, next_))
            return ' '.join(words)
    return '%g s' % _plain(value)


def _title(key: str) -> str:
    return key.replace('_', ' ').capitalize()
