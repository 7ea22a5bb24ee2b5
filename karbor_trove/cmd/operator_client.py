# SPDX-License-Identifier: Apache-2.0

"""Client of Karbor's API with the credentials of the operator."""

from typing import Any, Dict, NamedTuple, Optional

from karbor.common import constants

from karbor_trove.cmd import clients
from karbor_trove.trove import transport

_ENDED = (constants.VERIFICATION_STATUS_SUCCESS,
          constants.VERIFICATION_STATUS_FAILURE)


class Verification(NamedTuple):
    """The status of an ended verification, and the reasons for this status."""

    status: str
    #: The reasons of all resources, one per line.
    reason: str


class OperatorClient:
    """A client that starts and reads verifications through Karbor's API.

    A verification creates its temporary instances in the project of the token.
    So the client uses a token of the checkpoint's project for each request.
    """

    def __init__(self) -> None:
        """Read the credentials of the operator. No request is sent yet.

        :raises errors.Rejected: there are no credentials, or they are wrong.
        """
        self._credentials = clients.OperatorCredentials()
        self._adapters: Dict[str, Any] = {}

    def start_verification(self, project_id: str, provider_id: str,
                           checkpoint_id: str) -> str:
        """Start a verification of a checkpoint, and return its id.

        :param project_id: the project of the checkpoint.
        :param provider_id: the provider whose options the verification uses.
        :returns: the id of the verification.
        :raises errors.KarborTroveError: Karbor did not confirm the start. The
            verification may have started nevertheless.
        """
        return str(self._send(
            'POST', project_id, '/verifications',
            'starting a verification of checkpoint %s' % checkpoint_id,
            json={'verification': {'provider_id': provider_id,
                                   'checkpoint_id': checkpoint_id,
                                   'parameters': {}}})['id'])

    def find_ended_verification(self, project_id: str, verification_id: str
                                ) -> Optional[Verification]:
        """Return the result of a verification.

        :param project_id: the project of the checkpoint.
        :returns: None if the verification has not ended yet.
        :raises errors.KarborTroveError: Karbor did not return the
            verification.
        """
        found = self._send('GET', project_id,
                           '/verifications/%s' % verification_id,
                           'reading verification %s' % verification_id)
        if found['status'] not in _ENDED:
            return None
        return Verification(found['status'], '\n'.join(
            (found.get('resources_reason') or {}).values()))

    def _send(self, method: str, project_id: str, path: str,
              description: str, **arguments: Any) -> Dict[str, Any]:
        with transport.translate_errors(description):
            adapter = self._adapters.get(project_id)
            if adapter is None:
                adapter = self._adapters[project_id] = (
                    self._credentials.create_adapter(
                        project_id, 'data-protect'))
            verification: Dict[str, Any] = adapter.request(
                path, method, **arguments).json()['verification']
            return verification
