"""Error responses, with the messages and the JSON of Trove."""

import typing

#: The only key in the body of Trove's error response, by HTTP code.
NAMES = {400: 'badRequest', 401: 'unauthorized', 403: 'forbidden',
         404: 'itemNotFound', 405: 'badMethod', 409: 'conflict',
         413: 'overLimit', 422: 'unprocessableEntity', 500: 'instanceFault',
         501: 'notImplemented', 503: 'serviceUnavailable'}


class ErrorResponse(Exception):
    """Error: the fake Trove responds with this HTTP code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def body(self) -> typing.Dict[str, typing.Any]:
        """Return the JSON of the response."""
        name = NAMES.get(self.code, 'fault')
        return {name: {'code': self.code, 'message': self.message}}


def not_found(what: str) -> ErrorResponse:
    return ErrorResponse(404, 'Resource %s cannot be found.' % what)


def quota_exceeded(resources: typing.Iterable[str]) -> ErrorResponse:
    return ErrorResponse(
        413, 'Quota exceeded for resources: %s.' % sorted(resources))


def not_available(instance_id: str, status: str) -> ErrorResponse:
    """Return the error for an instance that cannot be backed up now.

    :param status: the status that the API shows.
    """
    # An instance in SHUTDOWN has no server [found with Trove 26].
    if status in ('BUILD', 'SHUTDOWN'):
        return ErrorResponse(422, 'Instance %s is not ready.' % instance_id)
    return ErrorResponse(
        422, 'Instance %s is not currently available for an action to be '
        'performed (instance status was %s).' % (instance_id, status))


def internal_error() -> ErrorResponse:
    return ErrorResponse(
        500, 'Internal Server Error. Please keep this ID to help us figure '
        'out what went wrong: (00000000-0000-0000-0000-000000000000).')
