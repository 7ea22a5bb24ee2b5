"""Tests of the page of karbor-trove-manage report --html."""

import html.parser
import json
import os

import pytest

from tests.fake_trove import cloud as clouds
from tests.unit.cmd import test_report


class Page(html.parser.HTMLParser):
    """A page, read as a browser does: its elements and its texts."""

    def __init__(self, text):
        super().__init__()
        self.source = text
        self.tags = []
        self.attributes = []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, class_):
        return self.attributes.count(('class', class_))

    @property
    def text(self):
        return '\n'.join(self.texts)


@pytest.fixture
def page(run, config_file, tmp_path):
    """Return a function that writes a page and returns it."""
    def page(*words, expect=0):
        path = tmp_path / 'report.html'
        code, _, page.err = run('report', '--html', path, *words,
                                '--config-file', config_file)
        assert code == expect, page.err
        return Page(path.read_text())
    return page


def test_page_has_full_incremental_and_broken_checkpoints(
        page, add_point, fake_trove):
    full = add_point()
    child = add_point(parent_id=full.backup)
    broken = add_point()
    del fake_trove.backups[broken.backup]
    written = page()
    assert written.count('full') == 1
    assert written.count('incremental') == written.count('chain') == 1
    assert written.count('failed') == 1 and written.count('newest') == 1
    for words in ('checkpoint %s, full backup, 1 in the chain' % full.id,
                  'checkpoint %s, incremental backup, 2 in the chain'
                  % child.id,
                  'checkpoint %s cannot be restored: Trove has no backup'
                  % broken.id, 'Can be restored to its state of '
                  '2026-01-01T00:02:00Z', 'Never verified.'):
        assert words in written.text


def test_page_has_verifications_and_recovery_times(page, add_point):
    first, second = add_point(), add_point()
    first.add_verification('restore', 1, seconds=75)
    second.add_verification('restore', 2, False, 'no flavor\nmore')
    second.add_verification('backup', 3)
    written = page()
    assert written.count('passed') == 2 and written.count('failed') == 1
    assert written.count('recovery') == 1
    for words in ('2026-02-01T00:01:00Z: level restore passed for checkpoint '
                  '%s (recovery time 1 min 15 s)' % first.id,
                  'level restore failed for checkpoint %s: no flavor\n'
                  % second.id, 'verified: backup', 'verified: restore',
                  'Last verification: passed at level backup, '
                  '2026-02-01T00:03:00Z. Recovery time: 1 min 15 s.'):
        assert words in written.text
    assert 'verified: data' not in written.text


def test_page_lists_what_is_unprotected(
        page, add_point, fake_trove, resource):
    add_point()
    idle = fake_trove.add_instance(name='idle')
    gone = fake_trove.add_instance(name='gone')
    add_point(gone, status='error', name='gone')
    del fake_trove.instances[gone]
    written = page()
    unprotected = written.text[written.text.index('Unprotected'):
                               written.text.index('Project ')]
    assert 'idle' in unprotected and idle in unprotected
    assert 'no checkpoint covers it' in unprotected
    assert resource.id not in unprotected
    assert gone not in unprotected, 'it is deleted'


def test_page_says_how_many_checkpoints_left_out_a_database(
        page, add_point, resource):
    add_point()
    for _ in range(2):
        test_report.leave_out(add_point(), resource.id)
    written = page()
    assert 'Newer checkpoints that left it out: 2.' in written.text
    assert '1\nleft out of a checkpoint' in written.text


def test_page_without_an_unprotected_database_says_so(page, add_point):
    add_point()
    assert 'can restore each database' in page().text


def test_page_escapes_the_texts_of_tenants(page, add_point, fake_trove,
                                           resource):
    name = '<script>alert(1)</script><img src=x> "&amp;\' \u202e\x1b[2J'
    fake_trove.instances[resource.id]['name'] = name
    add_point(name=name).add_verification(
        'restore', 1, False, '</title><script>alert(2)</script>')
    written = page()
    assert 'script' not in written.tags and 'img' not in written.tags
    assert '<script>alert(1)</script><img src=x> "&amp;\' \\u202e\\x1b[2J' in (
        written.texts)
    assert not set('\u202e\x1b') & set(written.source)
    assert '</title><script>alert(2)</script>' in written.text


def test_page_loads_nothing(page, add_point):
    add_point().add_verification('restore', 1, seconds=5)
    written = page()
    assert not {'script', 'link', 'img', 'iframe', 'a', 'form'} & set(
        written.tags)
    assert not {name for name, _ in written.attributes} & {
        'src', 'href', 'action', 'onload', 'style'}
    assert 'url(' not in written.source and '@import' not in written.source
    assert "default-src 'none'" in str(written.attributes)


def test_page_of_an_incomplete_report_says_why(page, add_point):
    add_point().section.update_object('metadata', '{')
    written = page(expect=1)
    assert 'This report is incomplete' in written.texts
    assert 'is corrupt' in written.text


def test_page_without_a_database_is_written(page, config_file):
    assert '0' in page().texts


def test_page_is_written_beside_the_other_output(
        run, config_file, add_point, tmp_path):
    point = add_point()
    code, out, _ = run(
        'report', '--html', tmp_path / 'x.html', '-f', 'json', '--output',
        tmp_path / 'x.json', '--config-file', config_file)
    assert (code, out) == (0, '')
    [row] = json.loads((tmp_path / 'x.json').read_text())
    assert row['checkpoint'] == point.id
    assert point.id in (tmp_path / 'x.html').read_text()


def test_page_stays_as_it_is_if_the_disk_is_full(
        run, config_file, add_point, tmp_path, monkeypatch):
    add_point()
    path = tmp_path / 'report.html'
    path.write_text('previous')

    def fail(fd):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'fsync', fail)
    code, _, err = run('report', '--html', path, '--config-file', config_file)
    assert code == 1 and 'no space left' in err
    assert path.read_text() == 'previous'
    assert list(tmp_path.glob('report*')) == [path]


@pytest.mark.parametrize('option', ['--html', '--output'])
@pytest.mark.parametrize('path', ['none/report.html', '.'])
def test_file_that_cannot_be_written_is_rejected_before_anything_is_read(
        run, config_file, fake_trove, tmp_path, monkeypatch, option, path):
    monkeypatch.chdir(tmp_path)
    code, out, err = run('report', option, path, '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert '"%s"' % path in err and 'nothing is read' in err
    assert not fake_trove.requests


def test_one_file_for_page_and_rows_is_rejected(
        run, config_file, tmp_path):
    path = tmp_path / 'report'
    code, _, err = run('report', '--html', path, '--output', path,
                       '--config-file', config_file)
    assert code == 1 and 'the same file' in err
    assert not path.exists()


def test_page_groups_databases_by_project(page, add_point, fake_trove):
    add_point()
    add_point(fake_trove.add_instance(project_id='other'), 'other')
    texts = page().texts
    assert 'Project %s' % clouds.PROJECT in texts and 'Project other' in texts
