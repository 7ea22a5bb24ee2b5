"""Tests of the runner of the sessions in the user guide, and of its pages."""

import pathlib
import uuid

import pytest

from tests.fake_trove import clock as clocks
from tests.functional import session_page

PAGES = sorted((pathlib.Path(__file__).parents[2] / 'doc/source/user').glob(
    'session-*.rst'))
#: Columns of a terminal.
WIDTH = 90

PAGE = '''\
Create a plan::

    $ PROVIDER=cf56bd3e-97a7-4078-b6d5-f36246333fd9
    $ create-plan $PROVIDER \\
        --name weekly
    | id   | ce84d66c-9759-4e28-8079-152ab8d83e66 |
    | name | weekly                               |
    $ PLAN=ce84d66c-9759-4e28-8079-152ab8d83e66

.. pause: 30 s

It is in the list::

    $ plan-list $PLAN
    | bd7c488f-e24e-4a2f-8409-a8f338227d75 | nightly |
    | ce84d66c-9759-4e28-8079-152ab8d83e66 | weekly  |
    $ show-time
    up after 2.6 s at
    127.77.87.192 on 2026-12-01
'''
PROVIDER = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
WEEKLY, NIGHTLY, OTHER = (str(uuid.uuid4()) for _ in range(3))
OUTPUTS = {
    'create-plan': '| id   | %s |\n| name | weekly |\n' % WEEKLY,
    # In another order than on the page.
    'plan-list': '| %s | weekly |\n| %s | nightly |\n' % (WEEKLY, NIGHTLY),
    'show-time': 'up after 12.0 s at 127.77.1.1\non 2027-03-04\n',
}


class Shell:
    """A shell with the outputs of commands. A list has those of each run."""

    def __init__(self, **outputs):
        self.scripts = []
        self._outputs = {
            **OUTPUTS, **{name.replace('_', '-'): output
                          for name, output in outputs.items()}}

    def run(self, script):
        self.scripts.append(script)
        command = script.splitlines()[-2].split()[0]
        if '--name' in command:
            command = 'create-plan'
        output = self._outputs.get(command, '')
        if isinstance(output, list):
            output = output.pop(0) if len(output) > 1 else output[0]
        return output


def run(shell, page=PAGE):
    return session_page.Session(shell.run, {PROVIDER: PROVIDER},
                                clocks.Clock()).run_page(page)


def test_page_is_true_with_other_ids_times_rows_and_line_breaks():
    assert run(Shell()) == (PAGE, '')


def test_commands_have_the_values_of_the_run():
    shell = Shell()
    run(shell)
    assert shell.scripts[0].splitlines() == [
        'exec 2>&1', 'PROVIDER=' + PROVIDER, 'create-plan $PROVIDER \\',
        '    --name weekly', 'true']
    assert shell.scripts[1].splitlines()[-2:] == ['sleep 30', 'true']
    assert 'PLAN=' + WEEKLY in shell.scripts[2].splitlines()


def test_different_output_is_reported_and_written_with_the_ids_of_the_page():
    page, differences = run(Shell(
        plan_list='| %s | weekly |\n| %s | hourly |\n' % (WEEKLY, NIGHTLY)))
    assert page == PAGE.replace(
        '    | bd7c488f-e24e-4a2f-8409-a8f338227d75 | nightly |\n'
        '    | ce84d66c-9759-4e28-8079-152ab8d83e66 | weekly  |\n',
        '    | ce84d66c-9759-4e28-8079-152ab8d83e66 | weekly |\n'
        '    | bd7c488f-e24e-4a2f-8409-a8f338227d75 | hourly |\n')
    assert differences.startswith('$ plan-list $PLAN\n')
    assert run(Shell(), page)[1]


def test_id_of_another_object_is_a_difference():
    page, differences = run(Shell(
        plan_list='| %s | weekly |\n| %s | nightly |\n' % (OTHER, NIGHTLY)))
    assert differences
    assert '| %s | weekly |' % OTHER in page


def test_command_is_repeated_while_its_operation_is_running():
    shell = Shell(plan_list=[
        '| %s | deleting |\n' % OTHER + OUTPUTS['plan-list'],
        OUTPUTS['plan-list']])
    assert run(shell) == (PAGE, '')
    assert sum('plan-list' in script for script in shell.scripts) == 2


def test_different_final_output_is_awaited_for_a_minute_only():
    shell = Shell(plan_list=OUTPUTS['plan-list'].replace('nightly', 'a'))
    assert run(shell)[1]
    assert sum('plan-list' in script for script in shell.scripts) < 130


def test_command_that_changes_something_runs_once():
    shell = Shell(create_plan='| id | %s |\n| name | other |\n' % WEEKLY)
    assert run(shell)[1]
    assert sum('create-plan' in script.splitlines()[-3]
               for script in shell.scripts) == 1


def test_rest_of_an_output_is_left_out():
    page = PAGE.replace('    | name | weekly' + ' ' * 31 + '|\n', '    ...\n')
    assert run(Shell(), page) == (page, '')


def test_new_page_gets_the_outputs_and_the_ids_of_its_run():
    new = ('A plan::\n\n    $ create-plan --name weekly\n'
           '    $ PLAN=%s\n' % OTHER)
    page, differences = run(Shell(), new)
    assert page == (
        'A plan::\n\n    $ create-plan --name weekly\n'
        '    | id   | %s |\n    | name | weekly |\n'
        '    $ PLAN=%s\n' % (WEEKLY, WEEKLY))
    assert differences
    assert run(Shell(), page) == (page, '')


@pytest.mark.parametrize('path', PAGES, ids=lambda path: path.stem)
def test_outputs_and_commands_fit_a_terminal(path):
    steps = session_page.parse(path.read_text(encoding='utf-8'))
    assert steps
    for step in steps:
        for line in ['$ ' + step.command.splitlines()[0],
                     *step.command.splitlines()[1:], *step.output]:
            assert len(line) <= WIDTH, line
