"""Page of the benchmark."""

import pytest

from tests.benchmark import page
from tests.benchmark import results
from tests.unit.benchmark import samples


@pytest.fixture
def data():
    return samples.data()


def build(data):
    return page.Page(data).build('benchmark.svg')


def read_section(text, title):
    """Return the lines of a section."""
    lines = text.splitlines()
    start = lines.index(title) + 2
    end = next((number for number in range(start, len(lines) - 1)
                if set(lines[number + 1]) == {'='}), len(lines))
    return '\n'.join(lines[start:end])


def list_tables(text):
    """Return the number of cells of each row, by table."""
    tables = []
    for line in text.splitlines():
        if line == '.. list-table::':
            tables.append([])
        elif line.startswith('   * - '):
            tables[-1].append(1)
        elif line.startswith('     - '):
            tables[-1][-1] += 1
    return tables


def test_rows_of_a_table_have_the_same_number_of_cells(data):
    tables = list_tables(build(data))
    assert len(tables) == 17
    for rows in tables:
        assert len(rows) > 1 and len(set(rows)) == 1


def test_page_of_a_run_without_figures_says_so(data):
    data['arguments'].update(sizes=[1], seconds=[2.0], checkpoints=[1],
                             operation_sizes=[])
    data.update(protect=[], operations=[], listing=[], growth=[], control=[],
                skipped=[], failed=[], real={'skipped': 'it was not wanted'})
    text = build(data)
    assert all(len(set(rows)) == 1 for rows in list_tables(text))
    assert text.count('\nNot measured.\n') == 3
    assert 'Nothing was left out.' in text


def test_recommended_size_follows_from_the_time_to_build_a_flow(data):
    # 0.0001 * n ** 2 seconds for n databases: 10 s for 316, 60 s for 774.
    text = read_section(build(data), 'Size of a plan')
    assert '**Put at most 300 databases into one plan.**' in text
    assert 'takes about\n9 s' in text
    assert 'the power 2.0\n' in text
    assert 'more than about 750\ndatabases' in text


def test_recommended_size_is_not_above_the_limit_of_a_restore(data):
    for sample in data['protect']:
        sample['build_seconds'] = 0.001 * sample['size']
    text = read_section(build(data), 'Size of a plan')
    assert '**Put at most 550 databases into one plan.**' in text
    assert 'The statuses of 897 databases fit' in text
    assert 'The reasons of 574 databases fit' in text


def test_number_of_databases_above_which_the_log_warns_is_named(data):
    text = read_section(build(data), 'Size of a plan')
    assert 'checkpoint with more than\n300 databases.\n' in text
    assert 'warns too late' not in text
    for sample in data['protect']:
        sample['build_seconds'] *= 1.5
    text = read_section(build(data), 'Size of a plan')
    assert '**Put at most 250 databases into one plan.**' in text
    assert ('300 databases. **This number is above the recommendation, so the '
            'log\nwarns too late.**\n' in text)


def test_small_run_recommends_no_size(data):
    data['arguments']['sizes'] = [1, 10]
    text = read_section(build(data), 'Size of a plan')
    assert 'This run had too few sizes' in text


def test_table_has_a_row_for_each_size_and_duration(data):
    text = read_section(build(data), 'Requests')
    assert text.count('   * - ') == 1 + 4 * 2
    assert '''\
   * - 8 h
     - 1,000
     - 1.12
     - 20
     - 1.12
     - 20
''' in text


def test_skipped_cells_have_their_reason(data):
    assert ('* in-tree with 1,000 databases and backups of 8 h: not run'
            in read_section(build(data), 'Requests'))


def test_failed_limit_is_marked(data):
    for sample in data['protect']:
        if sample['plugin'] == results.OURS:
            sample['late'] = 2.5
    assert '''\
   * - lateness, median, backups of 31 s, up to 100 databases
     - 2 s
     - 2.50 s
     - **fail**
''' in read_section(build(data), 'Limits')


def test_limit_that_is_not_measurable_has_its_noise(data):
    data['protect'] += [
        samples.protect(results.NOOP, 1000, None, 100.0, memory, 100.0)
        for memory in (74.0, 125.0)]
    assert '''backups of 31 s, 1,000 databases
     - 50 kB
     - 40 kB
     - not measurable, the runs of noop differ by 51 kB
''' in read_section(build(data), 'Limits')


def test_limit_without_a_recommendation_is_not_measured(data):
    data['arguments']['sizes'] = [1, 10]
    assert '''compared with the recommended number
     - -
     - -
     - not measured
''' in read_section(build(data), 'Limits')


def test_karbor_alone_is_beside_the_plugins(data):
    text = read_section(build(data), 'CPU time and memory')
    # A row for each size and duration.
    assert text.count('     - Karbor alone\n') == 4 * 2
    assert '''\
   * - 31 s
     - 100
     - Karbor alone
     - 2
     - 1
     - 0
     - 1
     - 0
''' in text
    assert '''\
   * - part
     - noop
     - Karbor alone
     - karbor-trove
     - in-tree
   * - bank
     - 75
     - 75
     - 82.5
     - 90
''' in read_section(build(data), 'Where the CPU time goes')


def test_99th_percentile_is_that_of_all_runs(data):
    late = samples.protect(results.OURS, 1, 31.0, 0.01, 0.04, late=3.0)
    data['protect'].append(late)
    text = read_section(build(data), 'Lateness')
    assert 'that of the databases of all runs together' in text
    assert '''\
   * - 31 s
     - 1
     - 2 (1 to 3)
     - 3 (1 to 3)
''' in text
    for sample in data['protect']:
        sample.pop('lateness', None)
    text = read_section(build(data), 'Lateness')
    assert 'the median of the percentiles of the\nruns' in text
    assert '''\
   * - 31 s
     - 1
     - 2 (1 to 3)
     - 2 (1 to 3)
''' in text


def test_failure_of_the_in_tree_plugin_is_on_the_page(data):
    assert ('The in-tree plugin with 100 databases failed: no such instance'
            in build(data))


def test_number_of_runs_is_on_the_page(data):
    data['protect'] += [sample for sample in data['protect']
                        if sample['size'] == 1 and sample['seconds'] == 31.0]
    data['operations'] += data['operations'][:1]
    text = read_section(build(data), 'How it is measured')
    rows = [row.replace('\n     - ', ' | ').replace('\n', '')
            for row in text.split('   * - ')]
    for row in (
            # noop has the same cell for all durations.
            'checkpoint | 31 s | 1 | 1 | 2 | 2 | 2',
            'checkpoint | 8 h | 1 | 1 | 1 | 1 | 1',
            'list of instances | - | 5,000 | - | - | 1 | 1',
            'restore, verify and delete | - | 1 | - | - | 2 | 1',
            'growth with older checkpoints | - | 1 | - | - | 1 | -',
            'real Trove, all operations | - | 10 | - | - | 1 | 1',
            'fake Trove, all operations | - | 10 | - | - | 1 | 1',
            'skipping clock | 31 s | 10 | - | - | 1 | 1'):
        assert row in rows


def test_order_of_the_runs_is_on_the_page_if_they_had_it(data):
    assert 'The runs of the cells of one size alternate.' in build(data)
    del data['arguments']['runs']
    assert 'alternate' not in build(data)


@pytest.mark.parametrize('seconds, expected', [
    (2.0, '2 s'), (31.0, '31 s'), (28800.0, '8 h')])
def test_durations_have_a_unit(seconds, expected):
    assert page.format_seconds(seconds) == expected


def test_reason_without_a_real_trove_is_on_the_page(data):
    data['real'] = {'skipped': 'the run was with --no-real-trove'}
    assert ('Not measured, because the run was with --no-real-trove.'
            in read_section(build(data), 'Comparison with a real Trove'))


def test_real_trove_and_small_server_have_a_row_each(data):
    text = read_section(build(data), 'Comparison with a real Trove')
    assert 'Trove 26.0.0' in text
    for trove in ('real', 'fake'):
        assert text.count("""\
   * - delete
     - 10
     - in-tree
     - %s
     - 2.20
     - 0.40
     - 1
     - 1
     - 100
     - 40
""" % trove) == 1


def test_only_requests_that_differ_are_listed(data):
    text = read_section(build(data), 'Comparison with a real Trove')
    # With 10 databases both needed 10.
    assert text.count('``Trove GET /v1.0/*/backups``') == 4 * 2
    assert """\
     - ``Trove GET /v1.0/*/backups``
     - 1
     - 10
""" in text


def test_equal_requests_with_a_real_trove_have_no_table(data):
    for sample in data['real']['samples']:
        sample['counts'] = {}
    text = read_section(build(data), 'Comparison with a real Trove')
    assert 'as the median of the runs:\n\nNone.\n' in text


def test_longest_response_of_each_size_is_on_the_page(data):
    text = read_section(build(data), 'Comparison with a real Trove')
    assert '0.50 s with 1 database and 5 s with 10 databases.' in text


def test_failure_of_the_in_tree_plugin_with_a_real_trove_is_shown(data):
    data['real']['failed'] = [{'size': 10, 'reason': 'failed: no backup'}]
    data['real']['samples'] = [
        sample for sample in data['real']['samples']
        if sample['plugin'] == results.OURS or sample['size'] == 1]
    text = read_section(build(data), 'Comparison with a real Trove')
    assert ('The in-tree plugin with 10 databases failed: no backup\n\n'
            in text)


def test_missing_broker_is_a_reason_on_the_page(data):
    assert ('Not measured, because RabbitMQ is missing.'
            in read_section(build(data), 'Several protection services'))


def add_services(data, **values):
    data['services'] = dict(
        plans=30, databases=10, full_split=[11, 10, 9], full_seconds=9.0,
        incremental_split=[10, 10, 10], incremental_seconds=8.0, rounds=20,
        chain=3, deferred=0, killed_during=12, interrupted=4, **values)


def test_shares_of_several_services_are_on_the_page(data):
    add_services(data, deletion_split=[21, 20, 19],
                 versions={'RabbitMQ': '3.10.8', 'PostgreSQL': '17.2'})
    text = build(data)
    section = read_section(text, 'Several protection services')
    assert 'created 11, 10, 9 of' in section
    assert 'carried out 21, 20, 19 of the deletions' in section
    assert 'no backup was still to be deleted' in section
    assert """\
   * - RabbitMQ
     - 3.10.8
   * - PostgreSQL
     - 17.2
""" in text
    assert 'several protection services\n     - -\n     - 300\n' in text


def test_backups_that_were_deleted_later_are_on_the_page(data):
    add_services(data)
    data['services']['deferred'] = 2
    text = read_section(build(data), 'Several protection services')
    assert '2 backups were still to be deleted. A later operation' in text
    # Results of earlier versions lack the number by service.
    assert 'carried out' not in text
