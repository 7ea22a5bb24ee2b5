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

import json
from typing import Any, Dict, Sequence

import prettytable  # python-troveclient needs it as well

FORMATS = ('table', 'json')


def printed(columns: Sequence[str], rows: Sequence[Dict[str, Any]],
            form: str) -> str:
    """Write rows out; what is None is shown as nothing.

    :param columns: the keys, in order; a row may lack some.
    :param form: one of FORMATS.
    """
    if form == 'json':
        return json.dumps([{key: row.get(key) for key in columns}
                           for row in rows], indent=2)
    table = prettytable.PrettyTable([_title(key) for key in columns])
    table.align = 'l'
    for row in rows:
        table.add_row(['' if row.get(key) is None else row[key]
                       for key in columns])
    return str(table.get_string())


def _title(key: str) -> str:
    return key.replace('_', ' ').capitalize()
