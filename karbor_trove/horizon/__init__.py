# SPDX-License-Identifier: Apache-2.0

"""Corrections and additions to karbor-dashboard, for Horizon.

Horizon imports this package if the settings of Horizon name the package::

    HORIZON_CONFIG['customization_module'] = 'karbor_trove.horizon'

The import patches karbor-dashboard. The import of any other package of
karbor-trove patches nothing.
"""

from karbor_trove.horizon import customization

customization.apply()
