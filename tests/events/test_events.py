"""Are events the same when they are the same, hidden when they should be, and triaged beside the log?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kodkod.events import Event, Events, Exemption, Sight, Triage, in_force
from kodkod.events.descriptions import of_signature
from kodkod.events.exceptions import check
from kodkod.events.identity import alert_id, dpi_id
from kodkod.events.severity import Bucket, bucket, of_priority
from kodkod.events.types import label
from kodkod.logs.datasets import EVENTS
from kodkod.logs.query import EVERYTHING, bind, parse
from kodkod.logs.stores.memory import MemoryLogStore

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PLACE: dict[str, Any] = {
    "namespace": "dev", "name": "dpi-backend", "time_ns": 1665586770311556000, "source_ip": "192.168.196.143",
    "source_port": 39900, "dest_ip": "192.168.196.148", "dest_port": 8080, "node": "node01",
}  # fmt: skip


def test_the_products_key_and_ours() -> None:
    strict = "dev_dpi-backend_1665586770311556000_192.168.196.143_39900_192.168.196.148_8080_node01"
    assert dpi_id(**PLACE) == strict
    assert dpi_id(**PLACE, signature=(1, 57461, 1)) == strict + "_1:57461:1"
    assert "_192.168.196.143__192.168.196.148__" in dpi_id(**{**PLACE, "source_port": None, "dest_port": None})


def test_an_alerts_id_depends_on_what_was_found_and_when_the_window_began() -> None:
    same = {"uid": "u", "window_start": 5.0, "row": {"a": 1, "b": None}, "number": 0}
    assert alert_id(**same) == alert_id(**{**same, "row": {"b": None, "a": 1}})
    changes: list[dict[str, Any]] = [{"uid": "v"}, {"window_start": 6.0}, {"row": {"a": 2}}, {"number": 1}]
    assert len({alert_id(**{**same, **change}) for change in changes} | {alert_id(**same)}) == 5


@pytest.mark.parametrize(
    ("severity", "word"), [(100, "Critical"), (90, "Critical"), (89, "High"), (70, "High"), (40, "Medium"), (39, "Low")]
)
def test_severity_words(severity: int, word: str) -> None:
    assert bucket(severity) is Bucket(word)


def test_severity_of_priorities() -> None:
    assert [of_priority(priority) for priority in (1, 2, 3, 4, 9)] == [100, 80, 60, 40, 40]
    assert of_priority(3, strict=True) == 100


def test_the_labs_words_open_the_description() -> None:
    text = of_signature("MALWARE-BACKDOOR Perl.Backdoor.PULSECHECK", gid=1, sid=57461, rev=1)
    assert text == "Signature Triggered Alert: MALWARE-BACKDOOR Perl.Backdoor.PULSECHECK (1:57461:1)"
    assert (label("deep_packet_inspection"), label("odd")) == ("Deep Packet Inspection", "odd")


def event(event_id: str, **fields: Any) -> Event:
    made = {"time": int(NOW.timestamp()), "type": "global_alert", "origin": "a", "description": "d", "severity": 50}
    return Event(id=event_id, **{**made, **fields})


def exception(selector: str, start: str, end: str | None = None) -> dict[str, Any]:
    spec = {"description": "d", "selector": selector, "startTime": start, **({"endTime": end} if end else {})}
    return {"metadata": {"name": "e"}, "spec": spec}


class Shelf:
    def __init__(self, events: Events) -> None:
        self.events = events
        self.exemptions: list[Exemption] = []

    async def ids(self, query: str = "", sight: Sight = Sight()) -> set[str]:
        page = await self.events.search(bind(parse(query), EVENTS), sight)
        assert page.total == len(page.items)
        return {one["id"] for one in page.items}


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    made: list[Shelf] = []
    events = Events(MemoryLogStore(), await Triage.open(None), lambda: made[0].exemptions)
    made.append(Shelf(events))
    written = [event("1", source_namespace="dev"), event("2", source_namespace="uat"), event("3", origin="b")]
    await events.write(written, arrival=NOW)
    yield made[0]
    await events.close()


async def test_the_same_event_twice_is_stored_once(shelf: Shelf) -> None:
    told: list[int] = []
    shelf.events.on_new(told.append)
    assert await shelf.events.write([event("3"), event("4")], arrival=NOW) == 1
    assert told == [1]
    assert await shelf.ids() == {"1", "2", "3", "4"}


async def test_dismissed_events_hide_and_come_back(shelf: Shelf) -> None:
    await shelf.events.dismiss(["1"], by="me", at=NOW)
    assert await shelf.ids() == {"2", "3"}
    everything = Sight(include_dismissed=True)
    assert await shelf.ids("", everything) == {"1", "2", "3"}
    assert await shelf.ids("dismissed = true", everything) == {"1"}
    assert await shelf.ids("dismissed != true") == {"2", "3"}
    assert await shelf.ids("NOT dismissed = false", everything) == {"1"}
    found = await shelf.events.get("1", Sight())
    assert found is not None
    assert found["dismissed"] is True
    await shelf.events.restore(["1"])
    assert await shelf.ids() == {"1", "2", "3"}


async def test_exceptions_hide_while_they_are_in_force(shelf: Shelf) -> None:
    obj = exception('origin = "a" and source_namespace = "dev"', "2026-11-25T12:00:00Z", "2026-11-25T13:00:00Z")
    for moment, ids in [
        (NOW - timedelta(seconds=1), {"1", "2", "3"}),
        (NOW, {"2", "3"}),
        (NOW + timedelta(hours=1), {"1", "2", "3"}),
    ]:
        shelf.exemptions = in_force([obj], moment)
        assert await shelf.ids() == ids
    shelf.exemptions = in_force([obj], NOW)
    assert await shelf.ids("", Sight(include_excepted=True)) == {"1", "2", "3"}


async def test_a_broken_exception_hides_nothing(shelf: Shelf) -> None:
    shelf.exemptions = in_force([exception("origin ==", "2026-11-25T12:00:00Z")], NOW)
    assert await shelf.ids() == {"1", "2", "3"}
    assert [one.field for one in check(exception("nonsense = 1", "x"))] == ["spec.selector"]
    assert list(check(exception('origin = "x" and source_namespace = "y"', "x"))) == []


async def test_a_restriction_holds_for_search_get_and_count(shelf: Shelf) -> None:
    own = Sight(limit_to=bind(parse('source_namespace = "dev"'), EVENTS))
    assert await shelf.ids('source_namespace = "uat" OR origin = "b" OR NOT origin = "x"', own) == {"1"}
    assert await shelf.events.get("2", own) is None
    groups = await shelf.events.count(EVERYTHING, own, by="origin")
    assert [(one.keys, one.count) for one in groups] == [(("a",), 1)]


async def test_triage_survives_a_restart(tmp_path: Path) -> None:
    triage = await Triage.open(tmp_path / "triage.db")
    await triage.dismiss(["a", "b"], by="me", at=NOW)
    await triage.restore(["b"])
    await triage.close()
    triage = await Triage.open(tmp_path / "triage.db")
    assert triage.dismissed == {"a"}
    await triage.close()
