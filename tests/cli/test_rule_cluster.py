"""Rules in a cluster: installed over its API, listed, replaced; refusals say whose move it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from kodkod.cli.rules import app

RULE = 'alert tcp any any -> any any (msg:"x"; content:"abc"; sid:1000001; rev:1;)\n'


class ConfigMaps(BaseHTTPRequestHandler):
    """As much of an API server as ConfigMaps of one namespace take."""

    stored: dict[str, Any]
    is_forbidden = False

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.is_forbidden:
            self.answer(403, {"kind": "Status", "reason": "Forbidden", "message": "configmaps is forbidden"})
        elif name in self.stored:
            self.answer(200, self.stored[name])
        else:
            self.answer(404, {"kind": "Status", "reason": "NotFound", "message": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path.startswith("/api/v1/namespaces/tigera-dpi/configmaps")
        self.stored[body["metadata"]["name"]] = body
        self.answer(201, body)

    def do_PUT(self) -> None:
        self.do_POST()

    def answer(self, code: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api(tmp_path: Path) -> Iterator[type[ConfigMaps]]:
    handler = type("Fresh", (ConfigMaps,), {"stored": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "config").write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {}}], "
        f'clusters: [{{name: a, cluster: {{server: "http://127.0.0.1:{server.server_address[1]}"}}}}]}}'
    )
    yield handler
    server.shutdown()
    server.server_close()


def run(tmp_path: Path, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--kubeconfig", str(tmp_path / "config")])


def test_a_set_is_installed_listed_and_replaced(api: type[ConfigMaps], tmp_path: Path) -> None:
    rules = tmp_path / "mine.rules"
    rules.write_text(RULE)
    done = run(tmp_path, "install", str(rules))
    assert done.exit_code == 0, done.output
    assert "in ConfigMaps kodkod-rules of namespace tigera-dpi" in done.output
    keys = api.stored["kodkod-rules"]["binaryData"]
    assert sorted(keys) == ["mine.mine.rules.gz", "mine.ruleset.json"]
    first = base64.b64decode(keys["mine.ruleset.json"])

    rules.write_text(RULE.replace("abc", "abd"))
    assert run(tmp_path, "install", str(rules), "--replace-default").exit_code == 0
    assert base64.b64decode(api.stored["kodkod-rules"]["binaryData"]["mine.ruleset.json"]) != first
    listed = run(tmp_path, "list", "-o", "json")
    (one,) = json.loads(listed.output)
    assert (one["name"], one["full"], one["replaces_default"]) == ("mine", 1, True)


def test_a_refusal_says_which_right_is_missing(api: type[ConfigMaps], tmp_path: Path) -> None:
    api.is_forbidden = True
    done = run(tmp_path, "list")
    assert done.exit_code == 3
    assert "configmaps is forbidden" in done.output and "configmaps in namespace tigera-dpi" in done.output
