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

"""karbor-trove-manage: what an operator can look at, and mend."""

from typing import Optional, Sequence
import warnings


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Carry out one command.

    :param arguments: None: the process's own.
    :returns: 0, or 1 where it was refused or failed; wrong usage exits
        with 2.
    """
    # What Karbor's libraries say to whoever imports them is not for the
    # operator, who can change nothing about it.
    warnings.simplefilter('ignore')
    from karbor_trove.cmd import commands
    return commands.carry_out(arguments)
