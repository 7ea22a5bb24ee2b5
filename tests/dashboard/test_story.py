"""A tenant's story in the browser, with and without the customization module.

Needs the sandbox, Horizon and Chromium. What the browser shows is compared
with Karbor's and Trove's APIs. Without the module some steps are done as the
documentation says: with credentials that have no effect, and through the API
instead of the command line.
"""

import datetime
import re

import pytest

from tests.dashboard import browser as browsers
from tests.dashboard import horizon_server
from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import fixture

ROWS = 100
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
        self.names = dict(zip(
            tenant.create_instances(['orders', 'stock']), ['orders', 'stock']))
        self.orders, self.stock = self.names
        for id_ in self.names:
            tenant.create_table(id_, ROWS)

    def create_plan(self, name, ticked, parameters, button):
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
        self.browser.go('/karbor/')
        with self.page.expect_navigation():
            self.browser.choose_action(plan, 'Protect Now')
        self.browser.settle()
        self.browser.check_message('Plan protection initiated')
        return self.wait_for_checkpoint(plan, 'Available')

    def schedule(self, plan):
        """Let Karbor protect a plan at the next but one minute."""
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
        assert any('verified at level backup' in row[-1]
                   for row in self.browser.read_rows())

    def restore(self, checkpoint, parameters, name):
        """Restore a checkpoint and return the row of the restore."""
        browser = self.browser
        known = {record['id'] for record in self.tenant.send(
            'GET', '/restores')['restores']}
        if self.customized:
            browser.go(f'{CHECKPOINTS}checkpoints/{checkpoint}/restore')
        else:
            # On a page the parameters do not scroll.
            browser.go(CHECKPOINTS)
            browser.choose_action(checkpoint, 'Restore Checkpoint')
        browser.open_tree()
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
        assert self.tenant.count_rows(restored) == ROWS
        if self.customized:
            assert 'orders-again' in row[-1]
            self.browser.go(f'/karbor/restores/{row[0]}/detail/')
            self.browser.take_picture('restore-reasons')

    def restore_with_a_wrong_value(self, checkpoint):
        row = self.restore(checkpoint, {
            self.orders: {'restore_volume_size': 'big'}}, 'wrong')
        assert row[2] == 'Fail', row
        expected = re.compile("restore_volume_size.*'big'")
        record = self.tenant.send('GET', f'/restores/{row[0]}')['restore']
        assert any(map(expected.search, record['resources_reason'].values()))
        if self.customized:
            assert expected.search(row[-1])
            self.browser.go(f'/karbor/restores/{row[0]}/detail/')
            self.browser.take_picture('wrong-reasons')
            assert any(expected.search(row[-1])
                       for row in self.browser.read_rows())

    def delete_checkpoint(self, checkpoint):
        self.browser.go(CHECKPOINTS)
        self.browser.choose_action(checkpoint, 'Delete Checkpoint')
        confirmation = self.browser.read_confirmation()
        self.browser.take_picture('delete', whole=False)
        if self.customized:
            assert checkpoint in confirmation
        self.browser.confirm()
        self.browser.check_message('Scheduled deletion of Checkpoint')
        self.browser.wait_for_row(
            lambda row: row[0] == checkpoint and row[3] == 'Deleted')

    def delete_failed_checkpoint(self, checkpoint):
        if self.customized:
            self.delete_checkpoint(checkpoint)
        else:
            self.tenant.delete_checkpoint(checkpoint)

    def delete_schedule_and_plans(self):
        self.browser.go('/karbor/scheduledoperations/')
        self.browser.choose_action('nightly', 'Delete Scheduled Operation')
        self.browser.confirm()
        for plan in 'both', 'whole', 'failing', 'nightly':
            self.browser.go('/karbor/')
            self.browser.choose_action(plan, 'Delete Protection Plan')
            assert f'"{plan}"' in self.browser.read_confirmation()
            self.browser.confirm()
        self.browser.take_picture('end')
        assert self.tenant.send('GET', '/plans')['plans'] == []


@pytest.mark.parametrize('customized', [True, False],
                         ids=['customized', 'plain'])
def test_tenant_protects_and_restores_databases_by_clicking(
        chromium, sandbox, folder, request, customized):
    user = request.node.callspec.id
    sandbox.add_tenants(user)
    tenant = tenants.Tenant(sandbox, user)
    pictures = request.config.getoption('pictures')
    with horizon_server.Server(
            folder, sandbox.urls['keystone'], customized) as horizon:
        browser = browsers.Browser(
            chromium, horizon.url, pictures and pictures / user)
        browser.log_in(user, sandbox.variables(user)['OS_PASSWORD'])
        browser.take_picture('logged-in')
        story = Story(browser, tenant, customized)

        story.create_plan('nightly', [story.stock], {}, 'create')
        story.schedule('nightly')

        story.create_plan('both', [story.orders, story.stock], {
            story.orders: {'backup_name': 'orders-nightly',
                           'description': 'Every night'}}, 'create')
        checkpoint = story.protect_from_the_list('both')
        assert 'orders-nightly' in {
            backup['name'] for backup in tenant.list_backups().values()}
        story.verify(checkpoint)
        story.restore_one_of_two(checkpoint)
        story.restore_with_a_wrong_value(checkpoint)

        story.create_plan('whole', [tenant.project_id], {}, 'now')
        story.delete_checkpoint(
            story.wait_for_checkpoint('whole', 'Available'))
        story.create_plan('failing', [story.orders], {
            story.orders: {'backup_name': 'fail-backup',
                           'description': 'Fails'}}, 'now')
        story.delete_failed_checkpoint(
            story.wait_for_checkpoint('failing', 'Error'))

        story.delete_checkpoint(
            story.wait_for_checkpoint('nightly', 'Available'))
        story.delete_checkpoint(checkpoint)
        story.delete_schedule_and_plans()
        assert not tenant.list_backups()
    tenant.delete_everything()
