# SPDX-License-Identifier: Apache-2.0

"""Findings: the results of the checks, with their places in files."""

import dataclasses
import difflib
import enum
from typing import Collection, Optional

from oslo_upgradecheck import upgradecheck

Code = upgradecheck.Code


class Kind(enum.Enum):
    """The kinds of findings, such as "bank-empty".

    Each kind has a label and a code. doc/source/admin/findings.rst describes
    each kind.
    """

    # What is in force.
    PROTECTABLE_IN_FORCE = 'protectable-in-force', Code.SUCCESS
    PROTECTABLE_OF_KARBOR = 'protectable-of-karbor', Code.FAILURE
    ENTRY_POINTS_STALE = 'entry-points-stale', Code.FAILURE
    PROTECTION_IN_FORCE = 'protection-in-force', Code.SUCCESS
    PROTECTION_NONE = 'protection-none', Code.SUCCESS
    PROTECTION_OF_KARBOR = 'protection-of-karbor', Code.FAILURE
    PROTECTION_NOOP = 'protection-noop', Code.FAILURE
    PASSTHROUGH_MISPLACED = 'passthrough-misplaced', Code.FAILURE
    PROTECTION_FOREIGN = 'protection-foreign', Code.WARNING
    DATABASES_UNPROTECTED = 'databases-unprotected', Code.FAILURE
    PROJECT_PLANS_WORK = 'project-plans-work', Code.SUCCESS
    PROJECT_PLANS_NONE = 'project-plans-none', Code.SUCCESS
    PROJECT_PLANS_FAIL = 'project-plans-fail', Code.WARNING
    PROJECT_PLANS_NOOP = 'project-plans-noop', Code.WARNING
    # Provider files.
    FILES_CORRECT = 'files-correct', Code.SUCCESS
    FILE_IGNORED = 'file-ignored', Code.WARNING
    FILE_UNREADABLE = 'file-unreadable', Code.FAILURE
    PROVIDER_MISSING = 'provider-missing', Code.FAILURE
    PROVIDER_DISABLED = 'provider-disabled', Code.WARNING
    DISABLED_WITH_CHECKPOINTS = 'disabled-with-checkpoints', Code.WARNING
    CHECKPOINTS_OF_UNKNOWN_PROVIDER = (
        'checkpoints-of-unknown-provider', Code.WARNING)
    ID_WRONG = 'id-wrong', Code.FAILURE
    ID_REPEATED = 'id-repeated', Code.FAILURE
    PLUGIN_MISSING = 'plugin-missing', Code.FAILURE
    PLUGIN_UNKNOWN = 'plugin-unknown', Code.FAILURE
    PLUGIN_BROKEN = 'plugin-broken', Code.FAILURE
    BANK_MISSING = 'bank-missing', Code.FAILURE
    BANK_UNKNOWN = 'bank-unknown', Code.FAILURE
    BANK_REPEATED = 'bank-repeated', Code.FAILURE
    BANK_DEFAULT = 'bank-default', Code.WARNING
    BANK_INCOMPLETE = 'bank-incomplete', Code.FAILURE
    BANK_OF_KARBOR = 'bank-of-karbor', Code.WARNING
    GROUP_MISPLACED = 'group-misplaced', Code.FAILURE
    GROUP_UNKNOWN = 'group-unknown', Code.FAILURE
    GROUP_WITHOUT_EFFECT = 'group-without-effect', Code.WARNING
    OPTION_UNKNOWN = 'option-unknown', Code.FAILURE
    OPTION_MISPLACED = 'option-misplaced', Code.FAILURE
    OPTION_REPEATED = 'option-repeated', Code.WARNING
    SWIFT_OPTIONS_DIFFER = 'swift-options-differ', Code.WARNING
    VALUE_NOT_ALLOWED = 'value-not-allowed', Code.FAILURE
    # Versions.
    VERSIONS_TESTED = 'versions-tested', Code.SUCCESS
    VERSION_INCOMPATIBLE = 'version-incompatible', Code.FAILURE
    VERSION_LIMITED = 'version-limited', Code.WARNING
    VERSION_UNTESTED = 'version-untested', Code.WARNING
    # The cloud.
    KEYSTONE_WORKS = 'keystone-works', Code.SUCCESS
    KEYSTONE_FAILS = 'keystone-fails', Code.FAILURE
    ADMIN_ROLE_MISSING = 'admin-role-missing', Code.WARNING
    SERVICE_ROLE_MISSING = 'service-role-missing', Code.WARNING
    TOKEN_TOO_SHORT = 'token-too-short', Code.WARNING
    TROVE_WORKS = 'trove-works', Code.SUCCESS
    TROVE_FAILS = 'trove-fails', Code.FAILURE
    REGIONS_DIFFER = 'regions-differ', Code.WARNING
    QUOTAS_HIDDEN = 'quotas-hidden', Code.WARNING
    QUOTAS_UNKNOWN = 'quotas-unknown', Code.SUCCESS
    CLOCKS_AGREE = 'clocks-agree', Code.SUCCESS
    CLOCKS_DIFFER = 'clocks-differ', Code.WARNING
    SWIFT_WORKS = 'swift-works', Code.SUCCESS
    SWIFT_FAILS = 'swift-fails', Code.FAILURE
    SWIFT_ABSENT = 'swift-absent', Code.WARNING
    OBJECT_EXISTS = 'object-exists', Code.SUCCESS
    FLAVOR_ABSENT = 'flavor-absent', Code.FAILURE
    NETWORK_ABSENT = 'network-absent', Code.FAILURE
    VOLUME_TYPE_ABSENT = 'volume-type-absent', Code.FAILURE
    OBJECT_UNCHECKED = 'object-unchecked', Code.WARNING
    BANK_WORKS = 'bank-works', Code.SUCCESS
    BANK_ABSENT = 'bank-absent', Code.WARNING
    BANK_EMPTY = 'bank-empty', Code.WARNING
    BANK_FAILS = 'bank-fails', Code.FAILURE

    def __init__(self, label: str, code: Code) -> None:
        """Create a kind.

        :param label: the name of the kind in the output and in the
            documentation.
        :param code: the severity of the findings of this kind: success,
            warning or failure.
        """
        self.label = label
        self.code = code


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of a file, or a whole file."""

    file: str
    #: None for the whole file.
    line: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """One result of a check.

    If the finding is about a file, the finding has a place in this file. Such
    a finding may also have the lines that the operator has to write there.
    """

    kind: Kind
    #: What is the case and why, in full sentences.
    details: str
    #: None if the finding is not about a file.
    place: Optional[Place] = None
    #: The line to write at the place, or several lines. Empty if the operator
    #: has to delete the line at the place. None if no line has to change, or
    #: if `details` says what to change.
    write: Optional[str] = None


def build_sentence(error: Exception) -> str:
    """Return the text of an error on one line, with a period at its end."""
    return ' '.join(str(error).split()).rstrip('.') + '.'


def suggest(name: str, known: Collection[str]) -> Optional[str]:
    """Return the known name that is most similar to a wrong name.

    :param name: the wrong name, which may be a typing error.
    :param known: the names that are correct.
    :returns: the correct name. None if no correct name is similar enough.
    """
    matches = difflib.get_close_matches(name.lower(), sorted(known), 1)
    return matches[0] if matches else None
