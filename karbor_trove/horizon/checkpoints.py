# SPDX-License-Identifier: Apache-2.0

"""The list of checkpoints, and the form that restores a checkpoint."""

import json
from typing import Any, Dict

from django import http
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from horizon import exceptions
from horizon import messages
from horizon import tables
from karbor_dashboard.api import karbor as api
from karbor_dashboard.checkpoints import forms
from karbor_dashboard.checkpoints import tables as dashboard_tables
from karbor_dashboard.checkpoints import views

from karbor_trove.horizon import parameters

_CREDENTIALS = ('restore_target', 'restore_target_username',
                'restore_target_password')


class RestoreForm(forms.RestoreCheckpointForm):
    """The form that restores a checkpoint.

    Three things differ from the form of karbor-dashboard:

    * A restore with the credentials of the current session works.
    * The form sends only the resource types that have parameters.
    * After a failed submit, the form keeps what the user has typed. Only the
      password is not kept.
    """

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if not self.is_bound or self['use_current_session'].value():
            return
        # The class of the dashboard sets these attributes as in a new form.
        # Without them, the form shows what the user has sent.
        for name in ('use_current_session', *_CREDENTIALS):
            attributes = self.fields[name].widget.attrs
            for attribute in ('checked', 'disabled', 'hidden', 'value'):
                attributes.pop(attribute, None)

    @sensitive_variables('data')
    def handle(self, request: Any, data: Dict[str, Any]) -> Any:
        data = dict(data, parameters=parameters.drop_empty(data['parameters']))
        if not data['use_current_session'] and any(
                data[name] for name in _CREDENTIALS):
            return super().handle(request, data)
        try:
            # Karbor rejects credentials without a user name. If the
            # credentials are null, Karbor uses the token of the request
            # [Karbor 1.6.0].
            restore = api.restore_create(
                request, provider_id=data['provider_id'],
                checkpoint_id=data['checkpoint_id'], restore_target=None,
                parameters=json.loads(data['parameters']), restore_auth=None)
        except Exception:
            exceptions.handle(request, 'Unable to restore checkpoint.')
            return None
        messages.success(request, 'Checkpoint restore initiated')
        return restore


class VerifyAction(tables.Action):
    """The action that starts a verification of an available checkpoint."""

    name = 'verify'
    verbose_name = 'Verify Checkpoint'

    def allowed(self, request: Any, checkpoint: Any) -> bool:
        return bool(checkpoint.status == 'available')

    def single(self, table: Any, request: Any, obj_id: str) -> Any:
        checkpoint = table.get_object_by_id(obj_id)
        try:
            # A verification with parameters fails [Karbor 1.6.0].
            api.karborclient(request).verifications.create(
                checkpoint.provider_id, obj_id, {})
        except Exception:
            exceptions.handle(request, 'Unable to verify checkpoint.')
            return None
        messages.success(request, 'Checkpoint verification initiated')
        return http.HttpResponseRedirect(
            reverse('horizon:karbor:verifications:index'))


class DeleteAction(dashboard_tables.DeleteCheckpointsAction):
    """The action that deletes an available or a failed checkpoint.

    The action of karbor-dashboard deletes only available checkpoints.
    """

    help_text = ('The backups of this checkpoint are deleted. They cannot be '
                 'restored afterwards.')

    def allowed(self, request: Any, checkpoint: Any) -> bool:
        # Karbor deletes checkpoints with these statuses only [1.6.0].
        return checkpoint.status in ('available', 'error')


class CheckpointsTable(dashboard_tables.CheckpointsTable):
    """The list of checkpoints.

    A row has the actions that restore, verify and delete the checkpoint.
    """

    class Meta:
        name = 'checkpoints'
        verbose_name = 'Checkpoints'
        status_columns = ['status']
        row_class = dashboard_tables.UpdateRow
        row_actions = (dashboard_tables.RestoreCheckpointLink, VerifyAction,
                       DeleteAction)

    def get_object_display(self, datum: Any) -> str:
        """Return the plan and the id of a checkpoint: "PLAN, checkpoint ID".

        Horizon shows this text when Horizon asks the user to confirm a
        deletion.
        """
        return '%s, checkpoint %s' % (
            dashboard_tables.get_plan_name(datum), datum.id)


def apply() -> None:
    """Patch karbor-dashboard to use CheckpointsTable and RestoreForm."""
    views.IndexView.table_class = CheckpointsTable
    views.CheckpointsRestoreView.form_class = RestoreForm
    views.CheckpointsRestoreView.template_name = (
        'karbor/page-templates/restore.html')
