"""When does a node's report no longer stand?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kodkod.resources import Object
from kodkod.store.presence import Presence

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def report(at: str = "a") -> Object:
    return {"metadata": {"name": "n1-agent"}, "spec": {"node": "n1"}, "status": {"observedAt": at}}


def nodes(ready: str = "True", since: str = "2026-11-25T12:00:00Z") -> dict[tuple[str, str], Object]:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
    return {("", "n1"): {"metadata": {"name": "n1"}, "status": {"conditions": [condition]}}}


def test_a_node_that_was_removed_counts_for_a_minute() -> None:
    presence = Presence()
    assert presence.counts(report(), {}, NOW)
    assert presence.counts(report(), {}, NOW + timedelta(seconds=59))
    assert not presence.counts(report(), {}, NOW + timedelta(seconds=60))
    assert presence.counts(report(), nodes(), NOW + timedelta(seconds=61))  # it is back
    assert presence.counts(report(), {}, NOW + timedelta(seconds=62))


@pytest.mark.parametrize("ready", ["Unknown", "False"])
def test_a_node_that_is_not_ready_counts_for_a_minute(ready: str) -> None:
    assert Presence().counts(report(), nodes(ready), NOW + timedelta(seconds=59))
    assert not Presence().counts(report(), nodes(ready), NOW + timedelta(seconds=60))
    assert Presence().counts(report(), nodes("True"), NOW + timedelta(days=1))


def test_a_node_that_says_nothing_of_itself_is_judged_by_its_report() -> None:
    presence, plain = Presence(), {("", "n1"): {"metadata": {"name": "n1"}}}
    assert presence.counts(report("a"), plain, NOW)
    assert presence.counts(report("a"), plain, NOW + timedelta(seconds=179))
    assert not presence.counts(report("a"), plain, NOW + timedelta(seconds=180))
    assert presence.counts(report("b"), plain, NOW + timedelta(seconds=181))


def test_the_nodes_clock_does_not_matter() -> None:
    assert Presence().counts(report("1999-01-01T00:00:00Z"), nodes(), NOW)
