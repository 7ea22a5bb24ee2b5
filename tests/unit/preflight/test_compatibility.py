"""Problems that make a restore impossible, and the advice in their text."""

import dataclasses

import pytest

from karbor_trove import errors
from karbor_trove.preflight import compatibility
from karbor_trove.trove import models

REQUEST = models.InstanceRequest(
    'the-instance', 'leaf', 'orders', flavor_id='2', volume_size=3,
    datastore='postgresql', datastore_version='18')


TUNED = models.ConfigurationGroup('tuned', 'fast', 'postgresql', '18',
                                  {'work_mem': '8MB'})
DELETED = dataclasses.replace(TUNED, id='deleted')


class Catalog:
    """A catalog with fixed content, and these versions of PostgreSQL."""

    def __init__(self, *versions):
        self._versions = [models.DatastoreVersion(*version)
                          for version in versions]

    def list_versions(self, datastore):
        return self._versions if datastore == 'postgresql' else []

    def list_flavors(self, datastore, version_id):
        return {'id-18': {'2': 2048}, 'id-17': {'3': 4096}}.get(
            version_id, {})

    def list_public_flavors(self):
        return {'2': 2048, '3': 4096}

    def find_flavor(self, flavor_id):
        if flavor_id == 'forbidden':
            raise errors.Rejected('HTTP 403')
        return {'2': 2048, '3': 4096, 'private': 512}.get(
            flavor_id.rpartition('/')[2])

    def find_configuration(self, id_):
        return {'tuned': TUNED}.get(id_)


PLAIN = Catalog(('id-17', '17', '17'), ('id-18', '18', '18.1'))
TWINS = Catalog(('id-18', '18', '18.1'), ('id-18-2', '18', '18.2'))


def build_request(**values):
    return dataclasses.replace(REQUEST, **values)


def build_backups(*rows):
    """Return backups by id, from (id, parent's id, status, size in GB)."""
    return {id_: models.Backup(id_, parent_id=parent_id, status=status,
                               size=size)
            for id_, parent_id, status, size in rows}


@pytest.mark.parametrize('backups, problems', [
    (build_backups(('leaf', None, 'COMPLETED', 0.1)), []),
    (build_backups(('leaf', 'root', 'COMPLETED', 0.1),
                   ('root', None, 'COMPLETED', 3.0)), []),
    (build_backups(('leaf', None, 'RESTORED', 0.1)), []),
    ({}, ['backup leaf was not found']),
    (build_backups(('leaf', 'root', 'COMPLETED', 0.1)),
     ['backup root, in the chain of backup leaf, was not found']),
    (build_backups(('leaf', 'root', 'FAILED', 0.1),
                   ('root', None, 'DELETE_FAILED', 0.1)),
     ['backup leaf is not COMPLETED, but FAILED',
      'backup root, in the chain of backup leaf, is not COMPLETED, but '
      'DELETE_FAILED']),
    (build_backups(('leaf', 'leaf', 'COMPLETED', 0.1)),
     ['backup leaf is its own parent']),
    # Trove restores the root first.
    (build_backups(('leaf', 'root', 'COMPLETED', 0.1),
                   ('root', None, 'COMPLETED', 3.1)),
     ['a volume of 3 GB is too small for the backup of 3.1 GB: pass '
      'restore_volume_size, 4 or more'])])
def test_every_backup_of_the_chain_is_complete_and_fits_the_volume(
        backups, problems):
    assert list(compatibility.check_backup(
        REQUEST, backups, None)) == problems


@pytest.mark.parametrize('size, recorded_size, is_enough', [
    (None, 3.0, True), (None, 3.1, False), (None, None, True),
    (2.0, 9.0, True), (9.0, 2.0, False)])
def test_recorded_size_counts_if_trove_returns_none(
        size, recorded_size, is_enough):
    backups = build_backups(('leaf', None, 'COMPLETED', size))
    problems = list(compatibility.check_backup(
        REQUEST, backups, recorded_size))
    assert (not problems) == is_enough


@pytest.mark.parametrize('catalog, values, problem', [
    (PLAIN, {}, None),
    (PLAIN, {'datastore_version': 'id-18'}, None),
    (PLAIN, {'datastore_version_number': '18.1'}, None),
    (Catalog(('id-18', '18', None)), {'datastore_version_number': '18'},
     None),
    (TWINS, {'datastore_version_number': '18.1'}, None),
    (TWINS, {'datastore_version': 'id-18'}, None),
    (PLAIN, {'datastore_version': '9'},
     'version 9 of datastore postgresql was not found or is not active: pass '
     'restore_datastore_version, one of 17, 18'),
    # An operator may have replaced the version with a newer one of this name.
    (PLAIN, {'datastore_version_number': '18.0'},
     'version 18 (18.0) of datastore postgresql was not found or is not '
     'active: pass restore_datastore_version, one of 17, 18'),
    (TWINS, {}, 'datastore postgresql has several versions with the name 18: '
                'pass restore_datastore_version, one of the ids id-18, '
                'id-18-2'),
    (Catalog(), {}, 'datastore postgresql was not found or has no active '
                    'version: nothing can be restored into it'),
    (PLAIN, {'flavor_id': '9'},
     'flavor 9 was not found or is not available for this version: pass '
     'restore_flavor_id, one of 2'),
    (Catalog(('id-19', '18', '18')), {},
     'flavor 2 was not found or is not available for this version: pass '
     'restore_flavor_id, one of none'),
    (PLAIN, {'datastore_version': '17'},
     'flavor 2 was not found or is not available for this version: pass '
     'restore_flavor_id, one of 3')])
def test_version_is_active_and_unique_and_has_the_flavor(
        catalog, values, problem):
    assert list(compatibility.check_version(
        build_request(**values), catalog)) == ([problem] if problem else [])


@pytest.mark.parametrize('flavor_id, ram', [
    ('private', 512), ('https://trove.example.com/flavors/private', 512),
    ('forbidden', 0)])
def test_flavor_that_no_list_has_is_not_checked(flavor_id, ram):
    request = build_request(flavor_id=flavor_id)
    assert not list(compatibility.check_version(request, PLAIN))
    assert list(compatibility.list_unchecked_values(request, PLAIN)) == [
        'flavor %s was not checked, because Trove lists only public flavors'
        % flavor_id]
    assert compatibility.find_ram(request, PLAIN) == ram


@pytest.mark.parametrize('flavor_id', [
    '2', 'https://trove.example.com/flavors/2'])
def test_flavor_of_the_version_needs_no_warning(flavor_id):
    request = build_request(flavor_id=flavor_id)
    assert not list(compatibility.check_version(request, PLAIN))
    assert not list(compatibility.list_unchecked_values(request, PLAIN))
    assert compatibility.find_ram(request, PLAIN) == 2048


@pytest.mark.parametrize('values, problem', [
    ({}, None),
    ({'configuration_id': 'none'}, None),
    ({'configuration_id': 'tuned'}, None),
    ({'configuration_id': 'tuned', 'datastore_version': 'id-18'}, None),
    # The datastore was not recorded.
    ({'configuration_id': 'tuned', 'datastore': None}, None),
    ({'configuration_id': 'deleted'}, 'was not found'),
    ({'configuration_id': 'tuned', 'datastore_version': '17'},
     'is for postgresql 18'),
    ({'configuration_id': 'tuned', 'datastore': 'mysql'},
     'is for postgresql 18')])
def test_configuration_group_exists_and_is_for_the_version(values, problem):
    sentences = list(compatibility.check_configuration(
        build_request(**values), PLAIN))
    assert len(sentences) == bool(problem)
    assert all(problem in sentence
               and 'pass restore_configuration_id' in sentence
               for sentence in sentences)


@pytest.mark.parametrize('recorded, values, problem', [
    (DELETED, {}, None),
    (None, {}, 'was not found and cannot be created anew, because the '
               'checkpoint has no values of it'),
    (dataclasses.replace(DELETED, values={
        'work_mem': '8MB', 'password_encryption': '***',
        'options': '--password ***'}), {},
     'was not found and cannot be created anew, because Trove masks the '
     'values of options, password_encryption'),
    (DELETED, {'datastore_version': '17'}, 'is for postgresql 18')])
def test_deleted_configuration_group_can_be_created_anew(
        recorded, values, problem):
    sentences = list(compatibility.check_configuration(
        build_request(configuration_id='recreate', **values), PLAIN,
        'deleted', recorded))
    assert sentences == ([
        'configuration group deleted %s: pass restore_configuration_id, the '
        'id of another group or "none"' % problem] if problem else [])


def test_configuration_group_that_exists_is_not_created_anew():
    assert not list(compatibility.check_configuration(
        build_request(configuration_id='recreate'), PLAIN, 'tuned'))


@pytest.mark.parametrize('values, is_offered', [
    ({'work_mem': '8MB'}, True), ({'password_encryption': '***'}, False)])
def test_new_configuration_group_is_offered_if_it_is_possible(
        values, is_offered):
    [sentence] = compatibility.check_configuration(
        build_request(configuration_id='deleted'), PLAIN, 'deleted',
        dataclasses.replace(DELETED, values=values))
    assert is_offered == (
        'pass restore_configuration_id, "recreate" for a new group with the '
        'recorded values, the id of another group or "none"' in sentence)


def test_address_is_requested_for_one_database_only():
    first, second = (
        build_request(subnet_id=subnet_id, ip_address='192.0.2.7')
        for subnet_id in ('a', 'b'))
    assert not list(compatibility.check_addresses(
        [first, second, REQUEST, REQUEST]))
    assert list(compatibility.check_addresses([first, second, first])) == [
        'restore_ip_address 192.0.2.7 is requested for 2 databases: pass a '
        'different address for each']
