"""A body that cannot be read is refused with its place, soon, however it was made."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.requests import Request

from kodkod.server.kube import bodies
from kodkod.store.errors import BadRequest


async def parsed(media: str, body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", media.encode())], "state": {}}
    return await bodies.parsed(Request(scope, receive))


JSON, YAML = "application/json", "application/apply-patch+yaml"


@pytest.mark.parametrize(
    ("media", "body", "said"),
    [
        (JSON, b'{"spec": {,}}', "unexpected character, expected a string key: line 1 column 11"),
        (JSON, b'{\n  "spec": {\n  "a": tru\n}}', "line 3 column 8"),
        (JSON, b"[" * 20_000, "not JSON"),
        (JSON, b"[" * 200 + b"]" * 200, "nests deeper than 100 at [0][0]"),
        (JSON, b'{"a":' * 101 + b"{}" + b"}" * 101, "nests deeper than 100 at a.a.a."),
        (YAML, b"spec:\n  selector: [a\n", "not YAML: expected ',' or ']', but got '<stream end>': line 3 column 1"),
        (YAML, b"spec:\n\tselector: a\n", "line 2 column 1"),
        (YAML, b"a: {b: *x}", "aliases are not read here, write the value out: line 1 column 8"),
        (YAML, b"a: &x [1]\nb: [*x, *x]", "line 2 column 5"),
        (YAML, b"[" * 20_000, "nested deeper than 100: line 1 column 101"),
        (YAML, b"- " * 20_000, "nested deeper than 100"),
        (YAML, b"a: \x00", "not YAML"),
        (YAML, b"a: \xff", "not YAML"),
        (YAML, b"a: !!python/object/apply:os.system [id]", "line 1 column 4"),
    ],
)
async def test_the_place_is_named_within_a_second(media: str, body: bytes, said: str) -> None:
    begun = time.process_time()
    with pytest.raises(BadRequest) as refusal:
        await parsed(media, body)
    assert said in str(refusal.value)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (JSON, b'{"a": [1, {"b": null}]}'),
        (YAML, b'{"a": [1, {"b": null}]}'),
        (YAML, b"a:\n- 1\n- {b: }\n"),
        (YAML, b"{a: [1, {b: }]}"),
    ],
)
async def test_what_kubectl_sends_is_read(media: str, body: bytes) -> None:
    assert await parsed(media, body) == {"a": [1, {"b": None}]}
