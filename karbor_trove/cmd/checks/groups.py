# SPDX-License-Identifier: Apache-2.0

"""Check of the groups, options and values of provider files."""

import re
from typing import Collection, Dict, Iterator, List, Optional, Set, Tuple

from oslo_config import cfg
from oslo_config import types

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd import provider_options
from karbor_trove import options

Finding = findings.Finding
Kind = findings.Kind

#: An operator who has set such an option may not want its default.
_WITHOUT_DEFAULT = (types.Boolean, types.List)
_SECRET = re.compile('key|pass|secret|token', re.IGNORECASE)
#: What a wrong value causes, by the name of the option's group. In any other
#: group, a wrong value makes a plugin of Karbor fail.
_EFFECTS = {
    'provider': 'karbor-protection does not start with this value.',
    options.GROUP: 'Every checkpoint, restore and verification of the '
                   'provider fails.',
    options.PASSTHROUGH_GROUP: 'Every checkpoint with a resource of the '
                               'passthrough plugin is refused.'}


def check(file: provider_file.ProviderFile,
          plugin_names_by_group: Dict[str, Set[str]]) -> Iterator[Finding]:
    """Yield what is wrong with the groups, options and values of a file.

    :param file: the provider file.
    :param plugin_names_by_group: for each group, the names of the plugins that
        read it. If the file has a group, but names none of the plugins that
        read the group, a finding says that the group has no effect, and names
        these plugins.
    """
    active, are_all_known = _read_active_groups(file)
    names = {name.lower(): name for name in active}
    for group, line in file.config.groups.items():
        if not file.config.list(group):
            continue
        name = names.get(group.lower())
        if name is not None:
            yield from _check_options(file, group, active[name], active)
        elif group.lower() in plugin_names_by_group:
            # If a line "plugin" or "bank" is wrong, the right line may name
            # the plugin of this group.
            if file.is_loadable() and file.plugin_lines and len(
                    file.config.list('provider', 'bank')) == 1:
                yield Finding(
                    Kind.GROUP_WITHOUT_EFFECT, 'The options of [%s] have no '
                    'effect, because the file does not name their plugin: '
                    '%s. Delete the group with its options, or name the '
                    'plugin.' % (group, ' or '.join(
                        sorted(plugin_names_by_group[group.lower()]))),
                    file.config.at(line))
        else:
            yield from _check_unknown_group(file, group, line, active,
                                            are_all_known,
                                            plugin_names_by_group)
    for name, opts in active.items():
        yield from _check_values(file, name, opts)


def check_karbor_conf(file: config_file.ConfigFile,
                      all_plugins: plugins.Plugins) -> Iterator[Finding]:
    """Yield the groups in karbor.conf that belong in provider files.

    The options of such a group have no effect in karbor.conf. A group of a
    client, such as "swift_client", may be in both kinds of files, and is not
    yielded.

    :param file: karbor.conf, or another file of Karbor's own configuration.
    :param all_plugins: the plugins whose groups belong in provider files.
    """
    # Karbor's own code reads the groups of clients as well. So these groups
    # may be in both kinds of files.
    of_providers = {group for group in (*provider_options.PROVIDER,
                                        *all_plugins.list_groups())
                    if not group.endswith('_client')}
    for group, line in file.groups.items():
        if group.lower() in of_providers and file.list(group):
            yield Finding(
                Kind.GROUP_MISPLACED, 'The options of [%s] have no effect in '
                'this file. Move the group with its options into the '
                'provider files.' % group, file.at(line))


def _read_active_groups(file: provider_file.ProviderFile
                        ) -> Tuple[provider_options.Groups, bool]:
    """Return all options that have an effect in a provider file, by group.

    These are the options of the provider itself, of its protection plugins and
    of its bank plugin. A plugin that cannot be loaded or created is left out,
    and so is a bank plugin of another package.

    :returns: the options, and whether no plugin is left out.
    """
    active = dict(provider_options.PROVIDER)
    of_bank = plugins.get_bank_groups(file.get_bank_class() or object)
    are_all_known = file.is_loadable() and bool(of_bank)
    for lines in file.select_plugins().values():
        for line in lines:
            try:
                active.update(plugins.read_groups(line.plugin_class))
            except Exception:  # The check of the file reports this.
                are_all_known = False
    active.update(of_bank)
    return active, are_all_known


def _check_unknown_group(file: provider_file.ProviderFile, group: str,
                         line: int, active: Collection[str],
                         are_all_known: bool,
                         plugin_names_by_group: Collection[str]
                         ) -> Iterator[Finding]:
    near = findings.suggest(group, active) or findings.suggest(
        group, plugin_names_by_group)
    if group == 'DEFAULT' or group in cfg.CONF:
        reason, near = 'It belongs in karbor.conf', None
    elif near is None and not are_all_known:
        # It may be a group of a plugin whose groups are not known.
        return
    else:
        reason = 'There is no such group'
    yield Finding(
        Kind.GROUP_UNKNOWN, 'The options of [%s] have no effect. %s. The '
        'groups of this provider are: %s.'
        % (group, reason, ', '.join(sorted(active))),
        file.config.at(line), '[%s]' % near if near else None)


def _check_options(file: provider_file.ProviderFile, group: str,
                   opts: List[cfg.Opt], active: provider_options.Groups
                   ) -> Iterator[Finding]:
    """Yield the options of a group that are unknown, misplaced or repeated.

    An option is misplaced if it belongs in another group of the file.

    :param group: the name of the group in the file.
    :param opts: the options that belong in the group.
    :param active: all options that have an effect in the file, by group.
    """
    known = {opt.dest: opt for opt in opts}
    single: Dict[str, config_file.Assignment] = {}
    repeated: Set[str] = set()
    for assignment in file.config.list(group):
        option = assignment.option
        place = file.config.at(assignment.line)
        if option in known:
            is_list = getattr(known[option], 'multi', False)
            # The check of the file reports this option.
            is_bank = (group.lower(), option) == ('provider', 'bank')
            if option in single and not is_list and not is_bank and (
                    option not in repeated):
                repeated.add(option)
                yield Finding(
                    Kind.OPTION_REPEATED, 'The option %s is set more than '
                    'once, and the last line holds. Delete this line.'
                    % option, file.config.at(single[option].line), '')
            single[option] = assignment
            continue
        homes = [name for name, others in active.items()
                 if option in {opt.dest for opt in others}]
        if homes:
            yield Finding(
                Kind.OPTION_MISPLACED, 'The option %s has no effect in [%s]. '
                'Move it to [%s].' % (option, group, homes[0]), place,
                '[%s]\n%s' % (homes[0], _build_line(assignment, option)))
            continue
        yield Finding(
            Kind.OPTION_UNKNOWN, 'The option %s has no effect, because [%s] '
            'has no such option. Its options are: %s.'
            % (option, group, ', '.join(sorted(known))), place,
            _correct_option(assignment, known, active))


def _correct_option(assignment: config_file.Assignment,
                    known: Collection[str], active: provider_options.Groups
                    ) -> str:
    """Return the line that can replace a line with an unknown option.

    The new line has the known option with the most similar name, and the value
    of the old line. If the known option belongs in another group, a line with
    the name of this group comes first.

    :param assignment: the line with the unknown option.
    :param known: the options of the group of this line. These options have
        precedence over the options of other groups.
    :param active: all options that have an effect in the file, by group.
    :returns: one or two lines. Empty if no known option has a similar name.
    """
    near = findings.suggest(assignment.option, known)
    if near:
        return _build_line(assignment, near)
    for group, opts in active.items():
        near = findings.suggest(assignment.option, [opt.dest for opt in opts])
        if near:
            return '[%s]\n%s' % (group, _build_line(assignment, near))
    return ''


def _build_line(assignment: config_file.Assignment, option: str) -> str:
    """Return a line "option = value" with the value of another line.

    If the old or the new name of the option looks like that of a secret, such
    as "swift_key", the new line has "..." instead of the value.

    :param assignment: the other line, which has the value and the old name.
    :param option: the name of the option in the new line.
    """
    return '%s = %s' % (option, '...' if _SECRET.search(option)
                        or _SECRET.search(assignment.option)
                        else assignment.value)


def _check_values(file: provider_file.ProviderFile, group: str,
                  opts: List[cfg.Opt]) -> Iterator[Finding]:
    for opt in opts:
        for assignment in file.config.list(group, opt.dest):
            # oslo.config replaces a "$name" before it parses the value. So
            # this value is not checked.
            if '$' in assignment.value:
                continue
            allowed = options.find_violation(group, opt, assignment.value)
            if allowed is None:
                continue
            value = _strip_comment(opt, assignment.value)
            yield Finding(
                Kind.VALUE_NOT_ALLOWED, 'The value %sof %s is not allowed. '
                'Allowed: %s. %s%s' % (
                    '' if opt.secret or _SECRET.search(opt.dest)
                    else '"%s" ' % assignment.value, opt.dest, allowed,
                    _EFFECTS.get(group, 'Its plugin fails with this value.'),
                    ' A comment needs a line of its own.'
                    if value != assignment.value else ''),
                file.config.at(assignment.line),
                _build_correction(group, opt, value))


def _strip_comment(opt: cfg.Opt, text: str) -> str:
    """Return the part of a value before a comment, such as "5" in "5 # days".

    A value that is only a comment is returned as it is. In a list, a semicolon
    does not begin a comment, because it may be meant to separate two items.
    """
    marks = '#' if isinstance(opt.type, types.List) else '#;'
    return re.split(r'\s+[%s]' % marks, text, maxsplit=1)[0] or text


def _build_correction(group: str, opt: cfg.Opt, value: str) -> Optional[str]:
    """Return the line that can replace the line of a wrong value.

    :param value: the wrong value, without a comment.
    :returns: the line. Empty if the line has to be deleted. None if only the
        operator knows the right value.
    """
    correct = _choose_value(group, opt, value)
    if correct is not None:
        return '%s = %s' % (opt.dest, correct)
    return None if isinstance(opt.type, _WITHOUT_DEFAULT) else ''


def _choose_value(group: str, opt: cfg.Opt, value: str) -> Optional[str]:
    """Return an allowed value that can replace a wrong value of an option.

    The result is the first of these values that exists:

    * the value itself, if only its comment was wrong.
    * a choice of the option, or a word for true or false, that is similar to
      the wrong value. In a list, this is done for each wrong item.
    * the minimum of the option, if the wrong value is below the minimum.
    * the default of the option, unless the option is a list, or true or false.

    :param value: the wrong value, without a comment.
    :returns: the allowed value. None if none of these values exists.
    """
    if options.find_violation(group, opt, value) is None:
        return value
    choices = getattr(opt.type, 'choices', None)
    if isinstance(opt.type, types.Boolean):
        choices = [*opt.type.TRUE_VALUES, *opt.type.FALSE_VALUES]
    if isinstance(opt.type, types.List):
        # Some operators separate the items with semicolons or spaces.
        items = [_choose_item(opt.type.item_type, item)
                 for item in re.findall(r'[^,;\s]+', value)]
        return ','.join(filter(None, items)) if all(items) else None
    if choices:
        near = findings.suggest(value, [str(choice) for choice in choices])
        if near:
            return near
    minimum = getattr(opt.type, 'min', None)
    if minimum is not None:
        try:
            if float(value) < minimum:
                return '%g' % minimum
        except ValueError:
            pass
    if opt.default is None or isinstance(opt.type, _WITHOUT_DEFAULT):
        return None
    return str(opt.default)


def _choose_item(item_type: types.ConfigType, item: str) -> Optional[str]:
    """Return the choice that is equal or most similar to an item of a list."""
    choices = list(map(str, getattr(item_type, 'choices', None) or ()))
    return item if item in choices else findings.suggest(item, choices)
