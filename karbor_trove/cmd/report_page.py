# SPDX-License-Identifier: Apache-2.0

"""The report as a page in HTML that needs no other file and no network."""

import datetime
import itertools
from typing import List, Sequence

from karbor_trove.cmd.commands import base
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import markup
from karbor_trove.cmd import timelines
from karbor_trove import times

_TITLE = 'Databases protected by Karbor'
_STYLE = """
:root { color-scheme: light dark; --text: #1c2530; --back: #fff;
  --soft: #5b6875; --line: #d8dee5; --card: #f6f8fa; --good: #0b6bcb;
  --bad: #c62828; --bar: #8a6fc8; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9ee;
  --back: #14181d; --soft: #9aa7b4; --line: #37414c; --card: #1c2229;
  --good: #66b2ff; --bad: #ff7b72; --bar: #b39ddb; } }
body { color: var(--text); background: var(--back); margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; font: 15px/1.5 sans-serif; }
h1, h2, h3, p { margin: 1em 0 0.4em; overflow-wrap: anywhere; }
h2 { border-bottom: 1px solid var(--line); }
.numbers { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; }
.numbers li { list-style: none; background: var(--card); padding: 0.5rem 1rem;
  border-radius: 6px; }
.numbers b { display: block; font-size: 1.6rem; }
.bad, .bad b { color: var(--bad); }
.note { border-left: 3px solid var(--bar); padding-left: 0.6rem; }
.soft { color: var(--soft); font-size: 0.9em; }
article { background: var(--card); border-radius: 6px; margin: 1rem 0;
  padding: 0.1rem 1rem 0.8rem; break-inside: avoid; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85em; min-width: 100%; }
th, td { text-align: left; vertical-align: top;
  padding: 0.2rem 0.6rem 0.2rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: break-word; max-width: 24rem; }
svg { width: 100%; height: auto; min-width: 40rem; }
svg text { fill: var(--text); font-size: 12px; }
svg .tick { text-anchor: middle; fill: var(--soft); font-size: 11px; }
svg .axis, svg .grid { stroke: var(--line); }
svg .chain { stroke: var(--good); stroke-width: 2; }
svg .full, svg .incremental { fill: var(--good); stroke: var(--card); }
svg .newest { fill: none; stroke: var(--good); stroke-width: 2; }
svg .passed { fill: none; stroke: var(--good); stroke-width: 3; }
svg .failed { fill: none; stroke: var(--bad); stroke-width: 3; }
svg .recovery { fill: var(--bar); }
"""
_LEGEND = (
    'Square: full backup. Circle: incremental backup, with a line from its '
    'parent. Ring: the newest checkpoint that can be restored. Red cross: a '
    'checkpoint that cannot be restored, or a failed verification. Tick: a '
    'verification that passed. Bar: a measured recovery time. A checkpoint '
    'has the last verification of each level only.')


def build_page(reports: Sequence[instance_reports.InstanceReport],
               problems: Sequence[str], now: datetime.datetime) -> str:
    """Return the HTML page with the reports on all instances.

    :param reports: the reports, ordered by project.
    :param problems: what could not be read, one sentence each.
    :param now: when the report was created: UTC, without a zone.
    """
    root = markup.Element('html', lang='en')
    head = markup.add(root, 'head')
    markup.add(head, 'meta', charset='utf-8')
    markup.add(head, 'meta', name='viewport',
               content='width=device-width, initial-scale=1')
    # The page runs no script and loads nothing, whatever a text contains.
    markup.add(head, 'meta', **{
        'http-equiv': 'Content-Security-Policy',
        'content': "default-src 'none'; style-src 'unsafe-inline'"})
    markup.add(head, 'title', _TITLE)
    markup.add(head, 'style').text = _STYLE
    body = markup.add(root, 'body')
    markup.add(body, 'h1', _TITLE)
    markup.add(body, 'p', 'Created at %s by karbor-trove-manage report. All '
               'times are in UTC.' % times.format_utc(now), class_='soft')
    _add_numbers(body, reports)
    if problems:
        markup.add(body, 'h2', 'This report is incomplete', class_='bad')
        _add_list(body, problems)
    _add_unprotected(body, [report for report in reports
                            if report.is_unprotected])
    for project, of_project in itertools.groupby(
            reports, key=lambda report: report.project):
        markup.add(body, 'h2', 'Project %s' % project)
        for report in of_project:
            _add_instance(body, report, now)
    markup.add(body, 'p', _LEGEND, class_='soft')
    return '<!DOCTYPE html>\n%s\n' % markup.to_html(root)


def _add_numbers(body: markup.Element,
                 reports: Sequence[instance_reports.InstanceReport]) -> None:
    """Add a list of numbers, such as the number of unprotected databases."""
    numbers = markup.add(body, 'ul', class_='numbers')
    for text, number, is_bad in (
            ('databases', len(reports), False),
            ('unprotected', sum(report.is_unprotected
                                for report in reports), True),
            ('left out of a checkpoint',
             sum(report.left_out > 0 and report.exists is not False
                 for report in reports), True),
            ('with a failed verification',
             sum(any(not result.passed for result in report.levels.values())
                 for report in reports), True),
            ('protected, never verified',
             sum(report.checkpoint is not None and report.verified is None
                 for report in reports), False)):
        item = markup.add(numbers, 'li',
                          class_='bad' if is_bad and number else '')
        markup.add(item, 'b', number).tail = text


def _add_unprotected(body: markup.Element,
                     reports: Sequence[instance_reports.InstanceReport]
                     ) -> None:
    markup.add(body, 'h2', 'Unprotected')
    if not reports:
        markup.add(body, 'p', 'A checkpoint can restore each database of '
                   'these projects.')
        return
    markup.add(body, 'p', 'No checkpoint can restore these databases.')
    _add_table(body, ('Database', 'Instance', 'Project', 'Note'), [
        (report.name, report.instance, report.project, report.note)
        for report in reports])


def _add_instance(body: markup.Element,
                  report: instance_reports.InstanceReport,
                  now: datetime.datetime) -> None:
    """Add the report on one instance to the page.

    The report has sentences, a timeline, and a table of the checkpoints.
    """
    article = markup.add(body, 'article')
    markup.add(article, 'h3', report.name or report.instance)
    markup.add(article, 'p', 'Instance %s' % report.instance, class_='soft')
    markup.add(article, 'p', _describe(report),
               class_='bad' if report.is_unprotected else '')
    if report.note:
        markup.add(article, 'p', report.note, class_='note')
    if not report.assessments:
        return
    timelines.draw(markup.add(article, 'div', class_='scroll'), report, now)
    details = markup.add(article, 'details')
    markup.add(details, 'summary',
               'Checkpoints: %d' % len(report.assessments))
    _add_table(details, ('Made', 'Checkpoint', 'Backup', 'Chain', 'Size',
                         'Can be restored', 'Verifications'), [
        (assessment.time and times.format_utc(assessment.time),
         assessment.point.checkpoint.id,
         timelines.describe_kind(assessment),
         len(assessment.chain) or None,
         _format_size(assessment),
         'yes' if assessment.chain else 'no: ' + assessment.problem,
         '; '.join(map(timelines.describe_verification,
                       assessment.point.results or ())))
        for assessment in reversed(report.assessments)])


def _describe(report: instance_reports.InstanceReport) -> str:
    """Return sentences about the restore point and the last verification."""
    if report.checkpoint is None:
        sentence = 'No checkpoint can restore it.'
    else:
        sentence = 'Can be restored to its state of %s%s.' % (
            'an unknown time' if report.made is None
            else times.format_utc(report.made),
            '' if report.age is None else ', %s ago'
            % base.Duration(report.age).human_readable())
    if report.left_out:
        sentence += ' Newer checkpoints that left it out: %d.' % (
            report.left_out)
    if report.verified is not None:
        sentence += ' Last verification: %s at level %s, %s.' % (
            report.result, report.level, times.format_utc(report.verified))
    elif report.checkpoint is not None:
        sentence += ' Never verified.'
    if report.recovery is not None:
        sentence += ' Recovery time: %s.' % base.Duration(
            report.recovery).human_readable()
    return sentence


def _format_size(assessment: instance_reports.Assessment) -> object:
    size = base.build_size(assessment.chain[0].size
                           if assessment.chain else None)
    return size and size.human_readable()


def _add_list(parent: markup.Element, items: Sequence[str]) -> None:
    element = markup.add(parent, 'ul')
    for item in items:
        markup.add(element, 'li', item)


def _add_table(parent: markup.Element, titles: Sequence[str],
               rows: List[Sequence[object]]) -> None:
    # A wide table scrolls. The page itself does not.
    table = markup.add(markup.add(parent, 'div', class_='scroll'), 'table')
    row = markup.add(table, 'tr')
    for title in titles:
        markup.add(row, 'th', title)
    for cells in rows:
        row = markup.add(table, 'tr')
        for cell in cells:
            markup.add(row, 'td', cell)
