"""From when on does somebody want a log? `sinceSeconds` and `sinceTime` as kubectl sends them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.datastructures import QueryParams

from kodkod.server.kube.face import since
from kodkod.store.errors import BadRequest

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", None, id="all of it"),
        pytest.param("sinceSeconds=90", datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC), id="seconds"),
        pytest.param("sinceTime=2026-11-25T11:00:00Z", datetime(2026, 11, 25, 11, tzinfo=UTC), id="a moment"),
        pytest.param(
            "sinceTime=2026-11-25T11:00:00.5%2B01:00", datetime(2026, 11, 25, 10, 0, 0, 500_000, UTC), id="zone"
        ),
        pytest.param("sinceTime=2026-11-25T11:00:00", datetime(2026, 11, 25, 11, tzinfo=UTC), id="no zone is UTC"),
    ],
)
def test_since(query: str, expected: datetime | None) -> None:
    assert since(QueryParams(query), NOON) == expected


def test_no_number_of_seconds_is_too_large() -> None:
    found = since(QueryParams("sinceSeconds=99999999999999999999"), NOON)
    assert found is not None
    assert found < NOON


@pytest.mark.parametrize("query", ["sinceSeconds=0", "sinceSeconds=-5", "sinceSeconds=x", "sinceTime=yesterday"])
def test_what_is_no_time_is_refused(query: str) -> None:
    with pytest.raises(BadRequest):
        since(QueryParams(query), NOON)
