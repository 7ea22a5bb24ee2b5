# SPDX-License-Identifier: Apache-2.0

"""Patches of karbor-dashboard, and the conditions for these patches."""

from importlib import metadata
import logging

LOG = logging.getLogger(__name__)

#: The releases of karbor-dashboard that can be changed. The changes rely on
#: the classes, the templates and the scripts of these releases.
KNOWN_VERSIONS = ('1.5.1',)


def _find_obstacle() -> str:
    """Return why karbor-dashboard cannot be patched.

    There are three possible reasons. karbor-dashboard is not installed, or has
    a version that is not in KNOWN_VERSIONS, or is not enabled in Horizon.

    :returns: the reason. '' if karbor-dashboard can be patched.
    """
    try:
        version = metadata.version('karbor-dashboard')
    except metadata.PackageNotFoundError:
        return 'karbor-dashboard is not installed'
    if version not in KNOWN_VERSIONS:
        return 'karbor-dashboard has version %s instead of %s' % (
            version, ' or '.join(KNOWN_VERSIONS))
    import horizon
    try:
        horizon.get_dashboard('karbor')
    except horizon.base.NotRegistered:
        return 'the dashboard "karbor" is not enabled'
    return ''


def apply() -> None:
    """Apply all patches of this package to karbor-dashboard.

    If karbor-dashboard cannot be patched, log the reason as a warning, and
    change nothing.
    """
    obstacle = _find_obstacle()
    if obstacle:
        LOG.warning('karbor_trove.horizon changes nothing: %s', obstacle)
        return
    # These modules can be imported only with Horizon and the dashboard.
    from karbor_trove.horizon import checkpoints
    from karbor_trove.horizon import plans
    from karbor_trove.horizon import records
    from karbor_trove.horizon import restores
    from karbor_trove.horizon import verifications
    records.add_templates()
    checkpoints.apply()
    plans.apply()
    restores.apply()
    verifications.apply()
