# SPDX-License-Identifier: Apache-2.0

"""Drawings of the checkpoints and verifications of an instance over time."""

import datetime
from typing import Dict, List, NamedTuple, Optional

from karbor_trove.bank import verification_results
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import markup
from karbor_trove import times

# Lengths in the units of the drawing: the width of the drawing, the left and
# the right margin, and the heights of a lane, of the bars and of the axis.
# _TICKS is the number of sections between the ticks of the axis.
_WIDTH = 960
_LEFT = 130
_RIGHT = 40
_LANE = 30
_BARS = 48
_AXIS = 26
_TICKS = 4


class _VerificationEvent(NamedTuple):
    """One verification of a checkpoint."""

    time: datetime.datetime
    checkpoint_id: str
    result: verification_results.VerificationResult


def draw(parent: markup.Element, report: instance_reports.InstanceReport,
         now: datetime.datetime) -> None:
    """Add the timeline of an instance to an element of the page.

    :param parent: the element to which the drawing is added.
    :param report: the report on the instance. The report has at least one
        item in `assessments`.
    :param now: the current time: UTC, without a zone. The timeline ends at
        this time, or at a checkpoint or verification that is later.
    """
    _Timeline(report, now).draw(parent)


class _Timeline:
    """The drawing of one instance's checkpoints and verifications."""

    def __init__(self, report: instance_reports.InstanceReport,
                 now: datetime.datetime) -> None:
        """Collect the checkpoints and verifications. Nothing is drawn yet.

        :param now: the current time: UTC, without a zone.
        """
        self._report = report
        self._points = [assessment for assessment in report.assessments
                        if assessment.time is not None]
        self._events = [
            _VerificationEvent(instance_reports.get_verification_time(result),
                               assessment.point.checkpoint.id, result)
            for assessment in report.assessments
            for result in assessment.point.results or ()]
        self._measured = [event for event in self._events
                          if event.result.recovery_seconds is not None]
        moments = [_time_of(assessment) for assessment in self._points] + [
            event.time for event in self._events]
        # The clocks of Trove and of this machine may differ. So an event may
        # be later than the current time.
        self._end = max([now, *moments])
        self._start = min([now, *moments])
        self._levels = [level for level in verification_results.LEVELS if any(
            event.result.level == level for event in self._events)]

    def draw(self, parent: markup.Element) -> None:
        """Add the drawing to an element of the page."""
        bars = _BARS if self._measured else 0
        height = _LANE * (1 + len(self._levels)) + bars + _AXIS
        drawing = markup.add(
            parent, 'svg', viewBox='0 0 %d %d' % (_WIDTH, height), role='img')
        markup.add(drawing, 'title', 'Timeline from %s to %s' % (
            times.format_utc(self._start), times.format_utc(self._end)))
        self._draw_axis(drawing, height - _AXIS)
        self._draw_checkpoints(drawing, _LANE // 2)
        for number, level in enumerate(self._levels, 1):
            self._draw_level(drawing, level, _LANE * number + _LANE // 2)
        if self._measured:
            self._draw_recovery(drawing, height - _AXIS)

    def _x(self, time: datetime.datetime) -> float:
        length = (self._end - self._start).total_seconds() or 1
        share = (time - self._start).total_seconds() / length
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def _draw_axis(self, drawing: markup.Element, y: int) -> None:
        markup.add(drawing, 'line', class_='axis', x1=_LEFT, y1=y,
                   x2=_WIDTH - _RIGHT, y2=y)
        length = self._end - self._start
        pattern = ('%Y-%m-%d' if length > datetime.timedelta(days=_TICKS)
                   else '%m-%d %H:%M')
        for number in range(_TICKS + 1) if length else [_TICKS]:
            time = self._start + length * number / _TICKS
            x = self._x(time) if length else _LEFT
            markup.add(drawing, 'line', class_='grid', x1=x, y1=0, x2=x, y2=y)
            markup.add(drawing, 'text', time.strftime(pattern), x=x, y=y + 18,
                       class_='tick')

    def _draw_checkpoints(self, drawing: markup.Element, y: int) -> None:
        """Draw the checkpoints, and a line from each parent to its child.

        :param y: the vertical position of the checkpoints in the drawing.
        """
        _label(drawing, 'checkpoints', y)
        places: Dict[str, float] = {
            assessment.chain[0].id: self._x(_time_of(assessment))
            for assessment in self._points if assessment.chain}
        for assessment in self._points:
            parent_x = places.get(assessment.parent_id or '')
            if parent_x is not None:
                markup.add(drawing, 'line', class_='chain', x1=parent_x, y1=y,
                           x2=places[assessment.chain[0].id], y2=y)
        for assessment in self._points:
            x = self._x(_time_of(assessment))
            if not assessment.chain:
                marker = _draw_cross(drawing, x, y)
            elif assessment.parent_id is None:
                marker = markup.add(drawing, 'rect', class_='full', x=x - 6,
                                    y=y - 6, width=12, height=12)
            else:
                marker = markup.add(drawing, 'circle', class_='incremental',
                                    cx=x, cy=y, r=5)
            markup.add(marker, 'title', describe(assessment))
            if assessment.point.checkpoint.id == self._report.checkpoint:
                markup.add(drawing, 'circle', class_='newest', cx=x, cy=y,
                           r=11)

    def _draw_level(self, drawing: markup.Element, level: str,
                    y: int) -> None:
        _label(drawing, 'verified: %s' % level, y)
        for event in self._events:
            if event.result.level != level:
                continue
            x = self._x(event.time)
            marker = (markup.add(drawing, 'path', class_='passed',
                                 d='M%s %s l4 5 l8 -10' % (x - 5, y))
                      if event.result.passed else _draw_cross(drawing, x, y))
            markup.add(marker, 'title', describe_verification(
                event.result, event.checkpoint_id))

    def _draw_recovery(self, drawing: markup.Element, bottom: int) -> None:
        """Draw a bar for each measured recovery time.

        :param bottom: the vertical position of the lower end of the bars.
        """
        _label(drawing, 'recovery time', bottom - _BARS // 2)
        longest = max(event.result.recovery_seconds or 0
                      for event in self._measured) or 1
        newest = max(self._measured, key=lambda event: event.time)
        for event in self._measured:
            seconds = event.result.recovery_seconds or 0
            height = max(1, round(seconds / longest * (_BARS - 18), 1))
            x = self._x(event.time)
            bar = markup.add(drawing, 'rect', class_='recovery', x=x - 4,
                             y=bottom - height, width=8, height=height)
            duration = base.Duration(datetime.timedelta(seconds=seconds))
            markup.add(bar, 'title', describe_verification(
                event.result, event.checkpoint_id))
            # Only these bars have a text. Texts of all bars would overlap.
            if event is newest or seconds == longest:
                markup.add(drawing, 'text', duration.human_readable(), x=x,
                           y=bottom - height - 4, class_='tick')


def describe(assessment: instance_reports.Assessment) -> str:
    """Return a phrase that describes the backup of an instance.

    An example is "TIME: checkpoint ID, incremental backup, 3 in the chain". If
    the instance cannot be restored, the phrase says why.

    :param assessment: the instance in one checkpoint.
    """
    time = assessment.time
    words = '%scheckpoint %s' % (
        '' if time is None else times.format_utc(time) + ': ',
        assessment.point.checkpoint.id)
    if not assessment.chain:
        return '%s cannot be restored: %s' % (words, assessment.problem)
    return '%s, %s backup, %d in the chain' % (
        words, describe_kind(assessment), len(assessment.chain))


def describe_kind(assessment: instance_reports.Assessment) -> Optional[str]:
    """Return the kind of a backup: "full" or "incremental".

    :param assessment: the instance in the checkpoint of the backup.
    :returns: None if the instance cannot be restored.
    """
    if not assessment.chain:
        return None
    return 'full' if assessment.parent_id is None else 'incremental'


def describe_verification(result: verification_results.VerificationResult,
                          checkpoint_id: Optional[str] = None) -> str:
    """Return a phrase that describes a verification.

    Examples are "TIME: level data passed" and "TIME: level data failed:
    REASON". If the recovery time was measured, the phrase has it too.

    :param checkpoint_id: the id of the checkpoint that was verified. If None,
        the phrase does not name the checkpoint.
    """
    words: List[str] = [
        times.format_utc(instance_reports.get_verification_time(result)) + ':',
        'level', result.level, instance_reports.describe_result(result)]
    if checkpoint_id is not None:
        words += ['for checkpoint', checkpoint_id]
    if result.recovery_seconds is not None:
        words.append('(recovery time %s)' % base.Duration(
            datetime.timedelta(seconds=result.recovery_seconds)
        ).human_readable())
    return ' '.join(words) + ('' if result.passed else ': '
                              + result.reason.partition('\n')[0])


def _time_of(assessment: instance_reports.Assessment) -> datetime.datetime:
    return assessment.time or datetime.datetime.min


def _draw_cross(drawing: markup.Element, x: float, y: int) -> markup.Element:
    return markup.add(drawing, 'path', class_='failed', d=(
        'M%s %s l10 10 m0 -10 l-10 10' % (x - 5, y - 5)))


def _label(drawing: markup.Element, text: str, y: int) -> None:
    markup.add(drawing, 'text', text, x=0, y=y + 4, class_='lane')
