"""Who was there a moment ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.recent import REMEMBERED, Recent

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEB = Endpoint("dev", "web", "node01", "veth1", ips=("10.0.0.1",), uid="u1", link=7)
AGAIN = Endpoint("dev", "web", "node01", "veth2", ips=("10.0.0.1",), uid="u2", link=8)
JOB = Endpoint("dev", "job", "node01", "", ips=("10.0.0.2",), uid="u3")


def test_who_left_is_remembered_for_a_while_and_has_no_address_that_somebody_else_has() -> None:
    recent = Recent()
    assert recent.update([WEB], [], NOW) == ()
    departed = recent.update([], [], NOW)
    assert departed == (WEB,)
    assert Index(departed=departed).by_ip("10.0.0.1") is WEB
    assert Index([AGAIN], departed=departed).by_ip("10.0.0.1") is AGAIN
    assert recent.update([], [], NOW + REMEMBERED) == ()


def test_a_pod_that_was_over_before_it_was_seen_is_remembered_once() -> None:
    recent = Recent()
    assert recent.update([], [JOB], NOW) == (JOB,)
    assert recent.update([], [JOB], NOW + timedelta(seconds=1)) == (JOB,)


def test_what_was_seen_of_a_pod_outlives_what_its_object_says_when_it_has_finished() -> None:
    recent = Recent()
    recent.update([WEB], [], NOW)
    finished = Endpoint("dev", "web", "node01", "", ips=("10.0.0.1",), uid="u1")
    assert recent.update([], [finished], NOW) == (WEB,)
