# SPDX-License-Identifier: Apache-2.0

"""All options that a provider file can have.

Karbor has no such list. Each plugin registers its own options when Karbor
creates the plugin.
"""

from typing import Any, Dict, List, Tuple

from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection.bank_plugins import s3_bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from karbor.services.protection.clients import s3
from karbor.services.protection.clients import swift
from karbor.services.protection import provider
from oslo_config import cfg

from karbor_trove import options

#: Options by group.
Groups = Dict[str, List[cfg.Opt]]

PROVIDER: Groups = {'provider': provider.provider_opts}
FILE_SYSTEM_BANK: Groups = {
    'file_system_bank_plugin':
        file_system_bank_plugin.file_system_bank_plugin_opts}
SWIFT_BANK: Groups = {
    'swift_client': swift.swift_client_opts,
    'swift_bank_plugin': (swift_bank_plugin.swift_bank_plugin_opts
                          + swift_bank_plugin.lease_opt)}
S3_BANK: Groups = {
    's3_client': s3.s3_client_opts,
    's3_bank_plugin': (s3_bank_plugin.s3_bank_plugin_opts
                       + s3_bank_plugin.lease_opt)}
#: The options of Karbor's banks, by the class of the bank plugin.
BANKS: Dict[Any, Groups] = {
    file_system_bank_plugin.FileSystemBankPlugin: FILE_SYSTEM_BANK,
    swift_bank_plugin.SwiftBankPlugin: SWIFT_BANK,
    s3_bank_plugin.S3BankPlugin: S3_BANK}
#: The options that name the directory, the container or the bucket of a bank,
#: by group.
BANK_LOCATIONS = {'file_system_bank_plugin': 'file_system_bank_path',
                  'swift_bank_plugin': 'bank_swift_object_container',
                  's3_bank_plugin': 'bank_s3_object_bucket'}


def list_opts() -> List[Tuple[str, List[cfg.Opt]]]:
    """Return the options of a provider file, for the tools of oslo.config.

    These are the options of the provider, of Karbor's bank plugins and of the
    plugins of this package.

    :returns: the name and the options of each group.
    """
    return [*PROVIDER.items(), *SWIFT_BANK.items(), *FILE_SYSTEM_BANK.items(),
            *S3_BANK.items(), *options.list_opts()]


def read_groups(plugin_class: Any) -> Groups:
    """Return the options that a protection plugin registers.

    This function creates the plugin with an empty configuration, and records
    the options that the plugin registers.

    :returns: the options, by the name of their group.
    :raises Exception: the plugin cannot be created. Each plugin raises an
        exception of its own.
    """
    recorder = _Recorder()
    recorder([], default_config_files=[], default_config_dirs=[])
    plugin_class(recorder)
    return recorder.groups


class _Recorder(cfg.ConfigOpts):
    """A configuration that records which options are registered."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: Groups = {}

    def register_opt(self, opt: cfg.Opt, group: Any = None,
                     cli: bool = False, **kwargs: Any) -> bool:
        name = getattr(group, 'name', group)
        if name is not None:
            self.groups.setdefault(name, []).append(opt)
        return bool(super().register_opt(opt, group, cli, **kwargs))
