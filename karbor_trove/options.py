# SPDX-License-Identifier: Apache-2.0

"""Options of the provider file."""

import dataclasses
import os
import ssl
from typing import Any, Dict, List, Optional, Sequence, Tuple
from urllib import parse

from oslo_config import cfg
from oslo_config import types

from karbor_trove import errors
from karbor_trove.parameters import fields
from karbor_trove.trove import models

GROUP = 'trove_protection_plugin'
PASSTHROUGH_GROUP = 'trove_passthrough_plugin'


def _parse_ca_cert_file(path: str) -> str:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if os.path.isdir(path):
            os.listdir(path)
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        raise ValueError(str(error)) from error
    return path


def _parse_endpoint(url: str) -> str:
    example = str(models.SwiftOptions(
        endpoint_override=url).get_endpoint('0'))
    parts = parse.urlsplit(example)
    if (parts.scheme not in ('http', 'https') or not parts.hostname
            or parts.port == 0 or parts.query or parts.fragment
            or set('%$() \t\n') & set(example)):
        raise ValueError
    return url


# oslo.config cannot check these values, so a parameter field checks them.
_FIELDS = {'verify_flavor_id': fields.TEXT, 'verify_net_id': fields.ID,
           'verify_volume_type': fields.TEXT,
           'verify_availability_zone': fields.TEXT,
           'swift_region_name': fields.TEXT,
           'swift_ca_cert_file': fields.Field(
               _parse_ca_cert_file, 'a file of CA certificates in PEM format '
               'that Karbor can read, or a directory of them'),
           'swift_endpoint_override': fields.Field(
               _parse_endpoint, 'a URL that begins with http:// or https://, '
               'without a query, for example '
               'https://swift.example.org/v1/AUTH_%(project_id)s')}
OPTIONS: List[cfg.Opt] = [
    cfg.FloatOpt('poll_interval', default=5.0, min=0.1,
                 help='Longest pause in seconds between two status checks of '
                      'database instances or backups in the first ten minutes '
                      'of a wait. The first pause is one second. Later pauses '
                      'are a tenth of the time since the start of the wait. '
                      'After ten minutes they are a 120th of this time, at '
                      'least poll_interval and at most 60 seconds.'),
    cfg.IntOpt('max_concurrent_requests', default=8, min=1,
               help='The maximum number of requests for backups or database '
                    'instances that one operation sends to Trove at the same '
                    'time. Further requests of the operation wait and are '
                    'sent in the order of their arrival.'),
    cfg.FloatOpt('ready_timeout', default=3600.0, min=0.1,
                 help='Seconds that a protect operation waits for a busy '
                      'database instance, for example one that is rebooting, '
                      'being resized or being backed up by another user. The '
                      'checkpoint fails after that time. This time also '
                      'limits the checks of a verification at levels backup '
                      'and data.'),
    cfg.StrOpt('unprotectable_databases', default='refuse',
               choices=[
                   ('refuse', 'No database of the checkpoint is backed up. '
                    'The checkpoint fails and names all problems.'),
                   ('skip', 'These databases are left out, and the others '
                    'are backed up. The checkpoint becomes available. It '
                    'fails only if it would leave out all databases.')],
               help='What a protect operation does if some databases cannot '
                    'be backed up: the instance has the status ERROR or '
                    'FAILED, has lost its server, is a member of a cluster, '
                    'was deleted, or has a datastore without backups. An '
                    'outage of Trove or a quota that is too small fails the '
                    'checkpoint with both values of this option. If a '
                    'checkpoint leaves out a database, the last complete '
                    'backup of this database stays until a later checkpoint '
                    'has a complete backup of it. The last backup stays even '
                    'if the checkpoint of this backup is deleted.'),
    cfg.FloatOpt('backup_timeout', default=86400.0, min=0.1,
                 help='Seconds that a backup may take. The checkpoint fails '
                      'after that time.'),
    cfg.FloatOpt('restore_timeout', default=86400.0, min=0.1,
                 help='Seconds from the request of a restored database '
                      'instance until its database is up. The restore, or the '
                      'verification, fails after that time.'),
    cfg.BoolOpt('keep_failed_restores', default=True,
                help='Whether to keep a restored database instance that ends '
                     'with the status ERROR, so that the user can inspect it. '
                     'If False, it is deleted within delete_timeout. The '
                     'reason of the restore says whether it was kept or '
                     'deleted. An instance whose database is not up within '
                     'restore_timeout is always kept if it does not have the '
                     'status ERROR.'),
    cfg.FloatOpt('delete_timeout', default=3600.0, min=0.1,
                 help='Seconds that the deletion of a backup, or of the '
                      'temporary instance of a verification, may take. After '
                      'that time the deletion of a backup is deferred.'),
    cfg.IntOpt('full_backup_every', default=7, min=1,
               help='The maximum number of backups in a chain of incremental '
                    'backups, the full backup included. With 1 every backup '
                    'is a full backup. A restore needs its backup and all '
                    'earlier backups of the chain. So a backup stays until '
                    'all later backups of the chain are deleted.'),
    cfg.StrOpt('storage_driver',
               help='The storage driver with which Trove stores the backups. '
                    'Trove accepts any name, but never completes a backup '
                    'with an unknown storage driver. So set only a storage '
                    'driver that the cloud has. This option needs Trove '
                    '2025.1 (23.0.0) or newer. If not set, Trove uses its own '
                    'default.'),
    cfg.StrOpt('swift_container',
               help='The Swift container for the backups, in the project of '
                    'the instance. This option needs Trove Victoria (14.0.0) '
                    'or newer. If not set, Trove uses its own default.'),
    cfg.StrOpt('swift_region_name',
               help='The region of the Swift that holds the backups, as in '
                    'Keystone\'s catalog. If not set, the region is region_id '
                    'of [trove_client] in karbor.conf, or the only region '
                    'that has Swift.'),
    cfg.StrOpt('swift_interface',
               choices=['public', 'internal', 'admin'],
               help='The interface of the endpoint of Swift in Keystone\'s '
                    'catalog. If not set, the interface of karbor.conf is '
                    'preferred, then public. In karbor.conf, '
                    'swift_catalog_info of [swift_client], trove_catalog_info '
                    'of [trove_client] and interface of [trove_client] set '
                    'this interface. The first of them that is not public is '
                    'used.'),
    cfg.StrOpt('swift_ca_cert_file',
               help='The file of CA certificates in PEM format with which the '
                    'certificate of Swift is verified. If not set, '
                    'swift_auth_insecure and swift_ca_cert_file of the '
                    'section [swift_client] apply. Those of the provider file '
                    'come first, then those of karbor.conf. If none of them '
                    'is set, trove_auth_insecure and trove_ca_cert_file of '
                    '[trove_client] in karbor.conf apply.'),
    cfg.StrOpt('swift_endpoint_override',
               help='The URL of Swift, for example '
                    'https://swift.example.org/v1/AUTH_%(project_id)s. It is '
                    'used instead of the endpoint in Keystone\'s catalog. '
                    'swift_region_name and swift_interface then have no '
                    'effect. If the catalog has Swift, the project\'s account '
                    'in the catalog replaces the account in this URL.'),
    cfg.StrOpt('verify_level', default='backup',
               choices=[
                   ('backup', 'All backups of the chain exist and are '
                    'complete, and the datastore version of the original '
                    'instance is active.'),
                   ('data', 'In addition, the objects of these backups in '
                    'Swift are unchanged. No object is downloaded.'),
                   ('restore', 'In addition, a temporary database instance is '
                    'restored from the backup, with its databases and users, '
                    'and deleted afterwards.')],
               help='How much a verification checks. A verification compares '
                    'a backup with what the protect operation recorded. The '
                    'protect operation records it only if this option has the '
                    'same level or a higher one at that time.'),
    cfg.StrOpt('verify_flavor_id',
               help='The id of the flavor of the temporary instance of a '
                    'verification at level restore. If not set, the flavor of '
                    'the original instance is used.'),
    cfg.StrOpt('verify_net_id',
               help='The id of the network of the temporary instance of a '
                    'verification at level restore. The user has to be '
                    'allowed to use it. If not set, the network of the '
                    'original instance is used.'),
    cfg.StrOpt('verify_volume_type',
               help='The volume type of the temporary instance of a '
                    'verification at level restore. Trove does not return the '
                    'volume type of the original instance. Set it if Trove '
                    'requires a volume type, as for a datastore version that '
                    'is bound to volume types. If not set, the cloud uses its '
                    'default.'),
    cfg.StrOpt('verify_availability_zone',
               help='The availability zone of the temporary instance of a '
                    'verification at level restore. Trove does not return the '
                    'zone of the original instance. If not set, the cloud '
                    'uses its default.'),
    cfg.IntOpt('verify_max_volumes', min=1,
               help='The maximum size in GB of the volumes of all temporary '
                    'instances of one verification together. A verification '
                    'that needs more fails before anything is created. If not '
                    'set, only the quotas of the project limit it.'),
]
#: All resource types that Karbor knows, except that of database instances
#: [RESOURCE_TYPES in common/constants.py, 1.6.0].
PASSTHROUGH_TYPES = [
    'OS::Keystone::Project', 'OS::Nova::Server', 'OS::Cinder::Volume',
    'OS::Glance::Image', 'OS::Manila::Share', 'OS::Neutron::Network',
    'OS::Kubernetes::Pod']
PASSTHROUGH_OPTIONS: List[cfg.Opt] = [
    cfg.ListOpt('types', default=PASSTHROUGH_TYPES,
                item_type=types.String(choices=PASSTHROUGH_TYPES),
                help='The resource types that may stay unprotected, '
                     'separated by commas. A checkpoint with a resource of '
                     'another type is refused, unless a later line "plugin" '
                     'of the provider file names a plugin for this type. By '
                     'default, all types except OS::Trove::Instance may stay '
                     'unprotected.'),
]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The values of the options in one provider file.

    OPTIONS describes each option with its unit and its limits.
    """

    poll_interval: float
    ready_timeout: float
    backup_timeout: float
    restore_timeout: float
    delete_timeout: float
    full_backup_every: int
    max_concurrent_requests: int = 8
    unprotectable_databases: str = 'refuse'
    keep_failed_restores: bool = True
    storage_driver: Optional[str] = None
    swift_container: Optional[str] = None
    verify_level: str = 'backup'
    verify_flavor_id: Optional[str] = None
    verify_net_id: Optional[str] = None
    verify_volume_type: Optional[str] = None
    verify_availability_zone: Optional[str] = None
    verify_max_volumes: Optional[int] = None
    #: The options that begin with swift_, except for swift_container.
    swift: models.SwiftOptions = models.SwiftOptions()
    #: What is wrong with the provider file. None if all values are allowed.
    problem: Optional[str] = None

    @property
    def skips_unprotectable(self) -> bool:
        """Return True if the option `unprotectable_databases` is `skip`.

        In that case a checkpoint leaves out the instances that cannot be
        backed up. Otherwise one such instance fails the whole checkpoint.
        """
        return self.unprotectable_databases == 'skip'

    def check(self) -> None:
        """Check that the provider file has only allowed values.

        :raises errors.Rejected: a value is not allowed. The message names each
            wrong option and its allowed values.
        """
        if self.problem:
            raise errors.Rejected(self.problem)


def register(conf: cfg.ConfigOpts) -> Settings:
    """Register the options of the provider file, and return their values.

    A wrong value raises no error here, and is replaced by the default of its
    option. Settings.check() raises the error later. All operations except
    delete call Settings.check(), so they do not run with a wrong value.

    If this function raised an error, the checkpoint would keep or get a wrong
    status. A new checkpoint would stay `protecting` for ever. A checkpoint
    that is being deleted would become `error-deleting`
    [provider.load_plugins() in flows/protect.py, 1.6.0].

    :param conf: the configuration of one provider file, not karbor.conf. The
        options may be registered already.
    """
    problems = register_and_check_group(conf, GROUP, OPTIONS)
    values: Dict[str, Any] = {}
    for option in OPTIONS:
        try:
            values[option.dest] = conf[GROUP][option.dest]
        except cfg.ConfigFileValueError:
            values[option.dest] = option.default
    for name, field in _FIELDS.items():
        try:
            fields.parse_fields(values, {name: field})
        except errors.Rejected as error:
            values[name] = None
            problems.append(str(error))
    swift = models.SwiftOptions(conf=conf, **{
        name: values.pop('swift_' + name) or None for name in (
            'region_name', 'interface', 'ca_cert_file', 'endpoint_override')})
    return Settings(
        problem=_describe_problems(conf, problems) if problems else None,
        swift=swift, **values)


def read_passthrough_types(conf: cfg.ConfigOpts) -> List[str]:
    """Return the resource types that may stay unprotected.

    The types are the value of the option `types` of the passthrough plugin.

    :param conf: the configuration of one provider file.
    :raises errors.Rejected: the option lists a type that is not allowed. The
        message names the value and the allowed types.
    """
    problems = register_and_check_group(conf, PASSTHROUGH_GROUP,
                                        PASSTHROUGH_OPTIONS)
    if problems:
        raise errors.Rejected(_describe_problems(conf, problems))
    return list(conf[PASSTHROUGH_GROUP].types)


def _describe_problems(conf: cfg.ConfigOpts, problems: List[str]) -> str:
    return 'the provider file %s is wrong: %s' % (
        ', '.join(conf.config_file), '; '.join(problems))


def register_and_check_group(conf: cfg.ConfigOpts, group: str,
                             opts: Sequence[cfg.Opt]) -> List[str]:
    """Register the options of a group, and describe the wrong values.

    :param conf: the configuration of one provider file.
    :param group: the section of the provider file with the options.
    :returns: one clause for each value that is not allowed. For example
        "full_backup_every '0' is not allowed: an integer greater than or equal
        to 1".
    """
    conf.register_opts(opts, group=group)
    problems = []
    for option in opts:
        try:
            conf[group][option.dest]
        except cfg.ConfigFileValueError:
            # The error names the value only if the value cannot be parsed. So
            # read the value once more, as a string.
            texts = cfg.ConfigOpts()
            texts(args=['--config-file=%s' % path
                        for path in conf.config_file])
            texts.register_opt(cfg.StrOpt(option.dest), group)
            problems.append('%s %r is not allowed: %s' % (
                option.name, texts[group][option.dest],
                _describe_allowed(option)))
    return problems


def find_violation(group: str, option: cfg.Opt, value: str) -> Optional[str]:
    """Return the allowed values of an option if `value` is not allowed.

    :param group: the section of the option in the provider file. The section
        may belong to another plugin.
    :param value: the text in the provider file.
    :returns: the allowed values in words, such as "true or false". None if
        `value` is allowed.
    """
    try:
        option.type(value)
    except ValueError:
        return _describe_allowed(option)
    field = _FIELDS.get(option.dest) if group == GROUP else None
    return field.allowed if (
        field and value and field.parse(value) is None) else None


def _describe_allowed(option: cfg.Opt) -> str:
    if isinstance(option.type, types.Boolean):
        return 'true or false'
    if isinstance(option.type, types.List):
        return 'one or more of %s, separated by commas' % ', '.join(
            getattr(option.type.item_type, 'choices', ()))
    choices = getattr(option.type, 'choices', None)
    if choices:
        return 'one of %s' % ', '.join(choices)
    minimum = getattr(option.type, 'min', None)
    return {'integer value': 'an integer',
            'floating point value': 'a number'}.get(
                str(option.type.type_name), str(option.type.type_name)) + (
        '' if minimum is None else ' greater than or equal to %g' % minimum)


def list_opts() -> List[Tuple[str, List[cfg.Opt]]]:
    """Return the options of the protection plugin and the passthrough plugin.

    The sample generator of oslo.config calls this function.

    :returns: for each plugin, its section of the provider file and its
        options.
    """
    return [(GROUP, OPTIONS), (PASSTHROUGH_GROUP, PASSTHROUGH_OPTIONS)]
