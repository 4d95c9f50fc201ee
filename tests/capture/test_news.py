"""Each change of a capture is told once, in a word that users know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kodkod.capture.news import news
from kodkod.clock import rfc3339

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OVER = {"endTime": rfc3339(NOW - timedelta(seconds=1))}
AHEAD = {"startTime": rfc3339(NOW + timedelta(hours=1))}


def status(state: str | None, **fields: Any) -> dict[str, Any]:
    return {"files": [{"node": "n", "state": state, "interfaces": ["cali1"], **fields}] if state else []}


@pytest.mark.parametrize(
    ("spec", "before", "after", "told"),
    [
        (AHEAD, None, "Scheduled", ["Scheduled n: recording begins at 2026-11-25T13:00:00Z"]),
        ({}, None, "WaitingForTraffic", ["Started n: recording cali1"]),
        ({}, "Scheduled", "WaitingForTraffic", ["Started n: recording cali1"]),
        ({}, None, "Capturing", ["Started n: recording cali1", "Capturing n: packets are being written"]),
        ({}, "WaitingForTraffic", "Capturing", ["Capturing n: packets are being written"]),
        ({}, "Capturing", "WaitingForTraffic", ["Started n: recording cali1"]),
        (OVER, "Capturing", "Finished", ["Finished n: the window ended at 2026-11-25T11:59:59Z; the files are kept"]),
        (
            {},
            "Capturing",
            "Finished",
            ["Stopped n: no endpoint here matches the selector any more; the files are kept"],
        ),
        ({}, None, "Finished", ["Finished n: no endpoint here matches the selector"]),
        ({}, "Error", "Capturing", ["Recovered n: recording cali1 again"]),
        ({}, "Capturing", "Capturing", []),
        ({}, "Capturing", None, ["NodeGone n: the node is gone, and its files with it"]),
    ],
)
def test_a_change_has_its_word(spec: Any, before: str | None, after: str | None, told: list[str]) -> None:
    found = news(spec, status(before), status(after), NOW)
    assert [f"{one.reason} {one.message}" for one in found] == told


def test_an_error_is_a_warning_with_its_reason() -> None:
    after = status("Error", reason="CannotOpen", message="cali1: No such device")
    (one,) = news({}, status("Capturing"), after, NOW)
    assert (one.type, one.reason, one.message) == ("Warning", "Error", "n: CannotOpen: cali1: No such device")
