"""What is told of a restore that cannot succeed."""

import dataclasses

import pytest

from karbor_trove.preflight import compatibility
from karbor_trove.trove import models

REQUEST = models.InstanceRequest(
    'the-instance', 'leaf', 'orders', flavor_id='2', volume_size=3,
    datastore='postgresql', datastore_version='18')


class Offers:
    """A catalog of what a test says."""

    def __init__(self, *versions):
        self._versions = [models.DatastoreVersion(*one) for one in versions]

    def list_versions(self, datastore):
        return self._versions if datastore == 'postgresql' else []

    def list_flavors(self, datastore, version_id):
        return {'2': 2048} if version_id == 'id-18' else {'3': 4096}

    def find_configuration(self, id_):
        return {'tuned': ('postgresql', '18')}.get(id_)


PLAIN = Offers(('id-17', '17', '17'), ('id-18', '18', '18.1'))
TWINS = Offers(('id-18', '18', '18.1'), ('id-18-2', '18', '18.2'))


def asked(**words):
    return dataclasses.replace(REQUEST, **words)


def chain(*backups):
    """Backups by id; each is an id, a parent, a status and a size."""
    return {id_: models.Backup(id_, parent_id=parent, status=status,
                               size=size)
            for id_, parent, status, size in backups}


@pytest.mark.parametrize('backups, told', [
    (chain(('leaf', None, 'COMPLETED', 0.1)), []),
    (chain(('leaf', 'full', 'COMPLETED', 0.1),
           ('full', None, 'COMPLETED', 3.0)), []),
    ({}, ['backup leaf is gone']),
    (chain(('leaf', 'full', 'COMPLETED', 0.1)),
     ['backup full, which backup leaf hangs on, is gone']),
    (chain(('leaf', 'full', 'FAILED', 0.1),
           ('full', None, 'DELETE_FAILED', 0.1)),
     ['backup leaf is not COMPLETED, but FAILED',
      'backup full, which backup leaf hangs on, is not COMPLETED, but '
      'DELETE_FAILED']),
    (chain(('leaf', 'leaf', 'COMPLETED', 0.1)),
     ['backup leaf is its own parent']),
    # The full one is laid out first.
    (chain(('leaf', 'full', 'COMPLETED', 0.1),
           ('full', None, 'COMPLETED', 3.1)),
     ['a volume of 3 GB is too small for the backup of 3.1 GB: pass '
      'restore_volume_size, 4 or more'])])
def test_every_link_of_the_chain_has_to_be_whole_and_to_fit(backups, told):
    assert list(compatibility.check_backup(REQUEST, backups, None)) == told


@pytest.mark.parametrize('now, recorded, fits', [
    (None, 3.0, True), (None, 3.1, False), (None, None, True),
    (2.0, 9.0, True), (9.0, 2.0, False)])
def test_the_size_is_what_trove_tells_now_else_the_recorded_one(
        now, recorded, fits):
    backups = chain(('leaf', None, 'COMPLETED', now))
    assert (
        not list(
            compatibility.check_backup(
                REQUEST,
                backups,
                recorded))) == fits


@pytest.mark.parametrize('offers, words, told', [
    (PLAIN, {}, None),
    (PLAIN, {'datastore_version': 'id-18'}, None),
    (PLAIN, {'datastore_version_number': '18.1'}, None),
    (Offers(('id-18', '18', None)), {'datastore_version_number': '18'}, None),
    (TWINS, {'datastore_version_number': '18.1'}, None),
    (TWINS, {'datastore_version': 'id-18'}, None),
    (PLAIN, {'datastore_version': '9'},
     'version 9 of datastore postgresql is not there or not active: pass '
     'restore_datastore_version, one of 17, 18'),
    # As where an operator put a newer one in its place.
    (PLAIN, {'datastore_version_number': '18.0'},
     'version 18 (18.0) of datastore postgresql is not there or not active: '
     'pass restore_datastore_version, one of 17, 18'),
    (TWINS, {}, 'datastore postgresql has several versions 18: pass '
                'restore_datastore_version, the id of one, of id-18, '
                'id-18-2'),
    (Offers(), {}, 'datastore postgresql is not there or has no active '
                   'version: nothing can be restored into it'),
    (PLAIN, {'flavor_id': '9'}, 'flavor 9 is not there or not for this '
                                'version: pass restore_flavor_id, one of 2'),
    (PLAIN, {'datastore_version': '17'},
     'flavor 2 is not there or not for this version: pass '
     'restore_flavor_id, one of 3')])
def test_the_version_and_the_flavor_for_it(offers, words, told):
    assert list(compatibility.check_version(asked(**words), offers)) == (
        [told] if told else [])


@pytest.mark.parametrize('words, told', [
    ({}, None),
    ({'configuration_id': 'none'}, None),
    ({'configuration_id': 'tuned'}, None),
    ({'configuration_id': 'tuned', 'datastore_version': 'id-18'}, None),
    # The datastore was not recorded.
    ({'configuration_id': 'tuned', 'datastore': None}, None),
    ({'configuration_id': 'lost'}, 'is gone'),
    ({'configuration_id': 'tuned', 'datastore_version': '17'},
     'is for postgresql 18'),
    ({'configuration_id': 'tuned', 'datastore': 'mysql'},
     'is for postgresql 18')])
def test_the_configuration_group_has_to_be_for_the_version(words, told):
    sentences = list(compatibility.check_configuration(asked(**words), PLAIN))
    assert len(sentences) == bool(told)
    assert all(told in one and 'pass restore_configuration_id' in one
               for one in sentences)


def test_an_address_is_for_one_database():
    one, other = (asked(subnet_id=id_, ip_address='192.0.2.7')
                  for id_ in ('a', 'b'))
    assert not list(compatibility.check_addresses([one, other, REQUEST, REQUEST]))
    assert list(compatibility.check_addresses([one, other, one])) == [
        'restore_ip_address 192.0.2.7 is for 2 databases: pass each its own']
