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


"""What each database instance can be restored from, and how sure that is."""

import datetime
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from karbor_trove import chain
from karbor_trove.cmd import access
from karbor_trove.cmd import banks
from karbor_trove.cmd import holdings
from karbor_trove.cmd import standing
from karbor_trove import errors
from karbor_trove import removal
from karbor_trove import values
from karbor_trove import waiting

Row = Dict[str, Any]

COLUMNS = ('project', 'instance', 'name', 'checkpoint', 'made', 'age',
           'chain', 'size', 'verified', 'verified_checkpoint', 'level',
           'result', 'recovery', 'note')

#: What Trove has, and its time then.
_Backups = Tuple[chain.Backups, Optional[datetime.datetime]]
_Instances = Dict[str, values.Instance]


class Report:
    """One look at all banks and at Trove."""

    def __init__(self, loaded: List[banks.Provider], cloud: access.Cloud,
                 project: Optional[str] = None) -> None:
        """Look: at the banks first, then at one project after another.

        :param project: of this one only; None: of each that a bank knows a
            checkpoint of.
        :raises errors.TroveError: Trove is away.
        """
        self._cloud = cloud
        self._interval = loaded[0].settings.poll_interval
        # One for all: who comes later looks once.
        self._away = waiting.Deadline(removal.AWAY, waiting.SYSTEM_CLOCK)
        self._holdings = holdings.Holdings(loaded, project)
        self._complaints = list(self._holdings.complaints)
        everywhere = self._everywhere() if project is None else None
        self.rows = [
            row for one in ([project] if project else
                            sorted(self._holdings.projects))
            for row in self._of_project(one, everywhere)]

    @property
    def complaint(self) -> Optional[str]:
        """Tell what could not be looked at; None: all could."""
        return '; '.join(self._complaints) or None

    def _look(self, look: Callable[[], Any]) -> Any:
        return waiting.wait_for(look, self._away, self._interval,
                                'Trove is away')

    def _everywhere(self) -> Optional[_Backups]:
        """List the backups of all projects; None: only each can be asked."""
        try:
            gateway = self._cloud.gateway()
            backups = self._look(lambda: gateway.backups(everywhere=True))
        except errors.Refused:
            return None
        return {backup.id: backup for backup in backups}, gateway.now

    def _of_project(self, project: str,
                    everywhere: Optional[_Backups]) -> Iterator[Row]:
        backups = everywhere
        instances: Optional[_Instances] = None
        try:
            gateway = self._cloud.gateway(project)
            if backups is None:
                backups = ({backup.id: backup for backup in self._look(
                    gateway.backups)}, gateway.now)
            instances = {
                instance.id: instance for instance in self._look(
                    gateway.instances) if not instance.is_being_deleted
                and not instance.is_temporary}
        except errors.TroveError as error:
            # A project that has deleted checkpoints only may be gone itself.
            if (self._holdings.projects.get(project, True)
                    or not isinstance(error, errors.Refused)):
                self._complaints.append('project %s: %s' % (project, error))
        if backups is None:
            return
        held = self._holdings.held.get(project, {})
        names = {**{id_: _name(of) for id_, of in held.items()},
                 **{id_: instance.name
                    for id_, instance in (instances or {}).items()}}
        for id_, name in sorted(names.items(),
                                key=lambda item: (item[1] or '', item[0])):
            exists = None if instances is None else id_ in instances
            yield {'project': project, 'instance': id_, 'name': name,
                   'exists': exists,
                   **standing.standing(held.get(id_, []), *backups,
                                       self._holdings.torn.get(id_, []),
                                       exists)}


def _name(held: List[holdings.Held]) -> Optional[str]:
    names = [one.record.instance.name
             for one in sorted(held, key=lambda one: one.time, reverse=True)
             if one.record and one.record.instance.name]
    return names[0] if names else None
