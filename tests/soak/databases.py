"""Databases that grow, and the check of a restored database."""

import threading

from tests.functional import api_tenant as tenants


class Database:
    """An instance whose table has the numbers from 1 on, without a gap."""

    def __init__(self, tenant: tenants.Tenant, id_: str) -> None:
        self.id = id_
        self.rows = 1
        self._tenant = tenant
        self._lock = threading.Lock()
        tenant.create_table(id_, self.rows)

    def grow(self, by: int) -> int:
        """Add rows and return the new number of rows."""
        with self._lock:
            self._tenant.sql(self.id, (
                'INSERT INTO orders SELECT '
                f'generate_series({self.rows + 1}, {self.rows + by})'))
            self.rows += by
            return self.rows


def check(tenant: tenants.Tenant, id_: str, least: int, most: int) -> None:
    """Check that a restored database has a state from during its backup.

    :param least: number of rows when the backup was requested.
    :param most: number of rows when the backup was complete.
    """
    [[count, last]] = tenant.sql(
        id_, 'SELECT count(DISTINCT number), max(number) FROM orders')
    assert count == last, f'{count} of {last} rows are there'
    assert least <= count <= most, (
        f'{count} rows instead of {least} to {most}')
