"""Flavors, networks, datastores and limits of the sandbox's cloud.

Trove, the fakes in its process and the tests use these constants. Both Python
environments can import the module, because it imports nothing.
"""

#: Flavor id -> (name, RAM in MB).
FLAVORS = {
    '1': ('db.tiny', 512),
    '2': ('db.small', 1024),
    '3': ('db.medium', 2048),
    '4': ('db.large', 4096),
}

#: Flavors that are in no list of Nova. Nova accepts their ids.
PRIVATE_FLAVORS = {
    'private': ('db.private', 512),
}

#: Each network has one subnet. The address of an instance shows to which
#: network the instance belongs.
NETWORK = '6d1e5a0c-2f43-4b9a-9c38-5b6a3d1f7e01'
SUBNET = '6d1e5a0c-2f43-4b9a-9c38-5b6a3d1f7e02'
OTHER_NETWORK = 'b27c9f84-71d5-4e0f-8a46-0c9d2e5b3a01'
OTHER_SUBNET = 'b27c9f84-71d5-4e0f-8a46-0c9d2e5b3a02'

#: Network id -> (name, subnet id, CIDR of the subnet).
NETWORKS = {
    NETWORK: ('databases', SUBNET, '127.77.0.0/17'),
    OTHER_NETWORK: ('other', OTHER_SUBNET, '127.77.128.0/17'),
}

#: Network of floating IP addresses. Instances get and show these addresses,
#: but no database listens on them.
PUBLIC_NETWORK = 'e5f3a6d2-90b1-4c7e-b8d4-7a1f6c2e9d01'
PUBLIC_CIDR = '127.78.0.0/16'

#: Addresses of the databases of instances without a network. Trove does not
#: show these addresses.
HIDDEN_CIDR = '127.76.0.0/16'

#: Names of files in Trove's directory. Each file has ids, separated by
#: whitespace. LOST_SERVERS: ids of instances whose servers Nova has lost.
#: BROKEN_SERVERS: ids of instances whose servers are in ERROR. LOST_NETWORKS:
#: ids of networks that Neutron has lost. A missing file has no ids.
LOST_SERVERS = 'lost-servers'
BROKEN_SERVERS = 'broken-servers'
LOST_NETWORKS = 'lost-networks'

VOLUME_TYPES = ('standard', 'fast')

DATASTORE = 'postgresql'
VERSION = '18'
OTHER_VERSION = '17'
INACTIVE_VERSION = '16'

#: (datastore, version, whether the version is active). The same PostgreSQL
#: runs for all versions of this datastore. The first version of a datastore is
#: the default version.
VERSIONS = (
    (DATASTORE, VERSION, True),
    (DATASTORE, OTHER_VERSION, True),
    (DATASTORE, INACTIVE_VERSION, False),
    ('mysql', '8.0', True),
)

#: Trove uses this datastore for a request without a datastore. It is not
#: PostgreSQL, so that a test fails if the plugin omits the datastore.
DEFAULT_DATASTORE = 'mysql'

#: The parameters of configuration groups: (name, type, minimum, maximum,
#: whether a change needs a restart).
PARAMETERS = (
    ('max_connections', 'integer', 10, 1000, True),
    ('work_mem', 'string', None, None, False),
    ('log_min_duration_statement', 'integer', -1, 2147483647, False),
    # Trove masks the value of this parameter because of the name.
    ('password_encryption', 'string', None, None, False),
)
