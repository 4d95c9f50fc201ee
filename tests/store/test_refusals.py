"""What an answer that says no means, whoever gave it."""

import json

import pytest

from kodkod.store import errors
from kodkod.store.remote import refusal


def status(reason: str, **more: object) -> str:
    return json.dumps({"kind": "Status", "reason": reason, "message": "no", **more})


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        pytest.param(404, "404 page not found", errors.NotFound, id="no such path"),
        pytest.param(502, "<html>bad gateway</html>", errors.Unavailable, id="something before the server"),
        pytest.param(429, status("TooManyRequests"), errors.Unavailable, id="later"),
        pytest.param(500, status("InternalError"), errors.Unavailable, id="in trouble"),
        pytest.param(403, status("Forbidden"), errors.Forbidden, id="not allowed"),
        pytest.param(410, status("Expired"), errors.Gone, id="too old"),
        pytest.param(418, status("Teapot"), errors.StoreError, id="never heard of"),
    ],
)
def test_each_refusal_has_its_meaning(code: int, text: str, expected: type[errors.StoreError]) -> None:
    assert type(refusal(code, text)) is expected
