# SPDX-License-Identifier: Apache-2.0

"""Check of the banks: whether they work, and the number of checkpoints."""

import collections
import contextlib
from typing import Any, Dict, Iterator, Optional, Sequence, Set
import uuid

from karbor.services.protection import bank_plugin

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.cmd import bank_checks
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd import progress
from karbor_trove.cmd import provider_options
from karbor_trove import errors
from karbor_trove import karbor_types

Finding = findings.Finding
Kind = findings.Kind

_PROVIDER_INDEX = '/by-provider/'
_FAILURE = 'The bank of the %s cannot be used: %s'


def check(files: Sequence[provider_file.ProviderFile]) -> Iterator[Finding]:
    """Yield findings about the bank of each provider.

    If a provider is enabled, the check counts the checkpoints in the bank. If
    some of them are of a provider whose id is in no file, a finding says so.
    The check also writes an object to the bank, reads the object and deletes
    the object.

    If a provider is disabled, the check only reads the bank. There is no
    finding, unless the bank fails or still has checkpoints of the provider.

    :param files: the provider files. The bank of a file whose bank plugin
        cannot be loaded is skipped.
    """
    known_ids = {file.id for file in files}
    for file in progress.track(files, 'Checking the banks of providers',
                               is_slow=True):
        plugin_class = file.get_bank_class()
        if plugin_class is None:  # The check of the files reports this.
            continue
        try:
            yield from _check_bank(file, plugin_class, known_ids)
        except bank_checks.AbsentBank as error:
            yield Finding(
                Kind.BANK_ABSENT, 'The bank of the %s does not exist: %s '
                'Karbor creates it empty. This is right only if Karbor has '
                'never used the provider.'
                % (file.name, findings.build_sentence(error)),
                _get_place(file))
        except (bank_checks.UnreadableBank, errors.BankError) as error:
            yield _describe_failed_request(file, error)
        except errors.KarborTroveError as error:
            yield Finding(Kind.BANK_FAILS, _FAILURE % (
                file.name, findings.build_sentence(error)), file.place('bank'))


def _check_bank(file: provider_file.ProviderFile, plugin_class: Any,
                known_ids: Set[str]) -> Iterator[Finding]:
    """Yield findings about the bank of one provider.

    :param known_ids: the ids of the providers that have a file.
    """
    conf = file.read()
    bank_checks.check_exists(plugin_class, conf)
    try:
        bank: karbor_types.Bank = bank_plugin.Bank(plugin_class(conf))
    except Exception as error:  # Each bank plugin raises its own.
        raise errors.BankError(str(error)) from error
    numbers = _count_living(bank)
    living = numbers.get(file.id, 0)
    if not file.is_enabled:
        if living:
            yield Finding(
                Kind.DISABLED_WITH_CHECKPOINTS, 'The %s is not enabled, and '
                'its bank holds checkpoints of it: %d. Users can neither '
                'restore nor delete them.' % (file.name, living),
                file.place('enabled'), file.build_lines('enabled', 'true'))
        return
    problem = _check_writable(bank)
    if problem:
        yield Finding(Kind.BANK_FAILS, _FAILURE % (file.name, problem),
                      file.place('bank'))
        return
    keys = storage.list_keys(bank.get_sub_section(layout.CHECKPOINTS))
    total = len({key.partition('/')[0] for key in keys})
    with_backup = len({key.partition('/')[0] for key in keys
                       if key.endswith('/' + layout.BACKUP_RECORD)})
    if not total:
        yield Finding(
            Kind.BANK_EMPTY, 'The bank of the %s is readable and writable, '
            'and holds no checkpoint. This is right only if Karbor has never '
            'created one with this bank. Otherwise check the mount and the '
            'path, the container or the bucket.' % file.name,
            _get_place(file))
        return
    yield Finding(
        Kind.BANK_WORKS, 'The bank of the %s is readable and writable. '
        'Checkpoints in the bank, deleted ones included: %d. Not deleted and '
        'of this provider: %d. With a backup record: %d.'
        % (file.name, total, living, with_backup), file.place('bank'))
    unknown_ids = sorted(numbers.keys() - known_ids)
    if unknown_ids:
        yield Finding(
            Kind.CHECKPOINTS_OF_UNKNOWN_PROVIDER, 'The bank of the %s holds '
            'checkpoints of providers whose ids are in no readable provider '
            'file: %s. Requests for these providers fail. If the id of a '
            'provider was changed or its file was deleted, write the id or '
            'the file again. Otherwise another installation of Karbor uses '
            'this bank. In that case name another bank.'
            % (file.name, ', '.join(unknown_ids)), file.place('id'))


def _describe_failed_request(file: provider_file.ProviderFile,
                             error: Exception) -> Finding:
    details = _FAILURE % (file.name, findings.build_sentence(error))
    for group in plugins.get_bank_groups(file.get_bank_class()):
        if group.endswith('_client'):
            return Finding(
                Kind.BANK_FAILS, '%s Its URL and its account are in [%s].'
                % (details, group), file.config.place_group(group))
    return Finding(Kind.BANK_FAILS, details, file.place('bank'))


def _get_place(file: provider_file.ProviderFile) -> findings.Place:
    """Return where the directory, the container or the bucket is set.

    If it is not set, the place is the line "bank".
    """
    for group in plugins.get_bank_groups(file.get_bank_class()):
        option = provider_options.BANK_LOCATIONS.get(group)
        if option and file.config.find(group, option):
            return file.config.place(group, option)
    return file.place('bank')


def _count_living(bank: karbor_types.Bank) -> Dict[str, int]:
    """Return the number of checkpoints of each provider in a bank.

    Index files are objects in the bank. Karbor reads the index files to list
    the checkpoints of a provider. Each checkpoint that is not deleted has one
    of these files. The function counts the index files, and reads none of
    them.

    :returns: the numbers by the id of the provider. A provider without such a
        checkpoint is left out.
    :raises errors.BankError: the index files cannot be listed.
    """
    return collections.Counter(
        key.partition('/')[0] for key in storage.list_keys(
            bank.get_sub_section(layout.INDICES + _PROVIDER_INDEX)))


def _check_writable(bank: karbor_types.Bank) -> Optional[str]:
    """Check that the bank stores an object and returns it unchanged.

    The check writes an object with a new name, reads the object and deletes
    the object. If the operator interrupts the command, the object is deleted
    too.

    :returns: a message that says that the bank changed the object. None if the
        bank returned the object unchanged.
    :raises errors.BankError: one of these requests failed.
    """
    section = bank.get_sub_section(layout.STATUS_CHECK)
    key = text = str(uuid.uuid4())
    try:
        storage.write(section, key, text)
        content = storage.read(section, key)
        storage.delete(section, key)
    except BaseException:  # Also an interrupt of the operator.
        with contextlib.suppress(errors.BankError):
            storage.delete(section, key)
        raise
    # Karbor's bank plugin for Swift returns a text as bytes.
    if content in (text, text.encode()):
        return None
    return ('an object that was written to it is not returned as it was '
            'written. Check the storage of the bank.')
