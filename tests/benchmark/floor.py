"""Protection plugin that knows when a backup is complete.

It sends no requests. What it is late is Karbor's own delay: the flow engine
and the bank take that time with every plugin.
"""

import time

from karbor.common import constants
from karbor.services.protection import protection_plugin
from karbor.services.protection.protection_plugins import noop_plugin

#: The parameter of a plan with the seconds that a backup takes.
SECONDS = 'seconds'


class SleepOperation(protection_plugin.Operation):
    """Waits as long as a backup takes."""

    def on_main(self, checkpoint, resource, context, parameters, **kwargs):
        section = checkpoint.get_resource_bank_section(resource.id)
        section.update_object('status', constants.RESOURCE_STATUS_PROTECTING)
        time.sleep(parameters[SECONDS])
        section.update_object('status', constants.RESOURCE_STATUS_AVAILABLE)


class SleepProtectionPlugin(noop_plugin.NoopProtectionPlugin):
    """The noop plugin of Karbor with backups that take their time."""

    @classmethod
    def get_supported_resources_types(cls):
        return [constants.DATABASE_RESOURCE_TYPE]

    def get_protect_operation(self, resource):
        return SleepOperation()
