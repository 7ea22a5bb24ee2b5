# SPDX-License-Identifier: Apache-2.0

"""Corrections and additions to karbor-dashboard, for Horizon.

Horizon imports this package if its settings name it::

    HORIZON_CONFIG['customization_module'] = 'karbor_trove.horizon'

So unlike any other module of ours it has an effect when it is imported.
"""

from karbor_trove.horizon import customization

customization.apply()
