# SPDX-License-Identifier: Apache-2.0

"""Protection plugin for OS::Trove::Instance."""

from typing import Any, Dict, List

from karbor.common import constants
from karbor.services.protection import protection_plugin

from karbor_trove import karbor_types
from karbor_trove.operations import delete
from karbor_trove.operations import flow
from karbor_trove.operations import protect
from karbor_trove.operations import restore
from karbor_trove.operations import verify
from karbor_trove import options
from karbor_trove.parameters import schemas
from karbor_trove import polling


class TroveProtectionPlugin(protection_plugin.ProtectionPlugin):
    """Protects instances of Trove with Trove's own backups.

    Karbor creates one object of this class for each flow. A flow is one
    operation on all resources of a checkpoint. So this object holds the state
    that all resources of the flow share.
    """

    def __init__(self, config: Any,
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        """Create the plugin and read its options.

        :param config: the configuration of the provider file.
        :param clock: the clock of all waits.
        """
        super().__init__(config)
        settings = options.register(config)
        self._operation_arguments = (settings, clock, flow.FlowState(
            polling.Poller(settings.poll_interval, clock),
            settings.max_concurrent_requests))

    @classmethod
    def get_supported_resources_types(cls) -> List[str]:
        """Return the one resource type of this plugin."""
        return [constants.DATABASE_RESOURCE_TYPE]

    @classmethod
    def get_options_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Return the schema of the parameters that a plan can have."""
        return schemas.OPTIONS

    @classmethod
    def get_restore_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Return the schema of the parameters that a restore can have."""
        return schemas.RESTORE

    @classmethod
    def get_verify_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Return the schema of the parameters of a verification.

        The schema allows no parameters. Karbor 1.6.0 does not show this schema
        to users, and fails every verification with parameters.
        """
        return schemas.VERIFY

    @classmethod
    def get_saved_info_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Return the schema of the saved info, which has no properties.

        The command `provider show` shows this schema.
        """
        return schemas.SAVED_INFO

    def get_protect_operation(self, resource: karbor_types.Resource
                              ) -> protect.ProtectOperation:
        """Return the operation that backs up one instance."""
        return protect.ProtectOperation(*self._operation_arguments)

    def get_restore_operation(self, resource: karbor_types.Resource
                              ) -> restore.RestoreOperation:
        """Return the operation that restores one instance."""
        return restore.RestoreOperation(*self._operation_arguments)

    def get_verify_operation(self, resource: karbor_types.Resource
                             ) -> verify.VerifyOperation:
        """Return the operation that verifies the backup of one instance."""
        return verify.VerifyOperation(*self._operation_arguments)

    def get_delete_operation(self, resource: karbor_types.Resource
                             ) -> delete.DeleteOperation:
        """Return the operation that deletes the backup of one instance."""
        return delete.DeleteOperation(*self._operation_arguments)
