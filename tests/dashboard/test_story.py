"""A tenant's story in the browser, with and without the customization module.

Needs the sandbox, Horizon and Chromium. What the browser shows is compared
with Karbor's and Trove's APIs. Without the module some steps are done as the
documentation says: with credentials that have no effect, and through the API
instead of the command line.

The pictures have the names that the documentation uses for them.
"""

import datetime
import logging
import re

import pytest

from tests.dashboard import browser as browsers
from tests.dashboard import horizon_server
from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import fixture

LOG = logging.getLogger(__name__)
#: Database name -> rows of its table.
ROWS = {'orders': 100, 'stock': 40}
TYPE = tenants.TYPE
CHECKPOINTS = f'/karbor/checkpoints/{cloud.PROVIDER_ID}/'
RESTORE = 'form#restore_checkpoint_form [type=submit]'
#: Karbor requires all of them or none. They have no effect.
DUMMIES = {'restore_target': 'http://localhost',
           'restore_target_username': 'nobody',
           'restore_target_password': 'nothing'}


@pytest.fixture(scope='session')
def sandbox(request):
    with fixture.running(request) as running:
        yield running


class Story:
    """What a tenant does and sees."""

    def __init__(self, browser, tenant, customized):
        self.browser = browser
        self.page = browser.page
        self.tenant = tenant
        self.customized = customized

    def create_databases(self):
        LOG.info('create databases')
        ids = self.tenant.create_instances(ROWS)
        self.names = dict(zip(ids, ROWS))
        self.orders, self.stock = ids
        for id_, name in self.names.items():
            self.tenant.create_table(id_, ROWS[name])

    def log_in(self, user, password):
        LOG.info('log in')
        self.browser.log_in(user, password)
        assert user in self.page.inner_text('nav.navbar')
        self.browser.go('/karbor/')
        self.browser.take_picture('logged-in')

    def create_plan(self, name, ticked, parameters, button):
        LOG.info('create the plan %s', name)
        browser = self.browser
        browser.go('/karbor/create/')
        browser.open_tree()
        self.page.fill('#id_name', name)
        for id_ in ticked:
            browser.tick(id_)
        for id_, values in parameters.items():
            browser.open_parameters(id_)
            browser.fill_parameters(values)
            browser.take_picture(f'plan-{name}-{self.names[id_]}', whole=False)
            browser.save_parameters()
        browser.take_picture(f'plan-{name}')
        browser.submit(f'.btn-primary.{button}')
        browser.check_message('Protection Plan created successfully.')

    def find_plan(self, name):
        [plan] = [plan for plan in self.tenant.send('GET', '/plans')['plans']
                  if plan['name'] == name]
        return plan

    def wait_for_checkpoint(self, plan, status):
        """Return the id of the plan's checkpoint when it has this status."""
        self.browser.go(CHECKPOINTS)
        row = self.browser.wait_for_row(
            lambda row: row[2] == plan and row[3] in ('Available', 'Error'),
            timeout=240)
        assert row[3] == status, row
        self.browser.take_picture(f'checkpoint-{plan}')
        return row[0]

    def protect_from_the_list(self, plan):
        LOG.info('protect %s', plan)
        self.browser.go('/karbor/')
        with self.page.expect_navigation():
            self.browser.choose_action(plan, 'Protect Now')
        self.browser.settle()
        self.browser.check_message('Plan protection initiated')
        return self.wait_for_checkpoint(plan, 'Available')

    def protect_two(self):
        """Protect two databases, each with its own parameters."""
        texts = {id_: {'backup_name': f'{name}-nightly',
                       'description': f'Every night, for {name}'}
                 for id_, name in self.names.items()}
        self.create_plan('both', texts, texts, 'create')
        checkpoint = self.protect_from_the_list('both')
        # The schedule may have created a backup as well.
        assert {(id_, *values.values()) for id_, values in texts.items()} <= {
            (backup['instance_id'], backup['name'], backup['description'])
            for backup in self.tenant.list_backups().values()}
        return checkpoint

    def protect_the_project(self):
        """Protect all databases of the project without any parameters."""
        project = self.tenant.project_id
        self.create_plan('whole', [project], {}, 'now')
        checkpoint = self.wait_for_checkpoint('whole', 'Available')
        databases = self.tenant.list_instance_ids()
        plan = self.find_plan('whole')
        assert not any(plan['parameters'].values()), plan
        assert {resource['id'] for resource in plan['resources']} == {
            project, *databases}
        # The default name and description have the id of the checkpoint.
        assert {backup['instance_id']
                for backup in self.tenant.list_backups().values()
                if checkpoint in backup['name']
                and checkpoint in backup['description']
                and backup['status'] == 'COMPLETED'} == databases
        return checkpoint

    def schedule(self, plan):
        """Let Karbor protect a plan at the next but one minute."""
        LOG.info('schedule the plan %s', plan)
        when = datetime.datetime.now(
            datetime.timezone.utc) + datetime.timedelta(minutes=2)
        self.browser.go('/karbor/triggers/create/')
        self.page.fill('#id_name', 'every-day')
        self.page.fill('#id_time', when.strftime('%H:%M'))
        self.browser.take_picture('trigger')
        self.browser.submit('form#create_trigger_form [type=submit]')
        self.browser.check_message('Trigger created successfully.')
        self.browser.go(
            f'/karbor/{self.find_plan(plan)["id"]}/scheduleprotect/')
        self.browser.take_picture('schedule')
        self.browser.submit('form#scheduleprotect_form [type=submit]')
        self.browser.check_message('Schedule protect successfully.')
        self.browser.go('/karbor/scheduledoperations/')
        self.browser.take_picture('scheduled')
        self.browser.wait_for_row(lambda row: plan in row)

    def verify(self, checkpoint):
        LOG.info('verify')
        if not self.customized:
            self.tenant.verify(checkpoint)
            return
        self.browser.go(CHECKPOINTS)
        with self.page.expect_navigation():
            self.browser.choose_action(checkpoint, 'Verify Checkpoint')
        self.browser.settle()
        self.browser.check_message('Checkpoint verification initiated')
        row = self.browser.wait_for_row(
            lambda row: checkpoint in row and 'In Progress' not in row)
        self.browser.take_picture('verifications')
        assert 'Success' in row, row
        assert 'verified at level backup' in row[-1]
        self.browser.go(f'/karbor/verifications/{row[0]}/detail/')
        self.browser.take_picture('verification')
        reasons = {row[0]: row[-1] for row in self.browser.read_rows()}
        assert reasons.keys() == set(ROWS), reasons
        for reason in reasons.values():
            assert 'verified at level backup' in reason

    def list_restore_ids(self):
        return {record['id'] for record in self.tenant.send(
            'GET', '/restores')['restores']}

    def restore(self, checkpoint, parameters, name):
        """Restore a checkpoint and return the row of the restore."""
        LOG.info('restore: %s', name)
        browser = self.browser
        known = self.list_restore_ids()
        if self.customized:
            browser.go(f'{CHECKPOINTS}checkpoints/{checkpoint}/restore')
        else:
            # On a page the parameters do not scroll.
            browser.go(CHECKPOINTS)
            browser.choose_action(checkpoint, 'Restore Checkpoint')
        # The plan does not have the project, so the databases have no parent.
        browser.wait_for_resources()
        for id_, values in parameters.items():
            browser.open_parameters(id_)
            browser.fill_parameters(values)
            browser.take_picture(f'{name}-{self.names[id_]}', whole=False)
            browser.save_parameters()
        if not self.customized:
            self.page.click('label[for=id_use_current_session]')
            for field, value in DUMMIES.items():
                self.page.fill(f'#id_{field}', value)
        browser.take_picture(name)
        browser.submit(RESTORE)
        browser.check_message('Checkpoint restore initiated')
        row = browser.wait_for_row(
            lambda row: row[0] not in known and row[2] in ('Success', 'Fail'))
        browser.take_picture(f'{name}-result')
        return row

    def restore_is_refused_with_the_current_session(self, checkpoint):
        """Without the module Karbor refuses the dashboard's default."""
        LOG.info('restore with the current session')
        known = self.list_restore_ids()
        self.browser.go(f'{CHECKPOINTS}checkpoints/{checkpoint}/restore')
        self.browser.submit(RESTORE)
        self.browser.check_message('Unable to restore checkpoint.')
        self.browser.take_picture('refused', whole=False)
        assert self.list_restore_ids() == known

    def restore_one_of_two(self, checkpoint):
        row = self.restore(checkpoint, {
            self.orders: {'restore_name': 'orders-again',
                          'restore_volume_size': '2'},
            self.stock: {'restore_skip': True}}, 'restore')
        assert row[2] == 'Success', row
        [restored] = self.tenant.list_instance_ids() - {
            self.orders, self.stock}
        instance = self.tenant.trove.instances.get(restored).to_dict()
        assert instance['name'] == 'orders-again'
        assert instance['volume']['size'] == 2
        assert self.tenant.count_rows(restored) == ROWS['orders']
        if self.customized:
            assert 'orders-again' in row[-1]
            self.browser.go(f'/karbor/restores/{row[0]}/detail/')
            self.browser.take_picture('restore-reasons')
            assert any('left out by restore_skip' in row[-1]
                       for row in self.browser.read_rows())

    def restore_with_a_wrong_value(self, checkpoint):
        databases = self.tenant.list_instance_ids()
        row = self.restore(checkpoint, {
            self.orders: {'restore_volume_size': 'big'},
            self.stock: {'restore_skip': True}}, 'wrong')
        assert row[2] == 'Fail', row
        assert self.tenant.list_instance_ids() == databases
        expected = re.compile("restore_volume_size.*'big'")
        record = self.tenant.send('GET', f'/restores/{row[0]}')['restore']
        assert any(map(expected.search, record['resources_reason'].values()))
        if self.customized:
            assert expected.search(row[-1])
            self.browser.go(f'/karbor/restores/{row[0]}/detail/')
            self.browser.take_picture('wrong-reasons')
            assert any(expected.search(row[-1])
                       for row in self.browser.read_rows())

    def fail(self):
        """Return the id of a checkpoint whose backup has failed."""
        self.create_plan('failing', [self.orders], {
            self.orders: {'backup_name': 'fail-backup',
                          'description': 'Fails'}}, 'now')
        return self.wait_for_checkpoint('failing', 'Error')

    def delete_checkpoint(self, checkpoint):
        LOG.info('delete the checkpoint %s', checkpoint)
        self.browser.go(CHECKPOINTS)
        self.browser.choose_action(checkpoint, 'Delete Checkpoint')
        confirmation = self.browser.read_confirmation()
        self.browser.take_picture('delete', whole=False)
        if self.customized:
            assert checkpoint in confirmation
        self.browser.confirm()
        self.browser.check_message('Scheduled deletion of Checkpoint')
        # Karbor does not list a deleted checkpoint.
        self.browser.wait_for_rows(lambda rows: all(
            row[3] == 'Deleted' for row in rows if row[0] == checkpoint))
        assert self.tenant.get_checkpoint_status(checkpoint) == 'deleted'

    def delete_failed_checkpoint(self, checkpoint):
        if self.customized:
            self.delete_checkpoint(checkpoint)
        else:
            self.tenant.delete_checkpoint(checkpoint)

    def delete_schedule_and_plans(self):
        LOG.info('delete the schedule and the plans')
        self.browser.go('/karbor/scheduledoperations/')
        self.browser.choose_action('nightly', 'Delete Scheduled Operation')
        self.browser.confirm()
        for plan in 'both', 'whole', 'failing', 'nightly':
            self.browser.go('/karbor/')
            self.browser.choose_action(plan, 'Delete Protection Plan')
            assert f'"{plan}"' in self.browser.read_confirmation()
            self.browser.confirm()
        assert self.tenant.send('GET', '/plans')['plans'] == []


def tell(story, user, password):
    """Do all steps of the story."""
    story.create_databases()
    story.log_in(user, password)
    # It runs during the other steps.
    story.create_plan('nightly', [story.stock], {}, 'create')
    story.schedule('nightly')

    checkpoint = story.protect_two()
    story.verify(checkpoint)
    if not story.customized:
        story.restore_is_refused_with_the_current_session(checkpoint)
    story.restore_one_of_two(checkpoint)
    story.restore_with_a_wrong_value(checkpoint)
    story.delete_checkpoint(story.protect_the_project())
    story.delete_failed_checkpoint(story.fail())

    story.delete_checkpoint(
        story.wait_for_checkpoint('nightly', 'Available'))
    story.delete_checkpoint(checkpoint)
    story.delete_schedule_and_plans()
    assert not story.tenant.list_backups()


@pytest.mark.parametrize('customized', [True, False],
                         ids=['customized', 'plain'])
def test_tenant_protects_and_restores_databases_by_clicking(
        chromium, folder, sandbox, request, customized):
    user = 'shop' if customized else 'books'
    sandbox.add_tenants(user)
    tenant = tenants.Tenant(sandbox, user)
    pictures = request.config.getoption('pictures')
    with horizon_server.Server(
            folder, sandbox.urls['keystone'], customized) as horizon:
        browser = browsers.Browser(
            chromium, horizon.url,
            pictures and pictures / request.node.callspec.id)
        try:
            tell(Story(browser, tenant, customized), user,
                 sandbox.variables(user)['OS_PASSWORD'])
        except Exception:
            browser.take_picture('failure')
            raise
        browser.page.close()
    tenant.delete_everything()
