"""What is found out before the first backup of a checkpoint begins."""

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import status as bank_status_
from karbor_trove.bank import worker


class Flow:
    """The hooks of one flow, on several instances."""

    def __init__(self, plugin, checkpoint, resources, context):
        checkpoint.resource_graph = graph.build_graph(
            resources, lambda node: [])
        self.checkpoint = checkpoint
        self.ids = [one.id for one in resources]
        self._context = context
        self._operations = {
            one.id: (plugin.get_protect_operation(one), one)
            for one in resources}

    def begin(self, id_, **parameters):
        operation, resource = self._operations[id_]
        operation.on_prepare_begin(
            checkpoint=self.checkpoint, resource=resource,
            context=self._context, parameters=parameters, operation_log=None)

    def refused(self, id_, **parameters):
        """Begin in vain; gives the lines that the bank keeps."""
        with pytest.raises(exception.CreateResourceFailed) as raised:
            self.begin(id_, **parameters)
        section = self.section(id_)
        assert section.get_object('status') == 'error'
        assert bank_status_.read_failure_reason(section) in str(raised.value)
        return bank_status_.read_failure_reason(section).splitlines()

    def section(self, id_):
        return self.checkpoint.get_resource_bank_section(id_)


@pytest.fixture
def new_flow(make_plugin, fake_trove, new_checkpoint, context, in_threads):
    """Makes a flow of so many instances; takes the provider's options."""
    return lambda count=3, **options: Flow(
        make_plugin(**options), new_checkpoint(), [
            in_threads.resource(fake_trove.add_instance())
            for _ in range(count)], context)


@pytest.fixture(autouse=True)
def nothing_is_made(fake_trove):
    yield
    assert not fake_trove.find_requests('POST')


def others(bad):
    return ['not begun, since another database of this checkpoint cannot be '
            'backed up: ' + ', '.join(sorted(bad))]


@pytest.mark.parametrize('status', ['ERROR', 'FAILED', 'SHUTDOWN'])
def test_one_that_is_broken_stops_all(new_flow, fake_trove, status):
    flow = new_flow()
    bad = flow.ids[1]
    fake_trove.instances[bad].update(status=status, fault='No valid host')
    reasons = {id_: flow.refused(id_) for id_ in flow.ids}
    assert reasons[bad] == ['instance %s has the status %s: No valid host'
                            % (bad, status)]
    assert reasons[flow.ids[0]] == reasons[flow.ids[2]] == others([bad])
    # Once for all: a list, the broken one's fault, quotas.
    assert [one.path for one in fake_trove.requests] == [
        '/instances', '/instances/' + bad,
        '/mgmt/quotas/' + flow.checkpoint.project_id]


def test_one_that_is_gone_stops_all(new_flow, fake_trove):
    flow = new_flow()
    bad = flow.ids[0]
    del fake_trove.instances[bad]
    [line] = flow.refused(bad)
    assert 'instance %s' % bad in line and 'cannot be found' in line
    assert flow.refused(flow.ids[1]) == others([bad])


@pytest.mark.parametrize('count', [1, 3])
def test_a_member_of_a_cluster_is_told_as_one(new_flow, fake_trove, count):
    flow = new_flow(count)
    bad = flow.ids[0]
    fake_trove.instances[bad]['cluster_id'] = 'ring'
    assert flow.refused(bad) == [
        'instance %s is a member of cluster ring, and Trove backs up none of '
        'those' % bad]


@pytest.mark.parametrize('count', [1, 3])
@pytest.mark.parametrize('status', ['BUILD', 'REBOOT', 'BACKUP', 'UNKNOWN'])
def test_one_that_is_merely_busy_stops_nothing(new_flow, fake_trove, status,
                                               count):
    flow = new_flow(count)
    fake_trove.instances[flow.ids[0]]['status'] = status
    for id_ in flow.ids:
        flow.begin(id_)
        assert flow.section(id_).get_object('status') == 'protecting'


def test_who_works_on_it_is_in_the_bank_from_the_beginning(new_flow):
    flow = new_flow(1)
    flow.begin(flow.ids[0])
    section = flow.section(flow.ids[0])
    assert section.get_object('worker') == worker.current()
    assert section.get_object('status') == 'protecting'


def test_the_quota_is_for_all_of_them_together(new_flow, fake_trove):
    flow = new_flow()
    fake_trove.add_backup(flow.ids[0], 'FAILED')
    fake_trove.quotas['backups'] = 3
    for id_ in flow.ids:
        assert flow.refused(id_) == [
            'quota of backups: this protect needs 3 and 2 of 3 are left']


def test_a_quota_that_just_suffices_stops_nothing(new_flow, fake_trove):
    flow = new_flow()
    fake_trove.quotas['backups'] = 3
    for id_ in flow.ids:
        flow.begin(id_)


def test_quotas_that_are_not_told_are_not_checked(new_flow, fake_trove,
                                                  caplog):
    caplog.set_level('INFO')
    flow = new_flow()
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    for id_ in flow.ids:
        flow.begin(id_)
    [told] = [one.getMessage() for one in caplog.records
              if 'quotas' in one.getMessage()]
    assert 'does not tell the quotas' in told
    assert len(fake_trove.find_requests('GET', '/mgmt/*')) == 1


def test_all_that_is_wrong_is_told_at_once(new_flow, fake_trove):
    flow = new_flow(2)
    fake_trove.quotas['backups'] = 1
    fake_trove.instances[flow.ids[0]]['status'] = 'ERROR'
    assert len(flow.refused(flow.ids[0])) == 2
    assert len(flow.refused(flow.ids[1])) == 1


def test_bad_parameters_of_one_stop_those_that_begin_after_it(
        new_flow, fake_trove):
    flow = new_flow()
    bad = flow.ids[0]
    lines = flow.refused(bad, backup_name='---', description=' ')
    assert [line.split()[0] for line in lines] == ['backup_name',
                                                   'description']
    assert flow.refused(flow.ids[1]) == others([bad])
    assert not fake_trove.requests


def test_and_those_that_just_look(new_flow, fake_trove, monkeypatch):
    flow = new_flow()
    index = fake_trove._on_instances.index

    def look(*args, **kwargs):
        flow.refused(flow.ids[1], backup_name='---')
        return index(*args, **kwargs)

    monkeypatch.setattr(fake_trove._on_instances, 'index', look)
    assert flow.refused(flow.ids[0]) == others([flow.ids[1]])


def test_a_bad_option_stops_all_before_anything_is_asked(
        new_flow, fake_trove):
    flow = new_flow(2, poll_interval='soon')
    for id_ in flow.ids:
        assert 'soon' in ' '.join(flow.refused(id_))
    assert not fake_trove.requests


def test_a_trove_that_is_away_is_borne_as_long_as_a_busy_instance(
        new_flow, fake_trove, clock):
    flow = new_flow(2, ready_timeout=1000)
    fake_trove.fail('GET', '/instances', 503, times=6)
    began = clock.now()
    flow.begin(flow.ids[0])
    assert clock.now() - began > 60


def test_but_not_for_ever(new_flow, fake_trove, clock):
    flow = new_flow(2, ready_timeout=1000)
    fake_trove.fail('*', '*', 'refused', times=None)
    began = clock.now()
    [first] = flow.refused(flow.ids[0])
    assert 'given up after 1000 s' in first and 'refused' in first
    assert flow.refused(flow.ids[1]) == [first]
    assert clock.now() - began == pytest.approx(1000)


def test_a_user_without_rights_is_told(new_flow, fake_trove):
    flow = new_flow(2)
    fake_trove.forbid()
    assert 'HTTP 403' in ' '.join(flow.refused(flow.ids[0]))


def test_databases_are_found_below_other_resources(new_flow, fake_trove):
    flow = new_flow(2)
    project = karbor_resource.Resource('OS::Keystone::Project', 'p', 'tenant')
    flow.checkpoint.resource_graph = [graph.GraphNode(
        project, tuple(flow.checkpoint.resource_graph))]
    fake_trove.instances[flow.ids[1]]['status'] = 'ERROR'
    assert flow.refused(flow.ids[0]) == others([flow.ids[1]])
