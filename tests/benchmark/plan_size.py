"""Recommended number of databases in one plan, and the limits around it."""

import dataclasses
import pathlib
import re
from typing import List, Optional

from tests.benchmark import figures
from tests.benchmark import results

#: Karbor's API waits this long for the checkpoint [rpc_response_timeout of
#: oslo.messaging].
API_SECONDS = 60.0
#: For so long a recommended plan keeps the protection service from answering.
_SILENT_SECONDS = 10.0
#: Karbor stores the statuses of all resources of a restore in one column, and
#: their reasons in another [models.py, 1.6.0]. MySQL and MariaDB allow so many
#: bytes in a column of this type.
_COLUMN_BYTES = 65535
#: What one database has in the JSON object of such a column.
_ENTRY = '"OS::Trove::Instance#%s": "%%s", ' % ('0' * 36)
#: How many databases fit into the column of the statuses.
STATUSES = _COLUMN_BYTES // len(_ENTRY % 'available')
#: How many databases fit into the column of the reasons. If necessary,
#: karbor-trove shortens each reason to this text.
REASONS = _COLUMN_BYTES // len(
    _ENTRY % '... and 100 more characters, see the log of Karbor')
_PROTECT = (pathlib.Path(__file__).parents[2]
            / 'karbor_trove/operations/protect.py')


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """The recommended size of a plan, and what it follows from."""

    #: Number of databases.
    size: int
    #: Seconds in which Karbor builds the flow of a plan of this size.
    seconds: float
    #: The exponent of these seconds against the number of databases.
    exponent: float
    #: With more databases, Karbor's API ends its wait with an error.
    largest: int


def recommend(protect: results.Samples, sizes: List[int]
              ) -> Optional[Recommendation]:
    """Return the recommendation that follows from a run.

    :param protect: the samples of checkpoints with several databases.
    :returns: None if the run had less than two sizes of 10 databases or more.
    """
    values = {size: protect.median(
        'build_seconds', plugin=results.NOOP, size=size)
        for size in sizes if size >= 10}
    builds = {size: value for size, value in values.items()
              if value is not None}
    exponent = figures.fit_exponent(builds)
    size = figures.find_size(builds, _SILENT_SECONDS)
    largest = figures.find_size(builds, API_SECONDS)
    if exponent is None or size is None or largest is None:
        return None
    recommended = figures.round_down(min(size, STATUSES, REASONS))
    return Recommendation(
        recommended, _SILENT_SECONDS * (recommended / size) ** exponent,
        exponent, figures.round_down(largest))


def read_warned_size() -> int:
    """Return the number of databases above which the log warns of a plan.

    It is read from the file, because the page is written in an environment
    without Karbor.
    """
    found = re.search(r'^_LARGE_PLAN = (\d+)$', _PROTECT.read_text(),
                      re.MULTILINE)
    assert found, _PROTECT
    return int(found[1])
