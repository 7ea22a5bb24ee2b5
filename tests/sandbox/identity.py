"""Users, projects and service catalog of the sandbox's cloud."""

from typing import Any

from keystoneauth1.identity import v3
from keystoneauth1 import session as sessions
from keystoneclient.v3 import client

REGION = 'RegionOne'
DOMAIN = 'Default'
_SERVICE = 'service', ('admin', 'service')
#: User name -> (project name, names of roles).
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    'tenant': ('tenant', ('member',)),
    'other': ('other', ('member',)),
    'trove': _SERVICE,
    'swift': _SERVICE,
    'karbor': _SERVICE,
}
#: Service name -> (type, path of the URL). Keystone is missing, because it
#: creates its own entry at its first start.
_CATALOG = {
    'swift': ('object-store', '/v1/AUTH_%(project_id)s'),
    'trove': ('database', '/v1.0/%(project_id)s'),
    'karbor': ('data-protect', '/v1/%(project_id)s'),
}


def credentials(url: str, user: str, password: str) -> dict[str, str]:
    """Return the arguments of keystoneauth1's password plugin.

    :param url: the URL of Keystone.
    :param user: the name of a user. A user that USERS lacks has a project with
        the same name.
    """
    project = USERS[user][0] if user in USERS else user
    return {
        'auth_url': url,
        'username': user,
        'password': password,
        'project_name': project,
        'user_domain_name': DOMAIN,
        'project_domain_name': DOMAIN,
    }


def session(url: str, user: str, password: str) -> sessions.Session:
    """Return a session of a user in the user's project.

    :param url: the URL of Keystone.
    """
    return sessions.Session(v3.Password(**credentials(url, user, password)))


def _create(keystone: client.Client, password: str,
            users: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    roles = {role.name: role for role in keystone.roles.list()}
    projects: dict[str, Any] = {}
    for name, (project, granted) in users.items():
        if project not in projects:
            projects[project] = keystone.projects.create(project, 'default')
        # Karbor requests its service token without a project, as it does for
        # tokens of trusts. The middleware of the other services refuses a
        # token without a role. A default project gives the token a role.
        user = keystone.users.create(
            name, 'default', password=password,
            default_project=projects[project])
        for role in granted:
            keystone.roles.grant(roles[role], user=user,
                                 project=projects[project])


def add_tenants(admin: sessions.Session, password: str, *names: str) -> None:
    """Create further users, each in a project with the same name."""
    _create(client.Client(session=admin, interface='public'), password,
            {name: (name, ('member',)) for name in names})


def seed(admin: sessions.Session, password: str,
         servers: dict[str, str]) -> None:
    """Create the users of USERS, their projects and the catalog.

    :param admin: the session of the administrator.
    :param password: the password of all users.
    :param servers: service name -> URL without a path.
    """
    keystone = client.Client(session=admin, interface='public')
    _create(keystone, password, USERS)
    for name, (kind, path) in _CATALOG.items():
        service = keystone.services.create(name, kind)
        for interface in ('public', 'internal', 'admin'):
            keystone.endpoints.create(
                service, servers[name] + path, interface, REGION)
