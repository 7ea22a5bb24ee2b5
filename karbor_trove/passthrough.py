# SPDX-License-Identifier: Apache-2.0

"""Protection plugin for resource types that stay unprotected."""

from typing import Any, Dict, List

from karbor import exception
from karbor.services.protection import protection_plugin
from karbor.services.protection import provider
from karbor import utils
from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import options

LOG = logging.getLogger(__name__)


class PassthroughPlugin(protection_plugin.ProtectionPlugin):
    """Leaves resources unprotected.

    Its operations do nothing, but the protect operation can refuse a resource.

    Karbor needs a plugin for the project of a plan and for every resource of
    the plan. Without such a plugin, the checkpoint stays `protecting` for ever
    [build_resource_flow() in flows/protect.py, 1.6.0].

    Karbor's noop plugin cannot replace this plugin. The noop plugin has no
    verify and no copy operation. The schemas of the noop plugin lack
    "properties". So Karbor refuses the restore parameters that the dashboard
    sends for a resource of the noop plugin [validate_restore_parameters() in
    protection/manager.py, 1.6.0].
    """

    @classmethod
    def get_supported_resources_types(cls) -> List[str]:
        """Return all resource types except that of database instances.

        The option `types` says which of these types may stay unprotected. But
        Karbor calls this method without the provider file, so the method
        cannot read the option. The protect operation reads the option later,
        and refuses the resources of all other types.
        """
        return list(options.PASSTHROUGH_TYPES)

    @classmethod
    def get_options_schema(cls, resource_type: str) -> Dict[str, Any]:
        """Return a schema without parameters.

        Its title states that the resource itself is not protected. The command
        `provider show` shows the title. The dashboard shows the title above
        the parameters of a resource.
        """
        return {'title': '%s itself is NOT protected' % resource_type,
                'type': 'object', 'properties': {}}

    get_restore_schema = get_options_schema
    get_verify_schema = get_options_schema
    get_saved_info_schema = get_options_schema

    def get_protect_operation(self, resource: karbor_types.Resource
                              ) -> 'PassthroughProtectOperation':
        """Return the operation that leaves a resource unprotected.

        If the provider file does not allow that, the operation refuses the
        resource.
        """
        return PassthroughProtectOperation(self._config)

    def get_restore_operation(self, resource: karbor_types.Resource
                              ) -> protection_plugin.Operation:
        """Return an operation that does nothing."""
        return protection_plugin.Operation()

    get_verify_operation = get_restore_operation
    get_copy_operation = get_restore_operation
    get_delete_operation = get_restore_operation


class PassthroughProtectOperation(protection_plugin.Operation):
    """Leaves one resource unprotected if the provider file allows that."""

    def __init__(self, config: Any) -> None:
        """Create the operation. The options are read later.

        :param config: the configuration of the provider file.
        """
        super().__init__()
        self._config = config

    # TaskFlow matches the hook's arguments by name. Do not rename them.
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         **kwargs: Any) -> None:
        """Refuse a resource that may not stay unprotected.

        The reason is written to the log and not to the bank. The delete
        operation of this plugin deletes nothing. So a reason in the bank would
        stay there.

        :raises karbor.exception.CreateResourceFailed: the resource is refused.
            The status of the checkpoint becomes `error`.
        """
        try:
            self._check_type(resource.type)
        except errors.Rejected as error:
            LOG.error('%s %s in checkpoint %s is refused: %s', resource.type,
                      resource.id, checkpoint.id, error)
            raise exception.CreateResourceFailed(
                name='Unprotected Resource', reason=str(error),
                resource_id=resource.id, resource_type=resource.type
            ) from error

    def _check_type(self, resource_type: str) -> None:
        """Check that the provider file lets a resource type stay unprotected.

        :raises errors.Rejected: the option `types` lacks the type or has a
            wrong value. Or the provider file also names another plugin for
            this type, in a line before that of the passthrough plugin. Karbor
            would not use the other plugin, because it uses the last plugin of
            a type.
        """
        path = ', '.join(self._config.config_file)
        allowed_types = options.read_passthrough_types(self._config)
        replaced = self._list_replaced_plugins(resource_type)
        if replaced:
            raise errors.Rejected(
                'the provider file %s names %s for %s, and then the '
                'passthrough plugin, which replaces it. Put the line "plugin '
                '= karbor-trove-passthrough-plugin" before the others'
                % (path, ', '.join(replaced), resource_type))
        if resource_type not in allowed_types:
            raise errors.Rejected(
                'the provider file %s has no plugin that protects %s. Name '
                'one, or add the type to types of [%s], which now has: %s' % (
                    path, resource_type, options.PASSTHROUGH_GROUP,
                    ', '.join(allowed_types) or 'no type'))

    def _list_replaced_plugins(self, resource_type: str) -> List[str]:
        """Return the plugins that the passthrough plugin replaces for a type.

        If several plugins of the provider file support a type, Karbor uses the
        last one. So the passthrough plugin replaces the plugins before its
        last line. The resources of the type would stay unprotected by mistake.

        :returns: the names of the replaced plugins in the provider file.
        """
        names: List[str] = []
        replaced: List[str] = []
        for name in self._config.provider.plugin:
            plugin = utils.load_class(provider.PROTECTION_NAMESPACE, name)
            if plugin is PassthroughPlugin:
                replaced = list(names)
            elif resource_type in plugin.get_supported_resources_types():
                names.append(name)
        return replaced
