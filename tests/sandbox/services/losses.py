"""Servers and networks that tests remove or break without Trove's knowledge.

A test writes the ids to files, because it runs in another process. An id
that is removed from its file exists again, or is repaired. See
Sandbox.lose_servers(), Sandbox.break_servers() and Sandbox.lose_networks() in
tests/sandbox/cloud.py.
"""

import pathlib

from tests.sandbox.services import cloud

#: The directory of the files. The launcher sets it.
directory = pathlib.Path()


def is_lost_server(instance_id: str) -> bool:
    """Return True if Nova no longer has the server of this instance."""
    return instance_id in _read_ids(cloud.LOST_SERVERS)


def is_broken_server(instance_id: str) -> bool:
    """Return True if the server of this instance is in ERROR in Nova."""
    return instance_id in _read_ids(cloud.BROKEN_SERVERS)


def is_lost_network(network_id: str) -> bool:
    """Return True if Neutron no longer has this network."""
    return network_id in _read_ids(cloud.LOST_NETWORKS)


def _read_ids(name: str) -> 'list[str]':
    try:
        return (directory / name).read_text().split()
    except FileNotFoundError:
        return []
