"""Which alert is due, over which window? No gap and no overlap, whatever the clock does."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kodkod.alerting.plan import Note, due_s, next_wake_s, plan
from kodkod.alerting.rule import Rule, rule_of

from .alerts import alert, spec


def rule(period: str = "1m", lookback: str = "1m", name: str = "a") -> Rule:
    return rule_of(alert(name, spec(dataSet="flows", period=period, lookback=lookback)))


def test_a_new_alert_runs_at_once_over_its_lookback() -> None:
    (run,) = plan([(rule(lookback="10m"), Note())], 1_000.7)
    assert (run.window.start, run.window.end, run.end_s) == (400.0, 1_000.0, 1_000.0)


def test_then_every_period_from_where_it_ended() -> None:
    assert plan([(rule(), Note(1_000.0))], 1_059.9) == []
    (run,) = plan([(rule(), Note(1_000.0))], 1_063.2)
    assert (run.window.start, run.window.end) == (1_000.0, 1_063.0)


def test_a_long_lookback_reaches_back_by_the_difference() -> None:
    (run,) = plan([(rule("1m", "5m"), Note(1_000.0))], 1_060.0)
    assert run.window.start == 1_000.0 - 240


def test_a_short_lookback_is_taken_at_its_word() -> None:
    (run,) = plan([(rule("10m", "1m"), Note(1_000.0))], 1_600.0)
    assert run.window.start == 1_540.0


def test_after_a_failure_the_window_still_begins_where_the_last_good_one_ended() -> None:
    note = Note(1_000.0, not_before_s=1_120.0)
    assert plan([(rule(), note)], 1_119.0) == []
    (run,) = plan([(rule(), note)], 1_120.0)
    assert run.window.start == 1_000.0


def test_the_longest_overdue_goes_first_and_the_loop_wakes_for_the_next() -> None:
    alerts = [(rule(name="late"), Note(900.0)), (rule(name="later"), Note(800.0)), (rule(name="not"), Note(990.0))]
    assert [run.rule.name for run in plan(alerts, 1_000.0)] == ["later", "late"]
    assert next_wake_s([alerts[2]], 1_000.0, 300.0) == 50.0
    assert next_wake_s([], 1_000.0, 300.0) == 300.0
    assert due_s(alerts[2][0], alerts[2][1], 1_000.0) == 1_050.0


@given(st.lists(st.floats(0.1, 400), min_size=1, max_size=30), st.sampled_from(["1m", "90s", "5m"]))
def test_windows_meet_however_late_the_runs_are(delays: list[float], period: str) -> None:
    one, note, now_s = rule(period, period), Note(), 1_000_000.0
    ends: list[tuple[float, float]] = []
    for delay in delays:
        now_s += delay
        for run in plan([(one, note)], now_s):
            assert run.window.start is not None
            ends.append((run.window.start, run.end_s))
            note = Note(run.end_s)
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    assert all(end <= now_s for _, end in ends)
