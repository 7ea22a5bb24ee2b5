# SPDX-License-Identifier: Apache-2.0

"""The parameters that the dashboard's forms send."""

import json


def drop_empty(parameters: str) -> str:
    """Return the parameters of a form without the empty entries.

    The forms of karbor-dashboard send an entry for each resource type of the
    provider. The entry of a type without parameters is empty. Such an entry
    can make Karbor fail. For each entry, Karbor reads the schema of a
    protection plugin, and fails if the schema has no properties. An example is
    the schema of Karbor's own noop plugin [Karbor 1.6.0].

    :param parameters: a JSON object as text. A key is a resource type, such as
        "OS::Trove::Instance", or one resource, such as
        "OS::Trove::Instance#ID". A value has the parameters of this type or
        resource.
    :returns: the JSON object without the keys whose values are empty, as text.
    """
    return json.dumps({key: values
                       for key, values in json.loads(parameters).items()
                       if values})
