# SPDX-License-Identifier: Apache-2.0

"""The endpoint of Swift for the account of a user."""

from typing import Any, List, Optional

from karbor_trove import errors
from karbor_trove.trove import models
from karbor_trove.trove import transport


def find_endpoint(api: Any, swift: models.SwiftConnection) -> Optional[str]:
    """Return the URL of the user's account in Swift.

    If `swift` has no URL, the result is the URL of Swift in the user's
    catalog, which ends with the account. If `swift` has a URL, the result is
    this URL, with the account from the catalog at its end. If the catalog has
    no account, the result is the URL of `swift` unchanged.

    :param api: a client that transport.patch_client() returned.
    :param swift: the options, such as the region, the interfaces and the URL.
    :returns: the URL. None if neither `swift` nor the catalog has a URL.
    :raises errors.Rejected: `swift` has no URL. The catalog has endpoints of
        Swift, but none with the wanted region and an allowed interface.
        Objects may exist at the other endpoints.
    """
    endpoints = transport.list_endpoints(api, 'object-store')
    if swift.endpoint_override is None:
        return _select_url(endpoints, swift) if endpoints else None
    url = swift.endpoint_override.rstrip('/')
    # The account of a project has the same name in every endpoint.
    account = next(filter(None, (find_account(endpoint.url)
                                 for endpoint in endpoints)), None)
    if account is None:
        return url
    parts = url.split('/')
    own = find_account(url)
    return '/'.join(parts[:parts.index(own)] if own else parts
                    ) + '/' + account


def find_account(url: Optional[str]) -> Optional[str]:
    """Return the account in a URL of Swift, such as "AUTH_1f2e".

    None if the URL has no account. Other stores with Swift's API may have no
    account in their URLs.
    """
    return next((part for part in (url or '').split('/')
                 if part.startswith('AUTH_')), None)


def _select_url(endpoints: List[Any], swift: models.SwiftConnection) -> str:
    regions = {endpoint.region_name for endpoint in endpoints}
    region = swift.region_name
    if len(regions) == 1 and not swift.is_region_required:
        # The configured region is the region of Trove. The cloud has one Swift
        # for all regions.
        region = None
    for interface in swift.interfaces:
        for endpoint in endpoints:
            if endpoint.interface == interface and (
                    region in (None, endpoint.region_name)):
                url: str = endpoint.url.rstrip('/')
                return url
    raise errors.Rejected(
        'the catalog has no endpoint of Swift in the region %s with the '
        'interface %s. It has these: %s. Set swift_region_name and '
        'swift_interface in the provider file'
        % (region or '(any)', ' or '.join(swift.interfaces), ', '.join(
            '%s %s' % (endpoint.region_name, endpoint.interface)
            for endpoint in endpoints)))
