# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The protection plugin that a provider file names."""

from typing import Any, Dict, List

from karbor.common import constants
from karbor.services.protection import protection_plugin

from karbor_trove.operations import delete
from karbor_trove.operations import flow
from karbor_trove.operations import protect
from karbor_trove.operations import restore
from karbor_trove.operations import verify
from karbor_trove import options
from karbor_trove.parameters import schemas
from karbor_trove import polling


class TroveProtectionPlugin(
        protection_plugin.ProtectionPlugin):
    """Protects OS::Trove::Instance with Trove's own backups.

    Karbor makes an object of it for each flow, so what the resources of a
    flow share is kept here.
    """

    def __init__(self, config: Any,
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        """Read the options.

        :param config: the configuration of the provider's file.
        :param clock: the time that all waits use.
        """
        super().__init__(config)
        self._shared = options.register(config), clock, flow.FlowState()

    @classmethod
    def get_supported_resources_types(cls) -> List[str]:
        """Name the one type that this is for."""
        return [constants.DATABASE_RESOURCE_TYPE]

    @classmethod
    def get_options_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Give what a plan can say about an instance."""
        return schemas.OPTIONS

    @classmethod
    def get_restore_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Give what a restore can say about an instance."""
        return schemas.RESTORE

    @classmethod
    def get_verify_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Give what a verification can say: nothing.

        Karbor 1.6.0 never publishes this schema, and fails a verification
        that has parameters.
        """
        return schemas.VERIFY

    @classmethod
    def get_saved_info_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Give what `provider show` says that is saved: nothing more."""
        return schemas.SAVED_INFO

    def get_protect_operation(self, resource: Any) -> protect.ProtectOperation:
        """Make the operation that backs up one instance."""
        return protect.ProtectOperation(*self._shared)

    def get_restore_operation(self, resource: Any) -> restore.RestoreOperation:
        """Make the operation that restores one instance."""
        return restore.RestoreOperation(*self._shared)

    def get_verify_operation(self, resource: Any) -> verify.VerifyOperation:
        """Make the operation that verifies one instance's backup."""
        return verify.VerifyOperation(*self._shared)

    def get_delete_operation(self, resource: Any) -> delete.DeleteOperation:
        """Make the operation that deletes one instance's backup."""
        return delete.DeleteOperation(*self._shared)
