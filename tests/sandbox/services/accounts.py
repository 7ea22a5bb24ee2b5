"""Requests to the guest agent for the databases and users of an instance.

Trove's own code of the guest agent handles these requests.
"""

from typing import Any

from trove.guestagent.datastore.postgres import service

from tests.sandbox.services import postgres

#: The methods that have the same names in Trove's class and in Accounts.
SAME_NAME = frozenset((
    'change_passwords', 'delete_database', 'delete_user', 'get_user',
    'grant_access', 'list_access', 'list_databases', 'list_users',
    'revoke_access', 'update_attributes'))


class _Administrator(service.PgSqlAdmin):
    """Trove's class for databases and users, with a connection by TCP.

    Trove's class connects to the socket in a container instead.
    """

    def __init__(self, server: postgres.Server) -> None:
        self._server = server
        self.use_database(postgres.SUPERUSER)

    def use_database(self, database: str) -> None:
        # Trove 18 only connects to the superuser's database, which is the
        # default.
        other = {} if database == postgres.SUPERUSER else {
            'database': database}
        self.connection = service.PostgresConnection(
            postgres.SUPERUSER, host=self._server.address,
            port=self._server.port, **other)


class Accounts:
    """The methods of the guest agent for databases and users."""

    #: The PostgreSQL server of the instance. Subclasses set it.
    _server: postgres.Server

    def create_database(self, databases: list[Any]) -> None:
        _Administrator(self._server).create_databases(databases)

    def create_user(self, users: list[Any]) -> None:
        _Administrator(self._server).create_users(users)

    def __getattr__(self, name: str) -> Any:
        if name not in SAME_NAME:
            raise AttributeError(name)
        return getattr(_Administrator(self._server), name)
