"""Rule sets come from files, folders, archives and addresses, within bounds."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from kodkod.cli import downloads, rule_origins

RULE = b'alert tcp any any -> any any (msg:"x"; sid:1;)'


def tar_of(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read(path: Path) -> dict[str, bytes]:
    return rule_origins.read(str(path), allow_private=False)


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        ("set.rules", RULE),
        ("set.rules.gz", gzip.compress(RULE)),
        ("set.tar.gz", tar_of({"set.rules": RULE})),
        ("set.tar", tar_of({"deep/er/set.rules": RULE, "README": b"no"}, "w")),
        ("set.tar.bz2", tar_of({"set.rules": RULE}, "w:bz2")),
        ("set.zip", zip_of({"deep/set.rules": RULE, "x/.hidden.rules": b"no"})),
    ],
)
def test_every_form_gives_the_same_texts(tmp_path: Path, file_name: str, content: bytes) -> None:
    (tmp_path / file_name).write_bytes(content)
    assert read(tmp_path / file_name) == {"set.rules": RULE}
    assert rule_origins.set_name(f"https://h/x/{file_name}?token=1") == "set"


def test_a_folder_gives_all_its_rules_and_classes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.rules").write_bytes(b"1")
    (tmp_path / "sub" / "a.rules").write_bytes(b"2")
    (tmp_path / "classification.config").write_bytes(b"c")
    assert read(tmp_path) == {"a.rules": b"1", "a-1.rules": b"2", "classification.config": b"c\n"}


@pytest.mark.parametrize("name", ["../../etc/x.rules", "/etc/x.rules", "a/../../x.rules"])
@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_an_archive_that_points_outside_is_refused(tmp_path: Path, name: str, pack: object) -> None:
    (tmp_path / "bad").write_bytes(pack({name: RULE}))  # type: ignore[operator]
    with pytest.raises(rule_origins.OriginError, match="points outside"):
        read(tmp_path / "bad")


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_origins, "FILE_BYTES_MAX", 1000)
    monkeypatch.setattr(rule_origins, "ARCHIVE_BYTES_MAX", 5000)
    monkeypatch.setattr(rule_origins, "MEMBERS_MAX", 20)
    for content in [
        gzip.compress(bytes(2000)),
        tar_of({"a.rules": bytes(1001)}),
        zip_of({"a.rules": bytes(1001)}),
        zip_of({f"{number}.rules": bytes(900) for number in range(10)}),
        zip_of({f"{number}.txt": b"" for number in range(21)}),
    ]:
        (tmp_path / "bomb").write_bytes(content)
        with pytest.raises(rule_origins.OriginError):
            read(tmp_path / "bomb")


def test_damage_is_an_error(tmp_path: Path) -> None:
    texts = {f"{number}.rules": bytes(range(256)) * 40 for number in range(20)}
    for whole in [gzip.compress(bytes(range(256)) * 400), tar_of(texts), zip_of(texts)]:
        (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(rule_origins.OriginError):
            read(tmp_path / "cut")


def test_an_archive_without_rules_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.zip").write_bytes(zip_of({"README": b"x"}))
    with pytest.raises(rule_origins.OriginError, match=r"no \*\.rules"):
        read(tmp_path / "empty.zip")
    with pytest.raises(rule_origins.OriginError, match="No such file"):
        read(tmp_path / "missing")


class Pages(BaseHTTPRequestHandler):
    """A web server of the test's own."""

    redirects: ClassVar[dict[str, str]] = {
        "/elsewhere": "http://203.0.113.1/x",
        "/here": "/set.rules",
        "/loop": "/loop",
    }

    def do_GET(self) -> None:
        if target := self.redirects.get(self.path):
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x")
        elif self.path.startswith("/set.rules"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(RULE)))
            self.end_headers()
            self.wfile.write(RULE)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/set.rules", "/set.rules?oinkcode=secret", "/here"])
def test_an_address_gives_its_text(web: str, path: str) -> None:
    assert list(rule_origins.read(web + path, allow_private=True).values()) == [RULE]


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/elsewhere?token=secret", "answered 404"),
        ("/elsewhere", "another place"),
        ("/loop", "more than 5 redirects"),
        ("/missing?token=secret", "answered 404"),
        ("/short", "IncompleteRead|bytes arrived"),
    ],
)
def test_what_is_not_a_whole_answer_is_refused_without_telling_secrets(web: str, path: str, complaint: str) -> None:
    with pytest.raises(rule_origins.OriginError, match=complaint) as caught:
        rule_origins.read(web + path, allow_private=True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(downloads.DownloadError, match="not a public address"):
        downloads.fetch(f"http://{host}:9/x")


def test_a_download_has_a_bound(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "BYTES_MAX", 10)
    with pytest.raises(downloads.DownloadError, match="larger than 10"):
        downloads.fetch(f"{web}/set.rules", allow_private=True)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "http:///x"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(downloads.DownloadError, match="only http and https"):
        downloads.fetch(url)
