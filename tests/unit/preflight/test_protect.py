"""Preflight checks of the protect operation."""

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import resource_status
from karbor_trove.bank import worker_process
from karbor_trove.operations import protect


class Flow:
    """The first hooks of one flow, for several instances."""

    def __init__(self, plugin, checkpoint, resources, context):
        checkpoint.resource_graph = graph.build_graph(
            resources, lambda node: [])
        self.checkpoint = checkpoint
        self.ids = [resource.id for resource in resources]
        self._context = context
        self._operations = {
            resource.id: (plugin.get_protect_operation(resource), resource)
            for resource in resources}

    def begin(self, id_, **parameters):
        operation, resource = self._operations[id_]
        operation.on_prepare_begin(
            checkpoint=self.checkpoint, resource=resource,
            context=self._context, parameters=parameters, operation_log=None)

    def refused(self, id_, **parameters):
        """Check that the hook fails, and return the lines of its reason."""
        with pytest.raises(exception.CreateResourceFailed) as raised:
            self.begin(id_, **parameters)
        section = self.section(id_)
        assert section.get_object('status') == 'error'
        reason = resource_status.read_failure_reason(section)
        assert reason in str(raised.value)
        return reason.splitlines()

    def set_listed_status(self, id_, status):
        """Set the status that Karbor has from the list of a project."""
        operation, resource = self._operations[id_]
        self._operations[id_] = operation, karbor_resource.Resource(
            resource.type, id_, resource.name, {'status': status})
        self.checkpoint.resource_graph = graph.build_graph(
            [resource for _, resource in self._operations.values()],
            lambda node: [])

    def section(self, id_):
        return self.checkpoint.get_resource_bank_section(id_)


@pytest.fixture
def new_flow(make_plugin, fake_trove, new_checkpoint, context,
             build_resource):
    """Return a function that creates a flow with so many instances.

    Its other arguments are options of the provider file.
    """
    return lambda count=3, **options: Flow(
        make_plugin(**options), new_checkpoint(), [
            build_resource(fake_trove.add_instance())
            for _ in range(count)], context)


@pytest.fixture(autouse=True)
def nothing_is_created(fake_trove):
    yield
    assert not fake_trove.find_requests('POST')


def reason_of_others(failed_ids):
    """Return the reason of the instances that have no problem themselves."""
    return ['not started, because another database of this checkpoint cannot '
            'be backed up: ' + ', '.join(sorted(failed_ids))]


@pytest.mark.parametrize('status', ['ERROR', 'FAILED'])
def test_broken_instance_refuses_the_whole_checkpoint(
        new_flow, fake_trove, status):
    flow = new_flow()
    broken = flow.ids[1]
    fake_trove.instances[broken].update(status=status, fault='No valid host')
    reasons = {id_: flow.refused(id_) for id_ in flow.ids}
    assert reasons[broken] == ['instance %s has the status %s: No valid host'
                               % (broken, status)]
    assert reasons[flow.ids[0]] == reason_of_others([broken])
    assert reasons[flow.ids[2]] == reason_of_others([broken])
    # One check for all: the list and the quotas.
    assert [request.path for request in fake_trove.requests] == [
        '/instances/detail',
        '/mgmt/quotas/' + flow.checkpoint.project_id]


def test_lost_server_refuses_the_whole_checkpoint_after_five_minutes(
        new_flow, fake_trove, clock):
    flow = new_flow()
    lost = flow.ids[1]
    fake_trove.lose_server(lost)
    start_time = clock.now()
    assert flow.refused(flow.ids[0]) == reason_of_others([lost])
    assert clock.now() - start_time == pytest.approx(300, abs=10)
    assert flow.refused(lost) == ['instance %s has the status SHUTDOWN' % lost]


def test_instance_that_is_deleted_meanwhile_refuses_nothing(
        new_flow, fake_trove):
    flow = new_flow()
    fake_trove.start_deletion(flow.ids[0], 60)
    for id_ in flow.ids:
        flow.begin(id_)
    assert flow.ids[0] not in fake_trove.instances


def test_instance_that_disappears_after_the_list_refuses_nothing(
        new_flow, fake_trove, monkeypatch):
    flow = new_flow()
    fake_trove.start_deletion(flow.ids[0], 60)
    index = fake_trove._on_instances.index

    def list_and_delete(*args, **kwargs):
        page = index(*args, **kwargs)
        fake_trove.instances.pop(flow.ids[0], None)
        return page

    monkeypatch.setattr(fake_trove._on_instances, 'index', list_and_delete)
    for id_ in flow.ids:
        flow.begin(id_)


def test_instance_that_was_deleted_needs_no_quota(new_flow, fake_trove):
    flow = new_flow()
    fake_trove.quotas['backups'] = 2
    fake_trove.start_deletion(flow.ids[0], 60)
    for id_ in flow.ids:
        flow.begin(id_)


def test_instance_that_karbor_listed_with_shutdown_refuses_nothing(
        new_flow, fake_trove):
    flow = new_flow()
    gone = flow.ids[0]
    flow.set_listed_status(gone, 'SHUTDOWN')
    del fake_trove.instances[gone]
    for id_ in flow.ids:
        flow.begin(id_)


def test_missing_instance_refuses_the_whole_checkpoint(new_flow, fake_trove):
    flow = new_flow()
    missing = flow.ids[0]
    del fake_trove.instances[missing]
    [line] = flow.refused(missing)
    assert 'instance %s' % missing in line and 'cannot be found' in line
    assert flow.refused(flow.ids[1]) == reason_of_others([missing])


@pytest.mark.parametrize('count', [1, 3])
def test_member_of_a_cluster_is_refused_and_names_the_cluster(
        new_flow, fake_trove, count):
    flow = new_flow(count)
    member = flow.ids[0]
    fake_trove.instances[member]['cluster_id'] = 'ring'
    assert flow.refused(member) == [
        'instance %s is a member of cluster ring, and Trove cannot back up '
        'members of clusters' % member]


@pytest.mark.parametrize('count', [1, 3])
@pytest.mark.parametrize('status', ['BUILD', 'REBOOT', 'BACKUP', 'UNKNOWN'])
def test_busy_instance_refuses_nothing(new_flow, fake_trove, status, count):
    flow = new_flow(count)
    fake_trove.instances[flow.ids[0]]['status'] = status
    for id_ in flow.ids:
        flow.begin(id_)
        assert flow.section(id_).get_object('status') == 'protecting'


def test_first_hook_writes_the_worker_and_the_status(new_flow):
    flow = new_flow(1)
    flow.begin(flow.ids[0])
    section = flow.section(flow.ids[0])
    assert section.get_object('worker') == worker_process.current()
    assert section.get_object('status') == 'protecting'


@pytest.mark.parametrize('count, warnings', [(2, 0), (3, 1)])
def test_a_large_plan_is_logged_once(
        new_flow, monkeypatch, caplog, count, warnings):
    monkeypatch.setattr(protect, '_LARGE_PLAN', 2)
    flow = new_flow(count)
    for id_ in flow.ids:
        flow.begin(id_)
    assert len([record for record in caplog.records
                if 'has 3 databases' in record.getMessage()]) == warnings


def test_quota_is_checked_for_all_instances_together(new_flow, fake_trove):
    flow = new_flow()
    fake_trove.add_backup(flow.ids[0], 'FAILED')
    fake_trove.quotas['backups'] = 3
    for id_ in flow.ids:
        assert flow.refused(id_) == [
            'quota of backups: this protect needs 3 and 2 of 3 are left']


def test_quota_that_is_just_enough_refuses_nothing(new_flow, fake_trove):
    flow = new_flow()
    fake_trove.quotas['backups'] = 3
    for id_ in flow.ids:
        flow.begin(id_)


def test_quotas_that_trove_does_not_show_are_not_checked(
        new_flow, fake_trove, caplog):
    caplog.set_level('INFO')
    flow = new_flow()
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    for id_ in flow.ids:
        flow.begin(id_)
    [message] = [record.getMessage() for record in caplog.records
                 if 'quotas' in record.getMessage()]
    assert 'does not show the quotas' in message
    assert len(fake_trove.find_requests('GET', '/mgmt/*')) == 1


def test_reason_lists_all_problems_of_an_instance(new_flow, fake_trove):
    flow = new_flow(2)
    fake_trove.quotas['backups'] = 1
    fake_trove.instances[flow.ids[0]]['status'] = 'ERROR'
    assert len(flow.refused(flow.ids[0])) == 2
    assert len(flow.refused(flow.ids[1])) == 1


def test_bad_parameters_refuse_the_instances_that_begin_later(
        new_flow, fake_trove):
    flow = new_flow()
    bad = flow.ids[0]
    lines = flow.refused(bad, backup_name='---', description=' ')
    assert [line.split()[0] for line in lines] == ['backup_name',
                                                   'description']
    assert flow.refused(flow.ids[1]) == reason_of_others([bad])
    assert not fake_trove.requests


def test_bad_parameters_refuse_an_instance_that_is_checking_the_flow(
        new_flow, fake_trove, monkeypatch):
    flow = new_flow()
    index = fake_trove._on_instances.index

    def refuse_other_and_list(*args, **kwargs):
        flow.refused(flow.ids[1], backup_name='---')
        return index(*args, **kwargs)

    monkeypatch.setattr(fake_trove._on_instances, 'index',
                        refuse_other_and_list)
    assert flow.refused(flow.ids[0]) == reason_of_others([flow.ids[1]])


def test_bad_option_refuses_all_before_the_first_request(
        new_flow, fake_trove):
    flow = new_flow(2, poll_interval='soon')
    for id_ in flow.ids:
        assert 'soon' in ' '.join(flow.refused(id_))
    assert not fake_trove.requests


def test_outage_is_survived_until_ready_timeout(new_flow, fake_trove, clock):
    flow = new_flow(2, ready_timeout=1000)
    fake_trove.fail('GET', '/instances/detail', 503, times=6)
    start = clock.now()
    flow.begin(flow.ids[0])
    assert clock.now() - start > 60


def test_outage_longer_than_ready_timeout_refuses_all(
        new_flow, fake_trove, clock):
    flow = new_flow(2, ready_timeout=1000)
    fake_trove.fail('*', '*', 'refused', times=None)
    start = clock.now()
    [line] = flow.refused(flow.ids[0])
    assert 'given up after 1000 s' in line and 'refused' in line
    assert flow.refused(flow.ids[1]) == [line]
    assert clock.now() - start == pytest.approx(1000)


def test_missing_rights_of_the_user_are_in_the_reason(new_flow, fake_trove):
    flow = new_flow(2)
    fake_trove.forbid()
    assert 'HTTP 403' in ' '.join(flow.refused(flow.ids[0]))


def test_databases_below_other_resources_are_checked(new_flow, fake_trove):
    flow = new_flow(2)
    project = karbor_resource.Resource('OS::Keystone::Project', 'p', 'tenant')
    flow.checkpoint.resource_graph = [graph.GraphNode(
        project, tuple(flow.checkpoint.resource_graph))]
    fake_trove.instances[flow.ids[1]]['status'] = 'ERROR'
    assert flow.refused(flow.ids[0]) == reason_of_others([flow.ids[1]])
