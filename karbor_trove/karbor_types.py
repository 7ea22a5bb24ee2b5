# SPDX-License-Identifier: Apache-2.0

"""Types of the objects that Karbor passes to the plugins.

Karbor has no type annotations. Each protocol here describes one class of
Karbor 1.6.0. A protocol has only what this package uses of the class.
"""

from typing import Any, List, Mapping, Optional, Protocol, Sequence, Union


class BankSection(Protocol):
    """A folder of the bank [BankSection in protection/bank_plugin.py].

    A key is the path of an object below this folder.
    """

    @property
    def bank(self) -> 'Bank':
        """Return the bank that holds the section."""

    def get_sub_section(self, section: str) -> 'BankSection':
        """Return the section at a path below this section.

        :param section: the path, relative to this section.
        """

    def update_object(self, key: str, value: Any) -> None:
        """Write an object, and replace an earlier object with the same key.

        :param value: a mapping or a list is stored as JSON. A text is stored
            as it is.
        """

    def get_object(self, key: str) -> Any:
        """Return the object with a key.

        If the object is JSON, the parsed value is returned. If there is no
        such object, each bank plugin raises an exception of its own.
        """

    def list_objects(self, prefix: Optional[str] = None,
                     limit: Optional[int] = None) -> List[str]:
        """Return the keys of the objects in this section and its subfolders.

        :param prefix: the beginning of the returned keys. None for all keys.
        :param limit: the maximum number of keys. None for no limit.
        """

    def delete_object(self, key: str) -> None:
        """Delete the object with a key.

        If there is no such object, some bank plugins raise an exception.
        """


class Bank(Protocol):
    """The whole bank [Bank in protection/bank_plugin.py]."""

    def get_sub_section(self, section: str) -> BankSection:
        """Return the section at a path of the bank.

        :param section: the path, which begins at the top of the bank.
        """


class Resource(Protocol):
    """A protected resource [karbor/resource.py]."""

    id: str
    type: str
    name: str
    extra_info: Optional[Mapping[str, Any]]


class Node(Protocol):
    """A place of a resource in Karbor's resource graph.

    A resource may be in several places [GraphNode in protection/graph.py].
    """

    value: Resource
    child_nodes: Sequence['Node']


class Checkpoint(Protocol):
    """A checkpoint [protection/checkpoint.py]."""

    id: str
    project_id: str
    resource_graph: Sequence[Node]
    #: The plan as it was when the checkpoint was created.
    protection_plan: Mapping[str, Any]

    def get_resource_bank_section(self, resource_id: str) -> BankSection:
        """Return the bank section of one resource of this checkpoint."""


class RequestContext(Protocol):
    """The context of a user's request [karbor/context.py]."""

    user_id: str
    project_id: str
    request_id: str
    #: Whether Karbor's policy makes the user an administrator.
    is_admin: bool


class OperationRecord(Protocol):
    """Karbor's record of one restore or one verification [karbor/objects]."""

    id: str

    def update_resource_status(self, resource_type: str, resource_id: str,
                               status: str, reason: str) -> None:
        """Set the status and the reason of one resource in this object.

        Karbor's database has the new values only after save().

        :param reason: the text that users see with the status.
        """

    def save(self) -> None:
        """Store the record in Karbor's database."""


#: The parameters of one resource: options and their values.
Parameters = Mapping[str, Union[str, bool, int]]
#: The parameters of a restore, by resource type or by "type#id".
FlowParameters = Mapping[str, Parameters]


class RestoreRecord(OperationRecord, Protocol):
    """Karbor's record of a restore [karbor/objects/restore.py]."""

    parameters: Optional[FlowParameters]
