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

"""Would it work? Asked of a whole flow before anything is created."""

from typing import Dict, Iterable, Iterator, List

from karbor_trove.trove import catalog as trove_catalog

#: A sentence for each problem, by the original's id.
Problems = Dict[str, List[str]]
_UNITS = {'volumes': ' GB', 'ram': ' MB'}


def refusal_reason(problems: Problems, original_id: str, cannot: str) -> str:
    """Say why an instance is not begun: for its own sake, or for another's.

    :param cannot: what the others cannot, as "restore cannot be restored".
    """
    return '\n'.join(problems.get(original_id, [
        'not begun, since another database of this %s: %s'
        % (cannot, ', '.join(sorted(problems)))]))


def group_common(problems: Problems, sentences: Iterable[str]) -> Problems:
    """Add what concerns all, and leave out who has no problem."""
    for sentence in sentences:
        for found in problems.values():
            found.append(sentence)
    return {original: found for original, found in problems.items() if found}


def check_quotas(catalog: trove_catalog.Catalog, needs: Dict[str, int],
                 flow: str) -> Iterator[str]:
    quotas = catalog.get_quotas() or {}
    for resource, need in needs.items():
        quota = quotas.get(resource)
        if quota and quota.remaining is not None and need > quota.remaining:
            unit = _UNITS.get(resource, '')
            yield ('quota of %s: this %s needs %d%s and %d%s of %d are left'
                   % (resource, flow, need, unit, quota.remaining, unit,
                      quota.limit))
