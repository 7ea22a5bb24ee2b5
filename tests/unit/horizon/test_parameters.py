"""Tests of the parameters that the dashboard's forms send."""

import json

from karbor_trove.horizon import parameters

TYPE = 'OS::Trove::Instance'


def test_types_without_parameters_are_dropped():
    sent = {'OS::Keystone::Project': {}, 'OS::Cinder::Volume': None,
            TYPE: {'incremental': False}, TYPE + '#a': {'backup_name': ''}}

    assert json.loads(parameters.drop_empty(json.dumps(sent))) == {
        TYPE: {'incremental': False}, TYPE + '#a': {'backup_name': ''}}
