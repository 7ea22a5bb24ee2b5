# SPDX-License-Identifier: Apache-2.0

"""The parameters that the dashboard's forms send."""

import json


def drop_empty(parameters: str) -> str:
    """Return the parameters without the resource types that have none.

    The forms send an entry for each resource type of the provider, even if the
    entry is empty. For each entry, Karbor reads the properties in the schema
    of the type's plugin. Karbor fails if the schema is empty, as in its own
    noop plugin [Karbor 1.6.0].

    :param parameters: a JSON object. Each key is a resource type, or
        "type#id" for one resource. Each value has the parameters.
    """
    return json.dumps({key: values
                       for key, values in json.loads(parameters).items()
                       if values})
