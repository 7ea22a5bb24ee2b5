"""Databases that grow, and what a restored one has to hold."""

import threading

from tests.functional import api_tenant as tenants


class Database:
    """One instance; its table has the numbers from 1 on, without a gap."""

    def __init__(self, tenant: tenants.Tenant, id_: str) -> None:
        self.id = id_
        self.rows = 1
        self._tenant = tenant
        self._alone = threading.Lock()
        tenant.create_table(id_, self.rows)

    def grow(self, by: int) -> int:
        """Add rows; return how many there are, at the least, from now on."""
        with self._alone:
            self._tenant.sql(self.id, (
                'INSERT INTO orders SELECT '
                f'generate_series({self.rows + 1}, {self.rows + by})'))
            self.rows += by
            return self.rows


def check(tenant: tenants.Tenant, id_: str, least: int, most: int) -> None:
    """See that a restored database is one that there was meanwhile.

    :param least: rows when its backup was asked for.
    :param most: rows when it was complete.
    """
    [[count, last]] = tenant.sql(
        id_, 'SELECT count(DISTINCT number), max(number) FROM orders')
    assert count == last, f'{count} rows of {last} are there'
    assert least <= count <= most, (
        f'{count} rows, and there were {least} to {most}')
