# SPDX-License-Identifier: Apache-2.0

"""The panel "Verifications", which karbor-dashboard does not have."""

from typing import Any, List

from django.template.defaultfilters import linebreaksbr
from django.urls import re_path
import horizon
from horizon import exceptions
from horizon import tables
from horizon.utils import functions
from karbor_dashboard.api import karbor as api

from karbor_trove.horizon import records
from karbor_trove.horizon import results


def _add_names(request: Any, verification: Any) -> Any:
    verification.name = records.get_plan_name(
        records.find_checkpoint(request, verification))
    verification.provider_name = api.provider_get(
        request, verification.provider_id).name
    return verification


class UpdateRow(tables.Row):
    """A row of the list of verifications.

    Horizon refreshes the row until the verification of the row has ended.
    """

    ajax = True

    def get_data(self, request: Any, obj_id: str) -> Any:
        return _add_names(
            request, api.karborclient(request).verifications.get(obj_id))


class VerificationsTable(tables.DataTable):
    """The list of verifications.

    The column "Reason" shows why the resources of a verification failed.
    """

    id = tables.Column('id', verbose_name='ID',
                       link='horizon:karbor:verifications:detail')
    name = tables.Column('name', verbose_name='Protection Plan')
    status = tables.Column(
        'status', verbose_name='Status', status=True,
        status_choices=(('fail', False), ('success', True)),
        display_choices=(('fail', 'Fail'), ('in_progress', 'In Progress'),
                         ('success', 'Success')))
    checkpoint = tables.Column('checkpoint_id', verbose_name='Checkpoint',
                               link=records.get_checkpoint_link)
    provider = tables.Column('provider_name',
                             verbose_name='Protection Provider')
    reason = tables.Column(results.summarize, verbose_name='Reason',
                           filters=(linebreaksbr,), sortable=False)

    class Meta:
        name = 'verifications'
        verbose_name = 'Verifications'
        status_columns = ['status']
        row_class = UpdateRow


class IndexView(tables.PagedTableMixin, tables.DataTableView):
    """The page with the list of verifications. The newest one is first."""

    table_class = VerificationsTable
    template_name = 'restores/index.html'
    page_title = 'Verifications'

    def get_data(self) -> List[Any]:
        marker, backwards = self._get_marker()
        size = functions.get_page_size(self.request)
        try:
            page = api.karborclient(self.request).verifications.list(
                marker=marker, limit=size + 1, sort_key='created_at',
                sort_dir='asc' if backwards else 'desc')
            page, self._has_more_data, self._has_prev_data = (
                api.get_pagination_info(page, size, marker, backwards))
            if backwards:
                page.reverse()
            return [_add_names(self.request, verification)
                    for verification in page]
        except Exception:
            exceptions.handle(self.request,
                              'Unable to retrieve verifications list.')
            return []


class DetailView(records.RecordView):
    """The page of one verification, with the result of each resource."""

    page_title = 'Verification {{ record.id }}'
    list_url = 'horizon:karbor:verifications:index'

    def read_record(self, id_: str) -> Any:
        return api.karborclient(self.request).verifications.get(id_)


class VerificationsPanel(horizon.Panel):
    """The panel "Verifications".

    Horizon reads the URLs of a panel from the module that the attribute `urls`
    names. This class names its own module, where `urlpatterns` has the URLs.
    """

    name = 'Verifications'
    slug = 'verifications'
    urls = __name__


urlpatterns = [
    re_path(r'^$', IndexView.as_view(), name='index'),
    re_path(r'^(?P<id>[^/]+)/detail/$', DetailView.as_view(), name='detail'),
]


def apply() -> None:
    """Add the panel "Verifications" to the dashboard "karbor".

    The panel appears in the same group as the other panels of this dashboard.
    """
    dashboard = horizon.get_dashboard('karbor')
    dashboard.register(VerificationsPanel)
    # Horizon shows a panel without a group in the group "Other".
    group = dashboard.get_panel_group('default')
    if group:
        group.panels.append(VerificationsPanel.slug)
