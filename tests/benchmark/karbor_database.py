"""Karbor's database in PostgreSQL."""

from sqlalchemy.dialects.postgresql import pg8000


def use_pg8000() -> None:
    """Let Karbor's SQLAlchemy use the sandbox's driver.

    SQLAlchemy before 1.4 expects the names of columns in bytes. pg8000 has
    texts since 1.16.
    """
    pg8000.PGDialect_pg8000.description_encoding = None
