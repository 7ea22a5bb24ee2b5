"""Tests of when the dashboard stays as it is. Horizon is not installed."""

import importlib
from importlib import metadata
import logging
import sys

import pytest

from karbor_trove.horizon import customization


def get_message(caplog):
    [record] = [record for record in caplog.records
                if record.name == customization.__name__]
    assert record.levelno == logging.WARNING
    return record.getMessage()


def test_import_without_the_dashboard_logs_one_line(caplog):
    importlib.reload(sys.modules['karbor_trove.horizon'])

    assert get_message(caplog) == (
        'karbor_trove.horizon changes nothing: karbor-dashboard is not '
        'installed')


@pytest.mark.parametrize('version', ['1.5.0', '1.5.2', '2.0.0'])
def test_other_version_of_the_dashboard_logs_one_line(
        caplog, monkeypatch, version):
    monkeypatch.setattr(metadata, 'version', lambda name: version)
    modules = set(sys.modules)

    customization.apply()

    assert get_message(caplog) == (
        'karbor_trove.horizon changes nothing: karbor-dashboard has version '
        '%s instead of 1.5.1' % version)
    assert set(sys.modules) == modules
