"""Health is judged from what was reported, and every reason names whose it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kodkod.cli.observed import Observed, missing_roles, object_reasons, observe, report_reasons

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def report(role: str, **status: Any) -> dict[str, Any]:
    observed = {"observedAt": (NOW - timedelta(seconds=5)).isoformat(), "ready": True}
    return {
        "metadata": {"name": f"n1-{role}"},
        "spec": {"node": "n1", "role": role},
        "status": {**observed, **status},
    }


def test_nothing_is_wrong_with_two_fresh_reports() -> None:
    reports = [report("agent"), report("inspector")]

    assert missing_roles(reports) == []
    assert report_reasons(reports, NOW) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(
            {"observedAt": "2026-11-22T09:58:00Z"}, "n1-agent is silent since 2026-11-22T09:58:00Z", id="silent"
        ),
        pytest.param({"ready": False}, "n1-agent is not ready", id="not ready"),
        pytest.param({"warnings": ["clock moved"]}, "n1-agent: clock moved", id="warning"),
        pytest.param({"disk": {"pressure": True}}, "n1-agent: no room for captures", id="disk"),
    ],
)
def test_a_reason_names_its_process(status: dict[str, Any], said: str) -> None:
    assert report_reasons([report("agent", **status)], NOW) == [said]


def test_a_role_that_never_reported_is_missed() -> None:
    assert missing_roles([report("agent")]) == ["no inspector has reported yet"]


def test_errors_of_objects_are_reasons() -> None:
    capture = {
        "metadata": {"namespace": "dev", "name": "c"},
        "status": {"files": [{"node": "n1", "state": "Error", "message": "no such interface"}]},
    }
    inspection = {
        "metadata": {"namespace": "dev", "name": "d"},
        "status": {"nodes": [{"node": "n1", "errorConditions": [{"message": "bad rule"}]}]},
    }

    assert object_reasons([capture], [inspection]) == [
        "capture dev/c on n1: no such interface",
        "inspection dev/d on n1: bad rule",
    ]


async def test_a_folder_without_a_server_is_not_running(tmp_path: Path) -> None:
    found = await observe(tmp_path, NOW)

    assert found == Observed(running=False, reasons=found.reasons)
    assert "kubeconfig" in found.reasons[0]
