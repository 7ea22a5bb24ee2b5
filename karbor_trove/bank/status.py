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

"""..."""

from typing import Any, Optional

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker


def set_status(section: Any, status: str) -> None:
    """Write one of Karbor's words for the state of a resource.

    :param section: the resource's section of a checkpoint in the bank.
    """
    storage.write(section, layout.STATUS, status)


def mark_started(section: Any, status: str) -> None:
    """Write that an operation works on the resource, and who carries it out.

    :param status: Karbor's word for what goes on.
    """
    storage.write(section, layout.WORKER, worker.current())
    set_status(section, status)


def mark_failed(section: Any, status: str, reason: str) -> None:
    """Write that an operation failed, and why.

    The reason comes first: who sees the status finds it. A bank that fails
    hides nothing of why.

    :param status: Karbor's word for it.
    :param reason: meant for the operator, in lines; it holds no secrets.
    """
    # A list is written as ASCII by every bank, a text as its locale is.
    with storage.log_bank_errors('The reason was not kept: %s' % reason):
        storage.write(section, layout.FAILURE_REASON, reason.split('\n'))
    with storage.log_bank_errors('The status "%s" was not kept' % status):
        set_status(section, status)


def read_failure_reason(section: Any) -> Optional[str]:
    """Read the reason of the last failure; None: there was none."""
    lines = storage.read(section, layout.FAILURE_REASON)
    return '\n'.join(lines) if isinstance(lines, list) else lines
