"""The numbers of the page about capacity, computed with the code."""

import math
import random
import re

import pytest

from tests.unit.operations import capacity


@pytest.mark.parametrize('duration, fewest, most',
                         capacity.read_rows('backup takes'))
def test_number_of_polls_is_that_of_the_page(
        monkeypatch, duration, fewest, most):
    number, unit = duration.split()
    seconds = int(number) * capacity.SECONDS[unit]
    for jitter, expected in ((max, fewest), (min, most)):
        monkeypatch.setattr(random, 'uniform', lambda *bounds: jitter(bounds))
        assert capacity.count_polls(seconds) == int(expected)


@pytest.mark.parametrize('chain_length, max_backups, most, full', [
    [int(cell) for cell in row]
    for row in capacity.read_rows('``full_backup_every``')])
def test_number_of_kept_backups_is_that_of_the_page(
        make_plugin, fake_trove, new_checkpoint, resource, context,
        chain_length, max_backups, most, full):
    plugin = make_plugin(full_backup_every=chain_length)
    arguments = {'resource': resource, 'context': context}
    checkpoints, counts, full_counts = [], [], []
    for _ in range(max_backups + 3 * chain_length):
        # Karbor creates a checkpoint, and deletes those that are too many
        # while the backup is created [retention_operation.py, 1.6.0].
        surplus = checkpoints[:-max_backups]
        checkpoint = new_checkpoint()
        operation = plugin.get_protect_operation(resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint=checkpoint, parameters={'incremental': 'True'},
                 **arguments)
        checkpoints.append(checkpoint)
        counts.append(len(fake_trove.backups))
        full_counts.append(sum(not backup.get('parent_id') for backup
                               in fake_trove.backups.values()))
        for old in surplus:
            plugin.get_delete_operation(resource).on_main(
                checkpoint=old, parameters={}, **arguments)
            checkpoints.remove(old)
    assert max(counts) == most == max_backups + chain_length + 1
    assert max(full_counts) == full == math.ceil(most / chain_length)


def test_calculations_of_the_example_are_right():
    lines = re.findall(r'^    .* : (.*) = (\d+)\b', capacity.PAGE.read_text(),
                       re.MULTILINE)
    assert len(lines) > 5
    for formula, result in lines:
        assert capacity.compute(formula) == int(result), formula
