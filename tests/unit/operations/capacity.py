"""The page about capacity, and the polls of a wait."""

import math
import pathlib
import re

from karbor_trove import polling
from tests.fake_trove import clock as clocks

PAGE = pathlib.Path(__file__).parents[3] / 'doc/source/admin/capacity.rst'
SECONDS = {'s': 1, 'min': 60, 'h': 3600}


def read_rows(title):
    """Return the rows of the table whose first column has this title."""
    pattern = r'^%s  .*\n=[= ]+\n((?:.+\n)+?)=' % re.escape(title)
    [rows] = re.findall(pattern, PAGE.read_text(), re.MULTILINE)
    return [re.split('  +', row.strip()) for row in rows.splitlines()]


def count_polls(seconds):
    """Return how many polls a wait of so many seconds needs."""
    clock = clocks.Clock(start=0.0)
    polls = []

    def check():
        polls.append(clock.now())
        return clock.now() >= seconds or None

    poller = polling.Poller(5.0, clock)
    poller.wait_for(check, poller.deadline(2 * seconds), 'never')
    return len(polls)


def compute(formula, **values):
    """Return the value of a formula of the page."""
    formula = re.sub(r'(\d) (\w+)', r'\1 * \2', formula.replace(' x ', ' * '))
    return eval(formula, {'ceil': math.ceil}, values)
