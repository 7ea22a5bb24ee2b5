"""Horizon's settings with karbor-dashboard and our local_settings.

An operator copies files into the package of Horizon instead. The tests leave
their environment as pip has installed it.
"""

import os
import pathlib
import sys

import karbor_dashboard
from openstack_dashboard.local import enabled

from tests.dashboard import local_settings

sys.modules['local.local_settings'] = local_settings
enabled.__path__.append(
    str(pathlib.Path(karbor_dashboard.__file__).parent / 'enabled'))

from openstack_dashboard.settings import *  # noqa: E402,F401,F403
from openstack_dashboard.settings import HORIZON_CONFIG  # noqa: E402

# Messages stay until the tests have read them.
HORIZON_CONFIG['auto_fade_alerts'] = {
    'delay': 0, 'fade_duration': 0, 'types': []}
if os.environ.get('KARBOR_TROVE_CUSTOMIZED'):
    HORIZON_CONFIG['customization_module'] = 'karbor_trove.horizon'
