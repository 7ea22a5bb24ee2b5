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

"""..."""

from typing import Iterator, Sequence

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client
from karbor_trove.trove import instances

LOG = logging.getLogger(__name__)


def check_protect(instance_ids: Sequence[str], gateway: client.TroveClient,
                  catalog: trove_catalog.Catalog) -> preflight_problems.Problems:
    """Find what stands in the way of backups.

    An instance that is merely busy is no problem: it is waited for.

    :param instance_ids: all that are backed up together: the quota is for
        all of them.
    :raises errors.TroveError: Trove cannot be asked.
    """
    # Fewer requests than a look at each; but a list leaves out members of
    # clusters, and faults.
    listed = {one.id: one for one in gateway.list_instances()} if (
        len(instance_ids) > 1) else {}
    problems: preflight_problems.Problems = {}
    for instance_id in instance_ids:
        seen = listed.get(instance_id)
        problems[instance_id] = [] if seen and not seen.is_lost else list(
            _check_instance(instance_id, gateway))
    if catalog.get_quotas() is None:
        LOG.info('Trove does not tell the quotas: they are not checked before '
                 'the backups of %s', ', '.join(instance_ids))
    return preflight_problems.group_common(
        problems, preflight_problems.check_quotas(
            catalog, {
                'backups': len(instance_ids)}, 'protect'))


def _check_instance(instance_id: str, gateway: client.TroveClient) -> Iterator[str]:
    try:
        instance = instances.get_usable_instance(gateway, instance_id)
    except (errors.ResourceFailed, errors.NotFound) as error:
        yield str(error)
        return
    # It answers HTTP 501 [Backup.create() in trove/backup/models.py, 26.0.0].
    if instance.cluster_id:
        yield ('instance %s is a member of cluster %s, and Trove backs up '
               'none of those' % (instance_id, instance.cluster_id))
