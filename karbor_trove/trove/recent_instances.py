# SPDX-License-Identifier: Apache-2.0

"""Instances that a flow has read and is going to back up."""

from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple
from typing import Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import models

#: An instance, or why it could not be read.
Answer = Union[models.Instance, errors.KarborTroveError]


class RecentInstances:
    """What the last reads have found, for a short time.

    The preflight of a protect reads all instances at once. Without this class
    each backup would read its instance again.
    """

    def __init__(self, clock: polling.Clock) -> None:
        """Create it without instances."""
        self._clock = clock
        #: The time of the read and the instance, by id. None before the first
        #: read. An instance is removed when its backup begins.
        self._reads: Dict[str, Optional[Tuple[float, models.Instance]]] = {}

    def expect(self, instance_ids: Iterable[str]) -> None:
        """Add the ids of instances that are going to be backed up."""
        self._reads.update(dict.fromkeys(instance_ids))

    def find_ready(self, instance_id: str) -> Optional[models.Instance]:
        """Return an instance that was ready at its last read.

        Its state may have changed since. Trove then rejects the backup with
        HTTP 422, and the instance has to be polled.

        :returns: None if the instance has to be read.
        """
        read = self._find(instance_id)
        return read if read is not None and read.is_ready else None

    def remove(self, instance_id: str) -> None:
        """Remove an instance, because its backup begins."""
        self._reads.pop(instance_id, None)

    def read(self, read: Callable[[List[str]], Mapping[str, Answer]],
             instance_ids: Iterable[str]) -> Dict[str, Answer]:
        """Return what a short time ago was ready, and read the others.

        With them all instances are read whose last read is too old. They are
        needed next.

        :param read: reads several instances with few requests.
        """
        answers: Dict[str, Answer] = {}
        missing: Dict[str, None] = {}
        for id_ in instance_ids:
            ready = self.find_ready(id_)
            if ready is None:
                missing[id_] = None
            else:
                answers[id_] = ready
        if missing:
            missing.update((id_, None) for id_ in self._reads
                           if self._find(id_) is None)
            start = self._clock.now()
            answers.update(read(list(missing)))
            for id_ in self._reads.keys() & missing.keys():
                answer = answers[id_]
                self._reads[id_] = (start, answer) if isinstance(
                    answer, models.Instance) else None
        return answers

    def _find(self, instance_id: str) -> Optional[models.Instance]:
        """Return an instance if its last read is not too old."""
        read = self._reads.get(instance_id)
        return read[1] if read is not None and (
            self._clock.now() - read[0] < timeouts.INSTANCE_VALID) else None
