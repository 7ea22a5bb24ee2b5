# SPDX-License-Identifier: Apache-2.0

"""Checks that a bank exists, before a command uses the bank.

If a directory, container or bucket is missing, Karbor's bank plugin creates
it. The plugin does this when the plugin is created or first used [Karbor
1.6.0]. So a mistyped name in a provider file results in an empty bank, and not
in an error. With an empty bank, all backups would look like orphans.
"""

import errno
import os
from typing import Any, Optional, Sequence

from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection.bank_plugins import s3_bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from karbor.services.protection import client_factory
from oslo_config import cfg

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import options as provider_options


class AbsentBank(errors.Rejected):
    """The directory, the container or the bucket of a bank does not exist."""


class UnreadableBank(errors.Rejected):
    """The container or the bucket of a bank cannot be read.

    For example, the URL or the credentials are wrong.
    """


def check_exists(plugin_class: Any, config: cfg.ConfigOpts) -> None:
    """Check that a bank exists.

    Call this function before the bank plugin is created, because the plugin
    would create a missing bank.

    :param plugin_class: the class of the bank plugin. If this class does not
        inherit from a bank plugin of Karbor, nothing is checked.
    :param config: the configuration of the provider file.
    :raises AbsentBank: the bank does not exist.
    :raises UnreadableBank: the container or the bucket cannot be read.
    :raises errors.Rejected: the directory has a file or a folder that cannot
        be read. Or an option of the bank is missing or wrong.
    """
    if issubclass(plugin_class, file_system_bank_plugin.FileSystemBankPlugin):
        _check_directory(config)
    elif issubclass(plugin_class, swift_bank_plugin.SwiftBankPlugin):
        _check_container(config)
    elif issubclass(plugin_class, s3_bank_plugin.S3BankPlugin):
        _check_bucket(config)


def check_not_empty(bank: karbor_types.Bank) -> None:
    """Check that a bank has at least one checkpoint.

    A deleted checkpoint counts too, because Karbor keeps its index.json.

    :raises errors.Rejected: the bank has no checkpoint.
    :raises errors.BankError: the objects of the bank cannot be listed.
    """
    if not storage.list_keys(bank.get_sub_section(layout.CHECKPOINTS), 1):
        raise errors.Rejected(
            'it holds no checkpoint. This is right only if Karbor has never '
            'created one with this provider. Otherwise check the mount and '
            'the path, the container or the bucket in the provider file')


def _register(config: cfg.ConfigOpts, group: str,
              opts: Sequence[cfg.Opt]) -> None:
    problems = provider_options.register_and_check_group(config, group, opts)
    if problems:
        raise errors.Rejected('; '.join(problems))


def _check_directory(config: cfg.ConfigOpts) -> None:
    _register(config, 'file_system_bank_plugin',
              file_system_bank_plugin.file_system_bank_plugin_opts)
    options = config.file_system_bank_plugin
    if not options.file_system_bank_path:
        raise errors.Rejected('file_system_bank_path is not set')
    path = os.path.join(options.file_system_bank_path,
                        options.bank_object_container)

    def fail(error: OSError) -> None:
        # Karbor deletes a folder together with the last object in the folder.
        # So a folder inside the bank may disappear during this check.
        if not isinstance(error, FileNotFoundError) or error.filename == path:
            raise error

    try:
        # Karbor's plugin ignores a folder that cannot be listed. If a folder
        # cannot be entered, Karbor's plugin treats its files as absent. So
        # this check has to find all such folders.
        for folder, _, names in os.walk(path, onerror=fail):
            for name in names:
                _check_file(os.path.join(folder, name))
    except OSError as error:
        raise (AbsentBank if error.errno == errno.ENOENT else errors.Rejected)(
            'its directory cannot be read: %s. Check that it is mounted, '
            'that file_system_bank_path and bank_object_container are right, '
            'and run the command as Karbor\'s user' % error) from error


def _check_file(path: str) -> None:
    try:
        os.stat(path)
    except FileNotFoundError:
        return
    if not os.access(path, os.R_OK):
        raise PermissionError(13, 'Permission denied', path)


def _check_container(config: cfg.ConfigOpts) -> None:
    _register(config, 'swift_bank_plugin',
              swift_bank_plugin.swift_bank_plugin_opts
              + swift_bank_plugin.lease_opt)
    container = config.swift_bank_plugin.bank_swift_object_container
    try:
        client_factory.ClientFactory.create_client(
            'swift', None, config).head_container(container)
    except Exception as error:
        # The exception may be one of Swift's client, Keystone's or Karbor's.
        _fail('container', container, 'bank_swift_object_container',
              getattr(error, 'http_status', None) == 404, error)


def _check_bucket(config: cfg.ConfigOpts) -> None:
    _register(config, 's3_bank_plugin',
              s3_bank_plugin.s3_bank_plugin_opts + s3_bank_plugin.lease_opt)
    bucket = config.s3_bank_plugin.bank_s3_object_bucket
    try:
        client_factory.ClientFactory.create_client(
            's3', None, config).head_bucket(Bucket=bucket)
    except Exception as error:
        # The exception may be one of boto's client or of Karbor.
        response: Any = getattr(error, 'response', None) or {}
        _fail('bucket', bucket, 'bank_s3_object_bucket',
              response.get('Error', {}).get('Code') in ('404', 'NoSuchBucket'),
              error)


def _fail(kind: str, name: Optional[str], option: str, is_absent: bool,
          error: Exception) -> None:
    raise (AbsentBank if is_absent else UnreadableBank)(
        ('its %s "%s" does not exist. Check %s in the provider file'
         % (kind, name, option)) if is_absent else
        ('its %s "%s" cannot be read: %s' % (kind, name, error))) from error
