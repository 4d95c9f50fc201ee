"""What a node has to start and stop. Times are the vectors of the product's documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.capture import intent
from kodkod.capture.intent import Capture, Fault, Filter, Phase, Window
from kodkod.capture.plan import (
    Failure,
    Key,
    Limits,
    Observed,
    Recording,
    Remove,
    SetLimits,
    Start,
    Stop,
    fold,
    next_change,
    plan,
    state_of,
)
from kodkod.clock import rfc3339
from kodkod.endpoints import Endpoint

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def packet_capture(name: str = "c", namespace: str = "dev", **spec: Any) -> Capture:
    return intent.read(
        {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}, "spec": spec}
    )


def endpoint(workload: str, namespace: str = "dev", **labels: str) -> Endpoint:
    return Endpoint(namespace, workload, "node01", f"cali-{namespace}-{workload}", ips=("10.0.0.1",), labels=labels)


def perform(observed: Observed, actions: list[Any]) -> Observed:
    """The world after a plan whose every action succeeded."""
    running, stored = dict(observed.running), dict(observed.stored)
    for action in actions:
        match action:
            case Stop(key):
                del running[key]
            case Remove(uid, _, _):
                del stored[uid]
            case SetLimits(key, limits):
                running[key] = (running[key][0], limits)
            case Start(recording, limits):
                running[recording.key] = (recording, limits)
                stored[recording.capture_uid] = (recording.namespace, recording.name)
    return Observed(running, observed.failures, stored, observed.links, observed.hold)


@pytest.mark.parametrize(
    ("start_s", "end_s", "phase"),
    [
        pytest.param(None, None, Phase.OPEN, id="unbounded"),
        pytest.param(60, None, Phase.BEFORE, id="starts-later"),
        pytest.param(-60, 60, Phase.OPEN, id="inside"),
        pytest.param(None, -1, Phase.AFTER, id="ended"),
        pytest.param(-60, -1, Phase.AFTER, id="was"),
        pytest.param(0, 60, Phase.OPEN, id="start-belongs-to-it"),
        pytest.param(-60, 0, Phase.AFTER, id="end-does-not"),
        pytest.param(60, 0, Phase.AFTER, id="never-opens"),
        pytest.param(0, 0, Phase.AFTER, id="empty"),
    ],
)
def test_windows_are_half_open(start_s: int | None, end_s: int | None, phase: Phase) -> None:
    window = Window(
        None if start_s is None else NOW + start_s * SECOND, None if end_s is None else NOW + end_s * SECOND
    )
    assert window.phase(NOW) is phase


@pytest.mark.parametrize(
    ("spec", "packets", "failure", "state"),
    [
        pytest.param({}, 0, None, "WaitingForTraffic", id="open-no-packet"),
        pytest.param({}, 3, None, "Capturing", id="open-with-packets"),
        pytest.param({"startTime": rfc3339(NOW + 60 * SECOND)}, None, None, "Scheduled", id="later"),
        pytest.param({"endTime": rfc3339(NOW - SECOND)}, None, None, "Finished", id="ended"),
        pytest.param({}, None, Fault("CannotOpen", "no such device"), "Error", id="cannot-open"),
        pytest.param({"selector": "app =="}, None, None, "Error", id="bad-selector"),
        pytest.param({"endTime": rfc3339(NOW - SECOND)}, None, Fault("X", ""), "Finished", id="ended-after-error"),
    ],
)
def test_a_recordings_state(spec: dict[str, Any], packets: int | None, failure: Fault | None, state: str) -> None:
    assert state_of(packet_capture(**spec), packets=packets, failure=failure, now=NOW)[0] == state


def test_matching_endpoints_of_the_own_namespace_start() -> None:
    capture = packet_capture(selector='app == "nginx"')
    endpoints = [
        endpoint("a", app="nginx"),
        endpoint("b", app="nginx"),
        endpoint("c", app="redis"),
        endpoint("d", "uat", app="nginx"),
    ]
    actions = plan([capture], endpoints, Observed(), NOW)
    assert [action.recording.stem for action in actions if isinstance(action, Start)] == [
        "a_cali-dev-a",
        "b_cali-dev-b",
    ]


def test_a_capture_goes_through_its_window() -> None:
    capture = packet_capture(startTime=rfc3339(NOW + 60 * SECOND), endTime=rfc3339(NOW + 120 * SECOND))
    endpoints = [endpoint("a")]
    before = plan([capture], endpoints, Observed(), NOW)
    assert before == []
    assert next_change([capture], [], NOW) == NOW + 60 * SECOND

    started = perform(Observed(), plan([capture], endpoints, Observed(), NOW + 60 * SECOND))
    assert len(started.running) == 1
    assert next_change([capture], [], NOW + 60 * SECOND) == NOW + 120 * SECOND

    ended = plan([capture], endpoints, started, NOW + 120 * SECOND)
    assert [type(action) for action in ended] == [Stop]


def test_a_start_moved_into_the_future_stops_at_once() -> None:
    endpoints = [endpoint("a")]
    running = perform(Observed(), plan([packet_capture()], endpoints, Observed(), NOW))
    later = packet_capture(startTime=rfc3339(NOW + 60 * SECOND))
    assert [type(action) for action in plan([later], endpoints, running, NOW)] == [Stop]


def test_changed_filters_close_the_file_before_the_new_one_opens() -> None:
    endpoints = [endpoint("a")]
    running = perform(Observed(), plan([packet_capture()], endpoints, Observed(), NOW))
    narrowed = packet_capture(filters=[{"protocol": "TCP", "ports": [80]}])
    actions = plan([narrowed], endpoints, running, NOW)
    assert [type(action) for action in actions] == [Stop, Start]
    assert isinstance(actions[1], Start)
    assert actions[1].recording.filters == (Filter(6, ((80, 80),)),)


def test_a_deleted_capture_stops_and_its_folder_goes_before_a_successor_starts() -> None:
    endpoints = [endpoint("a")]
    running = perform(Observed(), plan([packet_capture()], endpoints, Observed(), NOW))
    successor = intent.read({"metadata": {"name": "c", "namespace": "dev", "uid": "uid-2"}, "spec": {}})
    actions = plan([successor], endpoints, running, NOW)
    assert [type(action) for action in actions] == [Stop, Remove, Start]


def test_a_finished_capture_keeps_its_folder() -> None:
    observed = Observed(stored={"uid-dev-c": ("dev", "c")})
    assert plan([packet_capture(endTime=rfc3339(NOW))], [endpoint("a")], observed, NOW) == []


def test_a_workload_that_leaves_is_dropped() -> None:
    running = perform(Observed(), plan([packet_capture()], [endpoint("a"), endpoint("b")], Observed(), NOW))
    actions = plan([packet_capture()], [endpoint("b")], running, NOW)
    assert actions == [Stop(("uid-dev-c", endpoint("a").id))]


def test_an_interface_made_again_under_its_name_is_opened_again() -> None:
    one = endpoint("a")
    running = perform(Observed(links={one.id: 7}), plan([packet_capture()], [one], Observed(links={one.id: 7}), NOW))
    renewed = Observed(running.running, stored=running.stored, links={one.id: 8})
    assert [type(action) for action in plan([packet_capture()], [one], renewed, NOW)] == [Stop, Start]


def test_new_limits_reach_open_recordings_without_closing_them() -> None:
    running = perform(Observed(), plan([packet_capture()], [endpoint("a")], Observed(), NOW))
    actions = plan([packet_capture()], [endpoint("a")], running, NOW, limits=Limits(max_files=9))
    assert actions == [SetLimits(("uid-dev-c", endpoint("a").id), Limits(max_files=9))]


def test_nothing_is_written_under_disk_pressure() -> None:
    running = perform(Observed(), plan([packet_capture()], [endpoint("a")], Observed(), NOW))
    held = Observed(running.running, stored=running.stored, hold=Fault("DiskPressure", "full"))
    assert [type(action) for action in plan([packet_capture()], [endpoint("a")], held, NOW)] == [Stop]
    assert plan([packet_capture()], [endpoint("a")], perform(held, [Stop(k) for k in held.running]), NOW) == []


def test_a_failure_is_tried_again_after_growing_pauses() -> None:
    one, capture = endpoint("a"), packet_capture()
    key: Key = (capture.uid, one.id)
    first = Failure.next(None, Fault("CannotOpen", ""), NOW)
    second = Failure.next(first, Fault("CannotOpen", ""), first.retry_at)
    assert (first.retry_at - NOW, second.retry_at - first.retry_at) == (SECOND, 2 * SECOND)
    assert plan([capture], [one], Observed(failures={key: second}), first.retry_at) == []
    assert len(plan([capture], [one], Observed(failures={key: second}), second.retry_at)) == 1


def test_pauses_end_at_a_minute() -> None:
    failure = None
    for _ in range(50):
        failure = Failure.next(failure, Fault("CannotOpen", ""), NOW)
    assert failure is not None
    assert failure.retry_at == NOW + 60 * SECOND


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["Finished", "Capturing", "Error"], "Error"),
        (["Scheduled", "WaitingForTraffic", "Capturing"], "Capturing"),
        (["Finished", "WaitingForTraffic"], "WaitingForTraffic"),
        (["Finished", "Scheduled"], "Scheduled"),
        ([], "Finished"),
    ],
)
def test_many_states_fold_into_one(states: list[Any], expected: str) -> None:
    assert fold(states) == expected


_TIMES = st.one_of(st.none(), st.integers(-100, 100).map(lambda s: rfc3339(NOW + s * SECOND)))
_CAPTURES = st.lists(
    st.builds(
        lambda name, namespace, selector, start, end: packet_capture(
            name, namespace, selector=selector, startTime=start, endTime=end
        ),
        st.sampled_from("abc"),
        st.sampled_from(["dev", "uat"]),
        st.sampled_from(["all()", 'app == "nginx"', "!has(app)", "app =="]),
        _TIMES,
        _TIMES,
    ),
    unique_by=lambda capture: capture.uid,
    max_size=4,
)
_ENDPOINTS = st.lists(
    st.builds(
        lambda workload, namespace, app: endpoint(workload, namespace, **({"app": app} if app else {})),
        st.sampled_from("abc"),
        st.sampled_from(["dev", "uat"]),
        st.sampled_from(["nginx", "redis", ""]),
    ),
    unique_by=lambda one: one.id,
    max_size=5,
)


@given(first=_CAPTURES, second=_CAPTURES, endpoints=_ENDPOINTS, others=_ENDPOINTS, later_s=st.integers(0, 200))
def test_a_performed_plan_is_stable_and_never_crosses_a_namespace(
    first: list[Capture], second: list[Capture], endpoints: list[Endpoint], others: list[Endpoint], later_s: int
) -> None:
    before = perform(Observed(), plan(first, endpoints, Observed(), NOW))
    later = NOW + later_s * SECOND
    after = perform(before, plan(second, others, before, later))
    assert plan(second, others, after, later) == []
    by_id = {one.id: one for one in others}
    spaces = {(recording.namespace, by_id[recording.endpoint_id].namespace) for recording, _ in after.running.values()}
    assert all(capture_ns == endpoint_ns for capture_ns, endpoint_ns in spaces)


def test_a_recording_is_known_by_capture_and_endpoint() -> None:
    recording = Recording("u", "e", "dev", "c", "cali1", None, "/pcap", "a_cali1", ())
    assert recording.key == ("u", "e")
