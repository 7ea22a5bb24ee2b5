# SPDX-License-Identifier: Apache-2.0

"""Corrections and additions to karbor-dashboard, for Horizon.

Horizon imports this package if its settings name it::

    HORIZON_CONFIG['customization_module'] = 'karbor_trove.horizon'

So this package has an effect when it is imported. No other module of
karbor-trove has such an effect.
"""

from karbor_trove.horizon import customization

customization.apply()
