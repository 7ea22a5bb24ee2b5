"""Operations of Karbor that are suspended before each of their effects."""

import itertools

import greenlet


class Killed(BaseException):
    """The process is killed. No code of the process may handle this.

    :param torn: whether its current write is half done.
    """

    def __init__(self, torn=False):
        super().__init__()
        self.torn = torn


class Process(greenlet.greenlet):
    """A suspended operation that runs only in resume()."""

    #: More effects than any operation has, even one that waits in vain.
    ENDLESS = 2000
    #: Numbers the starts and ends of processes in their order.
    numbers = itertools.count(1)

    def __init__(self, run, clock):
        super().__init__(self._main)
        self._run = run
        self._clock = clock
        #: The kind of the operation. None for a command.
        self.kind = None
        #: The order in which the processes began.
        self.number = next(self.numbers)
        self.effects = 0
        self.error = None
        self.killed = False
        #: Run time in seconds. If it was suspended, others' time is included.
        self.seconds = 0.0
        self.held_up = False

    def _main(self):
        try:
            self._run()
        except Killed:
            self.killed = True
        except Exception as error:
            self.error = error

    def resume(self, effects=None):
        """Run it for so many more effects, by default to its end."""
        began = self._clock.now()
        while not self.dead and effects != 0:
            self.effects += 1
            assert self.effects < self.ENDLESS, 'the operation does not end'
            effects = None if effects is None else effects - 1
            self.switch()
        self.seconds += self._clock.now() - began
        self.held_up = self.held_up or not self.dead

    def kill(self, torn=False):
        """Kill it before its next effect, or during a write."""
        self.killed = True
        self.throw(Killed(torn))


def current():
    """Return the running process. None outside of a process."""
    running = greenlet.getcurrent()
    return running if isinstance(running, Process) else None


def pause():
    """Suspend the running process. Outside of a process do nothing."""
    process = current()
    if process is not None:
        process.parent.switch()
        if process.killed:
            raise Killed
