"""Percentiles, fitted exponents and spreads."""

import math
import statistics
from typing import Dict, List, Optional, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below this share of the values.

    :param values: at least one.
    :param share: from 0 to 1, for example 0.99.
    """
    position = math.ceil(share * len(values)) - 1
    return sorted(values)[max(0, position)]


def fit_exponent(values: Dict[int, float]) -> Optional[float]:
    """Return b of the power law a * n ** b with the least squared error.

    The error is that of the logarithms, so each n has the same weight.

    :param values: n -> value.
    :returns: None if there are less than two positive values.
    """
    points = [(math.log(n), math.log(value))
              for n, value in values.items() if value > 0]
    if len(points) < 2:
        return None
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    return (sum((x - mean_x) * (y - mean_y) for x, y in points)
            / sum((x - mean_x) ** 2 for x, _ in points))


def find_size(values: Dict[int, float], limit: float) -> Optional[float]:
    """Return the n at which the fitted power law reaches a limit.

    :param values: n -> value.
    :returns: None if there are less than two positive values, or if they do
        not grow.
    """
    exponent = fit_exponent(values)
    if exponent is None or exponent <= 0:
        return None
    positive = {n: value for n, value in values.items() if value > 0}
    # Begin at the measured point that is the nearest one to the limit.
    start = min(positive, key=lambda n: abs(math.log(positive[n] / limit)))
    return start * (limit / positive[start]) ** (1 / exponent)


def round_down(value: float) -> int:
    """Return the number with one digit, or with 5 as its second digit."""
    unit = 10 ** max(0, math.floor(math.log10(value)))
    return int(math.floor(value / unit * 2) / 2 * unit)


def format_number(value: float) -> str:
    """Return a number with about three digits. Integers have all of them."""
    if value == int(value) or abs(value) >= 100:
        return '{:,.0f}'.format(value)
    return '%.1f' % value if abs(value) >= 10 else '%.2f' % value


def format_spread(values: List[float], figure: Optional[float] = None
                  ) -> str:
    """Return a figure, and the least and the most value if they differ.

    :param values: of several runs. "-" is returned if there are none.
    :param figure: the figure. None if it is the median of the values.
    """
    if not values:
        return '-'
    text, least, most = map(format_number, (
        statistics.median(values) if figure is None else figure,
        min(values), max(values)))
    if least == most:
        return text
    return '%s (%s to %s)' % (text, least, most)
