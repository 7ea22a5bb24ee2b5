# SPDX-License-Identifier: Apache-2.0

"""Base class and helpers of the pages of restores and of verifications.

A record is a restore or a verification, as Karbor's API returns it.
"""

import json
import logging
import os
from typing import Any, Dict, List

from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from horizon import exceptions
from horizon import loaders
from horizon import tables
from horizon.utils import memoized
from karbor_dashboard.api import karbor as api

from karbor_trove.horizon import results

LOG = logging.getLogger(__name__)


def add_templates() -> None:
    """Register the HTML templates of this package in Horizon.

    Horizon then finds a template by the name karbor/page-templates/NAME.html.
    Horizon reads the parts of this name as a dashboard, a panel and a file. So
    the templates are registered for the dashboard "karbor" and for a panel
    "page-templates", although there is no such panel.

    The hyphen in the name of the folder keeps setuptools from treating the
    folder as a Python package.
    """
    loaders.panel_template_dirs[os.path.join('karbor', 'page-templates')] = (
        os.path.dirname(__file__))


def find_checkpoint(request: Any, record: Any) -> Any:
    """Return the checkpoint of a restore or of a verification.

    If the checkpoint cannot be read, the error is logged, and the result is
    None.
    """
    try:
        return api.checkpoint_get(
            request, record.provider_id, record.checkpoint_id)
    except Exception as error:  # The page is shown without the plan's name.
        LOG.warning('Checkpoint %s of provider %s cannot be read: %s',
                    record.checkpoint_id, record.provider_id, error)
        return None


def get_plan_name(checkpoint: Any) -> str:
    """Return the name of a checkpoint's plan.

    :param checkpoint: the checkpoint. None if it could not be read. In that
        case the result is "Not Found", which karbor-dashboard shows too.
    """
    return str(checkpoint.protection_plan['name']
               if checkpoint else 'Not Found')


def _list_names(checkpoint: Any) -> Dict[str, str]:
    """Return the names of the resources in a checkpoint.

    :param checkpoint: the checkpoint. None if it could not be read.
    :returns: the name of each resource, by the id of the resource. If
        `checkpoint` is None, the dict is empty.
    """
    if not checkpoint:
        return {}
    nodes, _ = json.loads(checkpoint.resource_graph)
    # A node is a list of type, id, name and more.
    return {node[1]: node[2] for node in nodes.values()}


def get_checkpoint_link(record: Any) -> str:
    """Return the URL path of the page that shows a checkpoint.

    :param record: a restore or a verification of the checkpoint.
    """
    return str(reverse('horizon:karbor:checkpoints:detail',
                       args=(record.provider_id, record.checkpoint_id)))


class ResultsTable(tables.DataTable):
    """A table with one row for each resource of a restore or verification.

    A row has the status of the resource, and the reason for this status.
    """

    name = tables.Column('name', verbose_name='Resource Name')
    resource = tables.Column(lambda result: result.id, verbose_name='ID')
    type = tables.Column('type', verbose_name='Resource Type')
    status = tables.Column('status', verbose_name='Status')
    reason = tables.Column('reason', verbose_name='Reason',
                           filters=(linebreaksbr,), sortable=False)

    class Meta:
        name = 'results'
        verbose_name = 'Results'
        footer = False

    def get_object_id(self, datum: results.Result) -> str:
        return '%s#%s' % (datum.type, datum.id)


class RecordView(tables.DataTableView):
    """The page of one restore or of one verification.

    A subclass sets `list_url` and defines read_record().
    """

    table_class = ResultsTable
    template_name = 'karbor/page-templates/record.html'
    #: The URL of the list of records.
    list_url = ''

    def read_record(self, id_: str) -> Any:
        """Request a restore or a verification from Karbor, and return it."""
        raise NotImplementedError

    @memoized.memoized_method
    def get_record(self) -> Any:
        try:
            return self.read_record(self.kwargs['id'])
        except Exception:
            exceptions.handle(self.request, 'Unable to retrieve the record.',
                              redirect=reverse(self.list_url))

    @memoized.memoized_method
    def get_checkpoint(self) -> Any:
        return find_checkpoint(self.request, self.get_record())

    def get_data(self) -> List[results.Result]:
        return results.list_results(
            self.get_record(), _list_names(self.get_checkpoint()))

    def get_context_data(self, **kwargs: Any) -> Any:
        context = super().get_context_data(**kwargs)
        record = self.get_record()
        context['record'] = record
        context['plan_name'] = get_plan_name(self.get_checkpoint())
        context['checkpoint_url'] = get_checkpoint_link(record)
        return context
