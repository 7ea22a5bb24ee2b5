"""Users, projects and service catalog of the sandbox's cloud."""

from typing import Any

from keystoneauth1.identity import v3
from keystoneauth1 import session as sessions
from keystoneclient.v3 import client

REGION = 'RegionOne'
DOMAIN = 'Default'
#: The project and the roles of the services' users.
_SERVICE = 'service', ('admin', 'service')
#: User name -> (project name, names of roles).
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    'tenant': ('tenant', ('member',)),
    'other': ('other', ('member',)),
    'trove': _SERVICE,
    'swift': _SERVICE,
    'karbor': _SERVICE,
}
#: Service name -> (type, path of the URL). Keystone is missing here, because
#: Keystone creates its own entry when it starts for the first time.
_CATALOG = {
    'swift': ('object-store', '/v1/AUTH_%(project_id)s'),
    'trove': ('database', '/v1.0/%(project_id)s'),
    'karbor': ('data-protect', '/v1/%(project_id)s'),
}


def credentials(url: str, user: str, password: str) -> dict[str, str]:
    """Return the arguments of keystoneauth1's password plugin.

    :param url: the URL of Keystone.
    :param user: the name of a user. If USERS lacks this user, the project has
        the name of the user.
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
    """Return a Keystone session of a user in the project of this user.

    :param url: the URL of Keystone.
    """
    return sessions.Session(v3.Password(**credentials(url, user, password)))


def _create(keystone: client.Client, password: str,
            users: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    """Create users and their projects.

    :param users: see USERS.
    """
    roles = {role.name: role for role in keystone.roles.list()}
    projects: dict[str, Any] = {}
    for name, (project, granted) in users.items():
        if project not in projects:
            projects[project] = keystone.projects.create(project, 'default')
        # Karbor requests its service token without a project, because it uses
        # the same options for tokens of trusts. keystonemiddleware in the
        # other services refuses a token without a role. If the user has a
        # default project, the token is for this project and has a role.
        user = keystone.users.create(
            name, 'default', password=password,
            default_project=projects[project])
        for role in granted:
            keystone.roles.grant(roles[role], user=user,
                                 project=projects[project])


def add_tenants(admin: sessions.Session, password: str, *names: str) -> None:
    """Create further users, each in a project with the same name.

    :param admin: the session of the administrator.
    :param password: the password of the users.
    :param names: the names of the users.
    """
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
