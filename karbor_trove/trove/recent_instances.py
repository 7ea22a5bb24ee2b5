# SPDX-License-Identifier: Apache-2.0

"""Instances that a protect operation has read in the last 30 s."""

from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple
from typing import Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import models

#: An instance, or the error of its read.
Answer = Union[models.Instance, errors.KarborTroveError]


class RecentInstances:
    """The instances that a protect operation has read in the last 30 s.

    The preflight of the operation reads all instances together. If the backup
    of an instance begins within 30 s, the operation does not read this
    instance again. It uses the instance from the preflight.
    """

    def __init__(self, clock: polling.Clock) -> None:
        """Create the object. It has no instances yet.

        :param clock: measures the 30 s.
        """
        self._clock = clock
        #: By the id of an instance: the time before its last read, in seconds
        #: of the clock, and the instance. The value is None before the first
        #: read, and after a read that failed. The entry is removed when the
        #: backup of the instance begins, or when it is certain that no backup
        #: of the instance begins.
        self._reads: Dict[str, Optional[Tuple[float, models.Instance]]] = {}

    def add_ids(self, instance_ids: Iterable[str]) -> None:
        """Add the ids of the instances that the operation is going to back up.

        An earlier read of such an instance is discarded. find_or_read() keeps
        only instances whose id was added with this method.
        """
        self._reads.update(dict.fromkeys(instance_ids))

    def find_ready(self, instance_id: str) -> Optional[models.Instance]:
        """Return an instance if a read in the last 30 s found it ready.

        The instance may have changed since the read. If the instance is no
        longer ready, Trove rejects the backup with HTTP 422.

        :returns: the instance. None if the instance was not read in the last
            30 s, or if the instance was not ready.
        """
        read = self._find(instance_id)
        return read if read is not None and read.is_ready else None

    def remove(self, instance_id: str) -> None:
        """Discard an instance, so that no poll of other instances reads it.

        Call this method when the backup of the instance begins, and also when
        its protect operation ends without a backup.
        """
        self._reads.pop(instance_id, None)

    def find_or_read(
            self, read: Callable[[List[str]], Mapping[str, Answer]],
            instance_ids: Iterable[str]) -> Dict[str, Answer]:
        """Return several instances by id, and read as few of them as possible.

        If a read in the last 30 s found a wanted instance ready, the instance
        is not read again. If no wanted instance has to be read, no request is
        sent.

        If a request is sent, it also reads other instances that the operation
        needs soon. These are the instances that were added with add_ids(),
        were not removed with remove(), and were not read in the last 30 s.

        :param read: reads several instances with few requests.
        :param instance_ids: the ids of the wanted instances.
        :returns: the wanted instances and the other instances that were read,
            by id. If an instance could not be read, the error takes the place
            of the instance.
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
            # Copy the ids, because another thread may remove one meanwhile.
            missing.update((id_, None) for id_ in list(self._reads)
                           if self._find(id_) is None)
            start = self._clock.now()
            answers.update(read(list(missing)))
            for id_ in self._reads.keys() & missing.keys():
                answer = answers[id_]
                self._reads[id_] = (start, answer) if isinstance(
                    answer, models.Instance) else None
        return answers

    def _find(self, instance_id: str) -> Optional[models.Instance]:
        """Return an instance. None if it was not read in the last 30 s."""
        read = self._reads.get(instance_id)
        return read[1] if read is not None and (
            self._clock.now() - read[0] < timeouts.INSTANCE_VALID) else None
