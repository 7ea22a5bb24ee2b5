"""A small fake of Neutron's client for networks, ports and security groups.

The fake also has floating IP addresses. Each port has its own address in
127/8, on which the database of an instance listens. Two sandboxes on one
machine never use the same address: to reserve an address, the fake binds a
socket to it. The socket uses the TCP port CLAIM_PORT, which no database uses.
The reservation ends when the address is released or the process ends.
"""

import ipaddress
import random
import socket
from typing import Any
import uuid

from neutronclient.common import exceptions

from tests.sandbox.services import cloud
from tests.sandbox.services import losses

CLAIM_PORT = 5431

#: A resource as Neutron's API shows it.
Row = dict[str, Any]


def _find(table: dict[str, Row], filters: Row) -> list[Row]:
    """Return the resources that have all values of the filters."""
    return [row for row in table.values()
            if all(row.get(key) == value for key, value in filters.items())]


def _add(table: dict[str, Row], row: Row) -> Row:
    """Add a resource with a new id, and return the resource."""
    added = {'id': str(uuid.uuid4()), **row}
    return table.setdefault(added['id'], added)


class Neutron:
    """The part of Neutron's client that Trove uses, for all tenants."""

    def __init__(self) -> None:
        self._ports: dict[str, Row] = {}
        self._floating: dict[str, Row] = {}
        self._groups: dict[str, Row] = {}
        self._rules: dict[str, Row] = {}
        self._claims: dict[str, socket.socket] = {}
        self._subnets = {
            subnet: {'id': subnet, 'network_id': network, 'cidr': cidr,
                     'ip_version': 4, 'gateway_ip': None, 'host_routes': []}
            for network, (_, subnet, cidr) in cloud.NETWORKS.items()}

    def _claim(self, cidr: str, wanted: 'str | None' = None) -> str:
        """Reserve an address and return it.

        :param cidr: the range of the address.
        :param wanted: the address. None for a random address of the range.
        :raises exceptions.IpAddressInUseClient: the wanted address is in use.
        """
        hosts = ipaddress.ip_network(cidr)
        while True:
            address = wanted or str(
                hosts[random.randrange(1, hosts.num_addresses - 1)])
            claim = socket.socket()
            try:
                claim.bind((address, CLAIM_PORT))
            except OSError as e:
                claim.close()
                if wanted:
                    raise exceptions.IpAddressInUseClient() from e
            else:
                self._claims[address] = claim
                return address

    def _release(self, address: str) -> None:
        """End the reservation of an address."""
        self._claims.pop(address).close()

    def get_or_reserve_address(self, name: str) -> str:
        """Return the address of the port with this name.

        If there is no such port, reserve and return a new address that Trove
        does not know.
        """
        for port in _find(self._ports, {'name': name}):
            address: str = port['fixed_ips'][0]['ip_address']
            return address
        return self._claim(cloud.HIDDEN_CIDR)

    def attach(self, port_id: str, server_id: str) -> None:
        """Attach a port to a server, as Nova does."""
        self._ports[port_id]['device_id'] = server_id

    def show_network(self, network_id: str) -> Row:
        if (network_id not in cloud.NETWORKS
                or losses.is_lost_network(network_id)):
            raise exceptions.NetworkNotFoundClient()
        return {'network': {'id': network_id,
                            'name': cloud.NETWORKS[network_id][0]}}

    def list_networks(self, **filters: Any) -> Row:
        networks = ([cloud.PUBLIC_NETWORK] if filters.get('router:external')
                    else cloud.NETWORKS)
        return {'networks': [{'id': network} for network in networks
                             if not losses.is_lost_network(network)]}

    def show_subnet(self, subnet_id: str) -> Row:
        subnet = self._subnets.get(subnet_id)
        if subnet is None or losses.is_lost_network(subnet['network_id']):
            raise exceptions.NotFound()
        return {'subnet': subnet}

    def list_subnets(self, **filters: Any) -> Row:
        return {'subnets': [
            subnet for subnet in _find(self._subnets, filters)
            if not losses.is_lost_network(subnet['network_id'])]}

    def create_port(self, body: Row) -> Row:
        wanted = body['port']
        self.show_network(wanted['network_id'])
        _, subnet, cidr = cloud.NETWORKS[wanted['network_id']]
        fixed = wanted.get('fixed_ips', [{}])[0]
        address = self._claim(cidr, fixed.get('ip_address'))
        return {'port': _add(self._ports, {
            **wanted, 'mac_address': '02:00:00:00:00:00',
            'fixed_ips': [{'subnet_id': subnet, 'ip_address': address}]})}

    def show_port(self, port_id: str) -> Row:
        if port_id not in self._ports:
            raise exceptions.PortNotFoundClient()
        return {'port': self._ports[port_id]}

    def list_ports(self, **filters: Any) -> Row:
        # Trove allows public access to an instance only if the subnet has a
        # router. In this fake every subnet has a router.
        if str(filters.get('device_owner')).startswith('network:router'):
            return {'ports': [{'id': 'router'}]}
        return {'ports': _find(self._ports, filters)}

    def delete_port(self, port_id: str) -> None:
        port = self.show_port(port_id)['port']
        self._release(port['fixed_ips'][0]['ip_address'])
        del self._ports[port_id]

    def create_floatingip(self, body: Row) -> Row:
        address = self._claim(cloud.PUBLIC_CIDR)
        return {'floatingip': _add(self._floating, {
            **body['floatingip'], 'floating_ip_address': address})}

    def list_floatingips(self, **filters: Any) -> Row:
        return {'floatingips': _find(self._floating, filters)}

    def delete_floatingip(self, floating_id: str) -> None:
        floating_ip = self._floating.pop(floating_id)
        self._release(floating_ip['floating_ip_address'])

    def show_extension(self, alias: str) -> Row:
        return {'extension': {'alias': alias}}

    def create_security_group(self, body: Row) -> Row:
        return {'security_group': _add(self._groups, body['security_group'])}

    def list_security_groups(self, **filters: Any) -> Row:
        return {'security_groups': _find(self._groups, filters)}

    def delete_security_group(self, group_id: str) -> None:
        del self._groups[group_id]
        for rule in _find(self._rules, {'security_group_id': group_id}):
            del self._rules[rule['id']]

    def create_security_group_rule(self, body: Row) -> Row:
        rule = _add(self._rules, body['security_group_rule'])
        return {'security_group_rule': rule}

    def list_security_group_rules(self, **filters: Any) -> Row:
        return {'security_group_rules': _find(self._rules, filters)}

    def delete_security_group_rule(self, rule_id: str) -> None:
        del self._rules[rule_id]


CLIENT = Neutron()


def client(context: Any, region_name: 'str | None' = None) -> Neutron:
    """Return the client of Neutron.

    Trove's option remote_neutron_client names this function.
    """
    return CLIENT
