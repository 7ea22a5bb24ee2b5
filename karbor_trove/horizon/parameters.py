# SPDX-License-Identifier: Apache-2.0

"""The parameters that the dashboard's forms send."""

import json


def drop_empty(parameters: str) -> str:
    """Return the parameters without the types that have none.

    The forms send an empty object for every type of the provider. Karbor
    looks up the properties of the schema of each of them, and fails if a
    plugin has an empty schema, as its own noop plugin does [Karbor 1.6.0].

    :param parameters: type, or type#id -> parameters, as JSON.
    """
    return json.dumps({key: values
                       for key, values in json.loads(parameters).items()
                       if values})
