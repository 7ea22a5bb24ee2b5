# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Restore: a new instance, made from the backup of a checkpoint."""

from typing import Any, Dict, List, Mapping, Tuple

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.bank import record
from karbor_trove.bank import restore_journal
from karbor_trove import errors
from karbor_trove.operations import base
from karbor_trove.operations import summary
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore as preflight_restore
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client
from karbor_trove.trove import instances
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class RestoreOperation(base.Operation):
    """Makes one database instance anew."""

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_prepare_begin(self, checkpoint: Any, resource: Any, context: Any,
                         parameters: Mapping[str, Any], restore: Any,
                         **kwargs: Any) -> None:
        """Refuse the whole restore where a part of it cannot succeed.

        Siblings do not wait for one another between this hook and the next,
        so each looks at all; in fact the first does, for the others.

        :raises karbor.exception.RestoreResourceFailed: nothing was created;
            the reasons are in the record, a line each.
        """
        try:
            self._settings.check()
            problems = self._outcome.preflight.get(lambda: self._problems(
                checkpoint, resource.type, context, restore.parameters))
            if problems:
                raise errors.Rejected(preflight_problems.refusal_reason(
                    problems, resource.id, 'restore cannot be restored'))
        except (errors.KarborTroveError, exception.KarborException) as error:
            self._outcome.set_status(restore, resource.type, resource.id,
                                     constants.RESOURCE_STATUS_ERROR, str(error))
            raise _failed(resource, error) from error

    def _problems(self, checkpoint: Any, resource_type: str, context: Any,
                  given: Any) -> preflight_problems.Problems:
        given = given or {}
        problems: preflight_problems.Problems = {}
        asked: List[Tuple[models.InstanceRequest, record.BackupRecord]] = []
        instance_ids = base.list_instance_ids(checkpoint, resource_type)
        strange = parsing.unknown_resources(given, resource_type, instance_ids)
        for instance_id in instance_ids:
            found = ['parameters are given for %s, which is not in this '
                     'checkpoint' % other for other in strange]
            section = checkpoint.get_resource_bank_section(instance_id)
            own = '%s#%s' % (resource_type, instance_id)
            try:
                kept = record.read_backup(section, instance_id)
                asked.append(
                    (parsing.parse_restore(
                        dict(
                            given.get(resource_type) or {},
                            **given.get(own) or {}),
                        kept.instance,
                        kept.backup_id,
                        checkpoint.id),
                        kept))
            except errors.Rejected as error:
                found += str(error).split('\n')
            if found:
                problems[instance_id] = found
        if problems:
            return problems
        gateway = self._connect(context)
        catalog = trove_catalog.Catalog(gateway, context.project_id)

        def look() -> preflight_problems.Problems:
            backups = gateway.list_backups()
            return preflight_restore.check_restore(
                [preflight_restore.RestoreCandidate(request, backups, kept.backup_size)
                 for request, kept in asked], catalog)

        problems = self._wait(
            look,
            timeouts.PREFLIGHT_RESTORE,
            'what the restore needs could not be found out')
        if catalog.get_quotas() is None:
            self._outcome.unchecked.append(
                'quotas were not checked before: Trove does not tell them')
        return problems

    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], restore: Any,
                new_resources: Dict[str, str], **kwargs: Any) -> None:
        """Create the instance and wait until its database is up.

        :param restore: Karbor's record; it names the new instance as soon as
            there is one, and the original one where none came to be.
        :param new_resources: gets the new instance's id under the original's.
        :raises karbor.exception.RestoreResourceFailed: no running database
            came of it; the reason is in the record.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        # What the record speaks of: the original, until there is a new one.
        concerned = resource.id

        def tell(status: str, reason: str) -> None:
            self._outcome.set_status(restore, resource.type, concerned, status,
                                     reason)

        try:
            self._settings.check()
            kept = record.read_backup(section, resource.id)
            request = parsing.parse_restore(
                parameters, kept.instance, kept.backup_id, checkpoint.id)
            description = parsing.restore_description(parameters)
            gateway = self._connect(context)
            began = self._clock.now()
            intent = restore_journal.RestoreIntent(
                section.bank, request.original_id, restore.id,
                context.project_id)
            made = instances.create_instance(
                gateway, intent, request,
                polling.Poller(self._settings.poll_interval, self._clock))
            concerned = made.id
            tell(constants.RESOURCE_STATUS_RESTORING, description)
            intent.delete()
            LOG.info('Instance %s begun from backup %s of instance %s, '
                     'checkpoint %s', made.id, request.backup_id, resource.id,
                     checkpoint.id)
            restored = self._up(gateway, made.id)
        except (errors.KarborTroveError, exception.KarborException) as error:
            LOG.error('Restoring instance %s from checkpoint %s failed: %s',
                      resource.id, checkpoint.id, error)
            tell(constants.RESOURCE_STATUS_ERROR, str(error))
            raise _failed(resource, error) from error
        new_resources[str(resource.id)] = str(made.id)
        tell(constants.RESOURCE_STATUS_AVAILABLE, summary.restore_summary(
            restored, self._clock.now() - began, request, kept.instance,
            description, self._outcome.unchecked))
        LOG.info('Instance %s is up, restored from instance %s', made.id,
                 resource.id)

    def _up(self, gateway: client.TroveClient,
            instance_id: str) -> models.Instance:
        """Wait for the database; what does not come up is told as left."""
        try:
            up: models.Instance = self._wait(
                lambda: instances.get_ready_instance(gateway, instance_id),
                self._settings.restore_timeout,
                'the database of the restored instance %s is not up'
                % instance_id)
            return up
        except errors.NotFound:
            raise
        except errors.ResourceFailed as error:
            raise errors.ResourceFailed('%s\n%s' % (
                error, self._left(gateway, instance_id))) from error
        except errors.KarborTroveError as error:
            raise type(error)(
                '%s\ninstance %s is kept until you delete it: its database '
                'may still come up' % (error, instance_id)) from error

    def _left(self, gateway: client.TroveClient, instance_id: str) -> str:
        """Tell what becomes of an instance that Trove has given up."""
        if self._settings.keep_failed_restores:
            return ('instance %s is kept, for a look at it, until you delete '
                    'it' % instance_id)
        try:
            instances.delete_instance(
                gateway,
                instance_id,
                self._settings.delete_timeout,
                polling.Poller(self._settings.poll_interval, self._clock))
        except errors.KarborTroveError as error:
            return ('instance %s could not be deleted, and is left to you: %s'
                    % (instance_id, error))
        return 'instance %s was deleted' % instance_id


def _failed(resource: Any, error: Exception) -> Exception:
    failure: Exception = exception.RestoreResourceFailed(
        name='Database Instance', reason=str(error),
        resource_id=resource.id, resource_type=resource.type)
    return failure
