"""What users may send, and what goes on to Trove for it."""

import contextlib
import dataclasses
import json

from hypothesis import strategies
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
import requests_mock
from troveclient import client as trove_client

from karbor_trove.parameters import fields
from karbor_trove.parameters import parsing
from karbor_trove.trove import client
from karbor_trove.trove import models

URL = 'http://trove.example.com:8779/v1.0/project'
ID = '00000000-0000-4000-8000-00000000abcd'

#: Of each kind what is allowed, what nearly is, and what other programs take.
NEAR = [
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

#: Halves of surrogate pairs are among them.
texts = strategies.one_of(
    strategies.sampled_from(NEAR),
    strategies.text(strategies.characters(), max_size=300),
    strategies.builds(str.__add__, strategies.sampled_from(NEAR),
                      strategies.text(strategies.characters(), max_size=2)))


def mappings(*names):
    """Parameters of a resource: these names, and others."""
    return strategies.dictionaries(
        strategies.one_of(strategies.sampled_from(names), texts), texts)


restores = mappings(*('restore_' + name for name in fields.RESTORE_FIELDS),
                    'restore_description')
plans = mappings('backup_name', 'description', 'incremental')

_networks = strategies.sampled_from([
    '192.0.2.0/24', '192.0.2.7/24', '198.51.100.7', '0.0.0.0/0'])

#: Originals as some Trove may have told of them.
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


class Sending:
    """Sends to nobody; each method gives the body of a request."""

    def __init__(self, mocker):
        self._mocker = mocker
        mocker.post(URL + '/instances', json={'instance': {'id': ID}})
        mocker.post(URL + '/backups', json={'backup': {'id': ID}})
        self._gateway = client.TroveClient(lambda: trove_client.Client(
            '1.0', session=session.Session(
                auth=token_endpoint.Token(URL, 'token'))))

    @property
    def _body(self):
        return json.loads(self._mocker.last_request.body)

    def instance(self, given, original=models.Instance(ID, name='orders')):
        """For a restore; raises errors.Refused."""
        self._gateway.create_instance(parsing.parse_restore(
            given, original, ID, ID))
        return self._body

    def backup(self, given, parent_id=None):
        """For a plan; raises errors.Refused."""
        request = parsing.parse_protect(given, ID, ID)
        if parsing.is_incremental(given):
            request = dataclasses.replace(request, parent_id=parent_id)
        self._gateway.create_backup(request)
        return self._body


@contextlib.contextmanager
def sending():
    with requests_mock.Mocker() as mocker:
        yield Sending(mocker)
