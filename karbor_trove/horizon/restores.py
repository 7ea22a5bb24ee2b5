# SPDX-License-Identifier: Apache-2.0

"""The reasons in the list of restores, and the page of one restore."""

from typing import Any

from django.template.defaultfilters import linebreaksbr
from django.urls import re_path
from horizon import tables
from karbor_dashboard.api import karbor as api
from karbor_dashboard.restores import tables as dashboard_tables
from karbor_dashboard.restores import urls
from karbor_dashboard.restores import views

from karbor_trove.horizon import records
from karbor_trove.horizon import results


class RestoresTable(dashboard_tables.RestoresTable):
    """The list of restores, with an additional column "Reason".

    The column shows why the resources of a restore failed.
    """

    id = tables.Column('id', verbose_name='ID',
                       link='horizon:karbor:restores:detail')
    reason = tables.Column(results.summarize, verbose_name='Reason',
                           filters=(linebreaksbr,), sortable=False)

    class Meta:
        name = 'restores'
        verbose_name = 'Restores'
        status_columns = ['status']
        row_class = dashboard_tables.UpdateRow


class DetailView(records.RecordView):
    """The page of one restore, with the result of each resource."""

    page_title = 'Restore {{ record.id }}'
    list_url = 'horizon:karbor:restores:index'

    def read_record(self, id_: str) -> Any:
        return api.restore_get(self.request, id_)


def apply() -> None:
    """Patch karbor-dashboard to use RestoresTable, and add DetailView."""
    views.IndexView.table_class = RestoresTable
    urls.urlpatterns.append(re_path(
        r'^(?P<id>[^/]+)/detail/$', DetailView.as_view(), name='detail'))
