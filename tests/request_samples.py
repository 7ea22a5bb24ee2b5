"""Samples of users' parameters, and the requests to Trove that they cause."""

import contextlib
import dataclasses
import json

from hypothesis import strategies
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
import requests_mock
from troveclient import client as trove_client

from karbor_trove.parameters import parsing
from karbor_trove.parameters import restore_options
from karbor_trove.trove import client
from karbor_trove.trove import models

URL = 'http://trove.example.com:8779/v1.0/project'
ID = '00000000-0000-4000-8000-00000000abcd'

#: Allowed values of each kind, values that are nearly allowed, and values that
#: other programs accept.
VALUES = [
    '', 'x' * 255, 'x' * 256, 'x' * 3000, '---', '\xe9', 'a\nb', 'a\n',
    '\na', '\x00a', 'a\ud800', '\U0001f418 1', "a'b", 'a, b', 'None', 'none',
    'NONE', 'null', '[]', '{}', 'nova', 'fast', 'RegionOne',
    'https://trove.example.com/flavors/2', 'http://[', '2.0',
    'True', 'TRUE', 'true', 'false', ' true', 'yes', '1', '0',
    '7', ' 7 ', '+7', '-7', '007', '1_000', '0.5', '1e3', '0x7', '\u0663',
    '\uff17', '9' * 9, '9' * 10, '9' * 5000,
    ID, ID.upper(), '{%s}' % ID, ID.replace('-', ''), 'urn:uuid:' + ID,
    ID + '\n', ID[:-1], ID[:-1] + '\u0663',
    '192.0.2.7', '192.0.2.07', '192.0.2', '192.0.2.256', '3221225991',
    '0xc0000207', '192.0.2.\u0667', '192.0.2.7\n', ' 192.0.2.7', '::1',
    'fe80::1%1', '::ffff:192.0.2.7',
    '192.0.2.0/24', '192.0.2.7/24', '192.0.2.0/33', '192.0.2.0/024',
    '192.0.2.0/\u0662\u0664', '192.0.2.0/255.255.255.0',
    '192.0.2.0/0.0.0.255', '192.0.2.0/', '0.0.0.0/0', '2001:db8::/32',
    '192.0.2.0/24,192.0.2.0/24', '192.0.2.7, 192.0.2.7/32', '192.0.2.0/24,',
    ',', '\u2003192.0.2.0/24\u2003,198.51.100.0/24',
    '192.0.2.0/24;198.51.100.0/24',
    'affinity', 'anti-affinity', 'Affinity', 'affinity\n', 'near']

#: Some of them contain halves of surrogate pairs.
texts = strategies.one_of(
    strategies.sampled_from(VALUES),
    strategies.text(strategies.characters(), max_size=300),
    strategies.builds(str.__add__, strategies.sampled_from(VALUES),
                      strategies.text(strategies.characters(), max_size=2)))


def parameters(*names):
    """Return a strategy for parameters with these names and with others."""
    return strategies.dictionaries(
        strategies.one_of(strategies.sampled_from(names), texts), texts)


restores = parameters(
    *('restore_' + name for name in restore_options.OPTIONS),
    'restore_skip', 'restore_description')
plans = parameters('backup_name', 'description', 'incremental')

_networks = strategies.sampled_from([
    '192.0.2.0/24', '192.0.2.7/24', '198.51.100.7', '0.0.0.0/0'])

#: Original instances, as some release of Trove may return them.
originals = strategies.builds(
    models.Instance,
    id=strategies.just(ID), name=strategies.none() | texts,
    datastore=strategies.sampled_from([None, 'postgresql']),
    datastore_version=strategies.none() | texts,
    datastore_version_number=strategies.sampled_from([None, '', '18']),
    flavor_id=strategies.none() | strategies.integers() | texts,
    volume_size=strategies.none() | strategies.integers(),
    configuration_id=strategies.sampled_from([None, ID, 'none']),
    network_id=strategies.none() | texts,
    is_public=strategies.none() | strategies.booleans(),
    allowed_cidrs=strategies.lists(_networks, unique=True).map(tuple))


class RequestRecorder:
    """Sends requests and returns their bodies. Each one is accepted."""

    def __init__(self, mocker):
        self._mocker = mocker
        mocker.post(URL + '/instances', json={'instance': {'id': ID}})
        mocker.post(URL + '/backups', json={'backup': {'id': ID}})
        self._client = client.TroveClient(lambda: trove_client.Client(
            '1.0', session=session.Session(
                auth=token_endpoint.Token(URL, 'token'))))

    @property
    def _body(self):
        return json.loads(self._mocker.last_request.body)

    def create_instance(self, values,
                        original=models.Instance(ID, name='orders')):
        """Return the request of a restore with these parameters.

        :raises errors.Rejected: a parameter is not allowed.
        """
        self._client.create_instance(parsing.parse_restore(
            values, original, ID, ID))
        return self._body

    def create_backup(self, values, parent_id=None):
        """Return the request of a protect with these parameters.

        :raises errors.Rejected: a parameter is not allowed.
        """
        request = parsing.parse_protect(values, ID, ID)
        if parsing.is_incremental(values):
            request = dataclasses.replace(request, parent_id=parent_id)
        self._client.create_backup(request)
        return self._body


@contextlib.contextmanager
def record_requests():
    with requests_mock.Mocker() as mocker:
        yield RequestRecorder(mocker)
