# SPDX-License-Identifier: Apache-2.0

"""The form that creates a plan."""

from typing import Any, Dict

from karbor_dashboard.protectionplans import forms
from karbor_dashboard.protectionplans import views

from karbor_trove.horizon import parameters


class CreatePlanForm(forms.CreateProtectionPlanForm):
    """The form that creates a plan.

    The form of karbor-dashboard also sends resource types that have no
    parameters. This form sends only the resource types that have parameters.
    """

    def handle(self, request: Any, data: Dict[str, Any]) -> Any:
        return super().handle(request, dict(
            data, parameters=parameters.drop_empty(data['parameters'])))


def apply() -> None:
    """Patch karbor-dashboard to use CreatePlanForm."""
    views.CreateView.form_class = CreatePlanForm
    views.CreateView.template_name = 'karbor/page-templates/create_plan.html'
