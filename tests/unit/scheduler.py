"""Greenlets on a simulated clock. A test decides which greenlet runs next."""

import datetime

import greenlet

from tests.fake_trove import clock as clocks


class Task(greenlet.greenlet):
    """A function that is suspended in each sleep and each wait."""

    def __init__(self, run, now):
        super().__init__(self._main)
        self._run = run
        self.started = now
        self.ended = None
        self.result = None
        self.error = None
        #: How often the task was suspended.
        self.pauses = 0
        self.event = None
        self.due = now

    def _main(self):
        try:
            self.result = self._run()
        except BaseException as error:
            self.error = error


class Scheduler:
    """The clock of all tasks. Time passes when no task can run."""

    def __init__(self, choose=lambda count: 0, start=clocks.EPOCH):
        """Create a scheduler.

        :param choose: gets how many tasks can run, and returns the index of
            the task that runs next.
        """
        self._choose = choose
        self._now = start
        #: How often a task has read the time since a task was suspended.
        self._readings = 0
        self._hub = greenlet.getcurrent()
        self.tasks = []
        #: Called before each step with the number of the step.
        self.before_step = lambda number: None

    def now(self):
        self._readings += 1
        assert self._readings < 100000, 'the task never sleeps'
        return self._now

    def utc(self):
        return datetime.datetime.fromtimestamp(
            self._now, datetime.timezone.utc).replace(
                microsecond=0, tzinfo=None)

    def spawn(self, run):
        task = Task(run, self._now)
        self.tasks.append(task)
        return task

    def sleep(self, seconds, wake=None):
        self._suspend(wake, seconds)

    def wait_for_event(self, event, seconds):
        self._suspend(event, seconds)

    def _suspend(self, event, seconds):
        self._readings = 0
        task = greenlet.getcurrent()
        if not isinstance(task, Task):
            # The test itself sleeps.
            self._now += seconds
            return
        task.event, task.due = event, self._now + max(0.0, seconds)
        task.pauses += 1
        self._hub.switch()

    def cancel(self, task, error=greenlet.GreenletExit):
        """Raise an exception where the task is suspended."""
        task.throw(error)
        self._finish(task)

    def _finish(self, task):
        if task.dead and task.ended is None:
            task.ended = self._now

    def run(self, seconds=None):
        """Run all tasks to their ends, or for some seconds.

        :param seconds: None to run all tasks to their ends.
        """
        end = None if seconds is None else self._now + seconds
        number = 0
        while True:
            self.before_step(number)
            number += 1
            assert number < 200000, 'the tasks do not end'
            alive = [task for task in self.tasks if not task.dead]
            if not alive:
                return
            ready = [task for task in alive if task.due <= self._now
                     or task.event is not None and task.event.is_set()]
            if ready:
                task = ready[self._choose(len(ready))]
                task.switch()
                self._finish(task)
                continue
            due = min(task.due for task in alive)
            if end is not None and due > end:
                self._now = end
                return
            self._now = due
