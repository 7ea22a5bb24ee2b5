# SPDX-License-Identifier: Apache-2.0

"""The decision whether karbor-dashboard is patched."""

from importlib import metadata
import logging

LOG = logging.getLogger(__name__)

#: The releases of karbor-dashboard that can be changed. The changes rely on
#: the classes, the templates and the scripts of these releases.
KNOWN_VERSIONS = ('1.5.1',)


def _find_obstacle() -> str:
    """Return why the dashboard cannot be patched.

    :returns: the reason. Empty if the dashboard can be patched.
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
    """Patch the dashboard, or log why it cannot be patched."""
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
