"""Tests of bank_plugins/listing.py."""

import pytest

from karbor_trove.bank_plugins import listing

KEYS = ['/b', '/d', '/a', '/c']


@pytest.mark.parametrize('prefix, normal', [
    (None, '/'), ('', '/'), ('//', '/'), ('a/', '/a/'), ('/a', '/a')])
def test_prefix_begins_with_one_slash(prefix, normal):
    assert listing.normalize_prefix(prefix) == normal


@pytest.mark.parametrize('sort_dir', [None, 'asc', 'DESC', ''])
def test_every_word_but_desc_means_ascending(sort_dir):
    assert listing.select_page(KEYS, None, None, sort_dir) == [
        '/a', '/b', '/c', '/d']


@pytest.mark.parametrize('marker', ['/b', '/bb'])
@pytest.mark.parametrize('sort_dir, page', [
    ('asc', ['/c', '/d']), ('desc', ['/a'])])
def test_page_begins_after_the_marker(marker, sort_dir, page):
    keys = [key for key in KEYS if key != '/b']
    assert listing.select_page(keys, None, marker, sort_dir) == page


def test_marker_is_not_in_the_page():
    assert listing.select_page(KEYS, None, '/b', 'asc') == ['/c', '/d']
    assert listing.select_page(KEYS, None, '/b', 'desc') == ['/a']


def test_limit_counts_from_the_first_key_of_the_page():
    assert listing.select_page(KEYS, 2, None, 'desc') == ['/d', '/c']
    assert listing.select_page(KEYS, 1, '/c', 'desc') == ['/b']
    assert listing.select_page(KEYS, 0, None, 'asc') == []
