"""Flavors, networks, datastores and limits of the sandbox's cloud.

Trove and the tests use it. The module has no imports, so that both Python
environments can import it.
"""

#: Flavor id -> (name, RAM in MB).
FLAVORS = {
    '1': ('db.tiny', 512),
    '2': ('db.small', 1024),
    '3': ('db.medium', 2048),
    '4': ('db.large', 4096),
}

#: Flavors that Nova lists for no project. It accepts them by id.
PRIVATE_FLAVORS = {
    'private': ('db.private', 512),
}

#: Each network has one subnet. An instance's address shows its network.
NETWORK = '6d1e5a0c-2f43-4b9a-9c38-5b6a3d1f7e01'
SUBNET = '6d1e5a0c-2f43-4b9a-9c38-5b6a3d1f7e02'
OTHER_NETWORK = 'b27c9f84-71d5-4e0f-8a46-0c9d2e5b3a01'
OTHER_SUBNET = 'b27c9f84-71d5-4e0f-8a46-0c9d2e5b3a02'

#: Network id -> (name, subnet id, its addresses).
NETWORKS = {
    NETWORK: ('databases', SUBNET, '127.77.0.0/17'),
    OTHER_NETWORK: ('other', OTHER_SUBNET, '127.77.128.0/17'),
}

#: Floating addresses are assigned and shown, but no server listens on them.
PUBLIC_NETWORK = 'e5f3a6d2-90b1-4c7e-b8d4-7a1f6c2e9d01'
PUBLIC_CIDR = '127.78.0.0/16'

#: Addresses of databases that the tenant created without a network.
HIDDEN_CIDR = '127.76.0.0/16'

#: Files in Trove's directory, each with ids separated by whitespace: the
#: instances whose servers Nova no longer has, those whose servers are in
#: ERROR, and the networks that Neutron no longer has. Without the file nothing
#: is lost or broken.
LOST_SERVERS = 'lost-servers'
BROKEN_SERVERS = 'broken-servers'
LOST_NETWORKS = 'lost-networks'

VOLUME_TYPES = ('standard', 'fast')

DATASTORE = 'postgresql'
VERSION = '18'
OTHER_VERSION = '17'
INACTIVE_VERSION = '16'

#: (datastore, version, active). All PostgreSQL versions run the same program.
#: The first version of a datastore is its default.
VERSIONS = (
    (DATASTORE, VERSION, True),
    (DATASTORE, OTHER_VERSION, True),
    (DATASTORE, INACTIVE_VERSION, False),
    ('mysql', '8.0', True),
)

#: Not PostgreSQL, so that a request without a datastore is noticed.
DEFAULT_DATASTORE = 'mysql'

#: The configuration parameters: (name, type, minimum, maximum, restart).
PARAMETERS = (
    ('max_connections', 'integer', 10, 1000, True),
    ('work_mem', 'string', None, None, False),
    ('log_min_duration_statement', 'integer', -1, 2147483647, False),
    # Trove masks its value, because of its name.
    ('password_encryption', 'string', None, None, False),
)
