# SPDX-License-Identifier: Apache-2.0

"""The parameters that the dashboard's forms send."""

import json


def drop_empty(parameters: str) -> str:
    """Remove each resource type that has no parameters.

    The forms send an entry for each resource type of the provider, even if the
    entry is empty. For each entry, Karbor reads the schema of the type's
    plugin. Karbor fails if this schema has no properties. Karbor's own noop
    plugin has such a schema [Karbor 1.6.0].

    :param parameters: a JSON object as text. Each key is a resource type, or
        "type#id" for one resource. Each value has the parameters.
    :returns: the JSON object without the empty entries, as text.
    """
    return json.dumps({key: values
                       for key, values in json.loads(parameters).items()
                       if values})
