"""Operations of Karbor that stand still before each of their effects."""

import greenlet


class Killed(BaseException):
    """The process is no more; nothing in it may notice.

    :param torn: whether the write that it was at is half done.
    """

    def __init__(self, torn=False):
        super().__init__()
        self.torn = torn


class Process(greenlet.greenlet):
    """One operation; runs only while somebody lets it."""

    #: More than any operation needs, also one that waits in vain.
    ENDLESS = 2000

    def __init__(self, run, clock):
        super().__init__(self._main)
        self._run = run
        self._clock = clock
        self.effects = 0
        self.error = None
        self.killed = False
        #: Seconds that it took; others' are in it where it was held up.
        self.seconds = 0.0
        self.held_up = False

    def _main(self):
        try:
            self._run()
        except Killed:
            self.killed = True
        except Exception as error:
            self.error = error

    def go(self, effects=None):
        """Let it do so many effects more; None: all that are left."""
        began = self._clock.now()
        while not self.dead and effects != 0:
            self.effects += 1
            assert self.effects < self.ENDLESS, 'it never ends'
            effects = None if effects is None else effects - 1
            self.switch()
        self.seconds += self._clock.now() - began
        self.held_up = self.held_up or not self.dead

    def kill(self, torn=False):
        """End it before its next effect, or in the midst of a write."""
        self.killed = True
        self.throw(Killed(torn))


def current():
    """The process that runs now; None: no one does."""
    here = greenlet.getcurrent()
    return here if isinstance(here, Process) else None


def pause():
    """Stand still until let; where no process runs, go on."""
    here = current()
    if here is not None:
        here.parent.switch()
        if here.killed:
            raise Killed
