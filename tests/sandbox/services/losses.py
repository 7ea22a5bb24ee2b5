"""Servers and networks that tests remove or break without Trove.

A test writes the ids of these servers and networks to files, because the test
and Trove run in different processes. When an id is removed from the file, the
server or network exists again or is repaired. The files are written by
Sandbox.lose_servers(), Sandbox.break_servers() and Sandbox.lose_networks() in
tests/sandbox/cloud.py.
"""

import pathlib

from tests.sandbox.services import cloud

#: The directory of these files. The launcher of Trove sets this variable.
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
    """Return the ids in a file. Empty if the file does not exist."""
    try:
        return (directory / name).read_text().split()
    except FileNotFoundError:
        return []
