"""The command of the page on switching that deletes an unused group."""

import pathlib
import re
import subprocess

import pytest

PAGE = (pathlib.Path(__file__).parents[2]
        / 'doc/source/install/switching.rst')
FOLDER = '/etc/karbor/providers.d'

PROVIDER = '''[provider]
name = Databases
plugin = karbor-trove-protection-plugin

'''
UNUSED = '''[database_backup_plugin]
poll_interval = 15
'''
BANK = '''
# The account of the bank.
[swift_client]
swift_user = karbor

[trove_protection_plugin]
poll_interval = 5
'''


@pytest.fixture
def delete_unused_group(tmp_path):
    """A function that runs the command of the page on provider files.

    Its arguments are the contents of the files. It returns the new contents.
    """
    [command] = [
        command for command in re.findall(
            r'^ {6}# (.*?\n)\n', PAGE.read_text(), re.DOTALL | re.MULTILINE)
        if 'database_backup_plugin' in command]
    command = command.replace(FOLDER, str(tmp_path))
    assert FOLDER not in command and str(tmp_path) in command

    def run(*texts):
        paths = [tmp_path / ('%d.conf' % number)
                 for number in range(len(texts))]
        for path, text in zip(paths, texts):
            path.write_text(text)
        subprocess.run(['sh', '-c', command], check=True)
        return [path.read_text() for path in paths]

    return run


@pytest.mark.parametrize('place', ['middle', 'end', 'start'])
@pytest.mark.parametrize(('unused', 'rest'), [
    (UNUSED, ''),
    ('[database_backup_plugin]\n', ''),
    ('[database_backup_plugin]\n#poll_interval = 15\n',
     '#poll_interval = 15\n'),
    ('[database_backup_plugin]\n# Seconds.\npoll_interval=15\n',
     '# Seconds.\n'),
], ids=['set', 'absent', 'commented-out', 'commented'])
def test_command_deletes_only_the_group_and_its_option(
        delete_unused_group, unused, rest, place):
    before, after = {'middle': (PROVIDER, BANK),
                     'end': (PROVIDER + BANK + '\n', ''),
                     'start': ('', '\n' + PROVIDER + BANK)}[place]

    [text] = delete_unused_group(before + unused + after)

    assert text == before + rest + after


def test_command_does_not_change_a_file_without_the_group(
        delete_unused_group):
    text = '; A comment.\n' + PROVIDER + BANK
    assert delete_unused_group(text) == [text]


def test_command_treats_each_file_separately(delete_unused_group):
    # A line before the first group belongs to no group, whatever the file
    # before ends with.
    other = 'debug = true\n' + PROVIDER

    assert delete_unused_group(PROVIDER + UNUSED, other) == [PROVIDER, other]
