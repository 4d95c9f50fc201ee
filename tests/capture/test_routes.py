"""A capture's files over HTTP: whole, in ranges, deleted; and each refusal with its code and one line."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kodkod.access import Caller
from kodkod.access import Request as Right
from kodkod.capture.files import Folder
from kodkod.capture.retrieval import Busy, Found, Place, RemoteFile, Vanished
from kodkod.capture.routes import FileRoutes
from kodkod.resources import kinds
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.clock import SimulatedClock

HEAD = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
ZIP = "/packet-capture/download/dev/c/files.zip"
ALIAS = "/packet-capture/files/dev/c/files.zip"


def packet(length: int) -> bytes:
    return length.to_bytes(4, "little") * 4 + b"p" * length


class Disk:
    """Nodes' files without the network between: the same folders, read the same way."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.unreachable: list[str] = []
        self.is_recording = False
        self.vanishes: set[str] = set()

    def write(self, name: str, data: bytes, capture: str = "c") -> None:
        path = self.base / "dev" / capture / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    async def files(self, _reports: Any, namespace: str, name: str, *, sealed: bool = False) -> Found:
        folder = Folder(str(self.base), namespace, name)
        found = Found(unreachable=list(self.unreachable))
        if sealed:
            found.files.extend(
                RemoteFile("n1", Place(""), one.name, one.bytes, one.id, one.active, one.crc32, one.mtime_ns)
                for one in folder.sealed()
            )
        else:
            found.files.extend(
                RemoteFile("n1", Place(""), one.name, one.bytes, one.id, one.active)
                for one in folder.files(identify=True)
            )
        return found

    async def namespaces_of(self, _reports: Any, name: str) -> tuple[list[str], list[str]]:
        return sorted(path.parent.name for path in self.base.glob(f"*/{name}")), self.unreachable

    async def part(self, file: RemoteFile, namespace: str, name: str, begin: int, end: int) -> AsyncIterator[bytes]:
        if file.name in self.vanishes:
            raise Vanished(file.name)
        yield (self.base / namespace / name / file.name).read_bytes()[begin:end]

    async def read(self, file: RemoteFile, namespace: str, name: str) -> AsyncIterator[bytes]:
        async for chunk in self.part(file, namespace, name, 0, file.bytes):
            yield chunk

    async def delete(self, _reports: Any, namespace: str, name: str) -> tuple[int, list[str]]:
        if self.is_recording:
            raise Busy("n1")
        return Folder(str(self.base), namespace, name).delete_files(), self.unreachable


class Rights:
    def __init__(self) -> None:
        self.refused: set[str] = set()

    async def allows(self, _caller: Caller, right: Right) -> bool:
        assert (right.resource, right.subresource, right.namespace) == ("packetcaptures", "files", "dev")
        return right.verb not in self.refused


class Stage:
    def __init__(self, resources: EmbeddedResources, disk: Disk) -> None:
        self.resources, self.disk, self.rights = resources, disk, Rights()
        self.recorded: list[tuple[str, int]] = []
        self.routes = FileRoutes(resources, self.rights, disk, self.record)  # type: ignore[arg-type]  # see the classes
        routes = [Route(path, handler, methods=methods) for path, methods, handler in self.routes.routes()]
        routes.append(Route("/sub/{rest:path}", self.subresource, methods=["GET", "DELETE"]))
        routes.append(Route("/everywhere/{name}", self.everywhere, methods=["GET", "DELETE"]))
        app = Starlette(routes=routes)

        async def door(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("state", {})["caller"] = Caller("reader", ())
            await app(scope, receive, send)

        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="https://kodkod")

    def record(self, _request: Request, *, verb: str, namespace: str, name: str, code: int) -> None:
        assert (namespace, name) == ("dev", "c")
        self.recorded.append((verb, code))

    async def subresource(self, request: Request) -> Response:
        return await self.routes.subresource(request, "dev", "c", request.path_params["rest"])

    async def everywhere(self, request: Request) -> Response:
        return await self.routes.subresource(request, "", request.path_params["name"], "")

    async def state(self, state: str) -> None:
        patch = {"status": {"state": state, "files": []}}
        await self.resources.patch(kinds.PACKET_CAPTURE, "c", patch, "dev", subresource="status")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    resources = EmbeddedResources(MEMORY, SimulatedClock())
    await resources.open()
    await resources.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    await resources.create(kinds.PACKET_CAPTURE, {"metadata": {"name": "c"}, "spec": {}}, "dev")
    made = Stage(resources, Disk(tmp_path))
    yield made
    await made.client.aclose()
    await resources.close()


async def finished(stage: Stage) -> bytes:
    """Two files of an ended capture, and the whole zip."""
    stage.disk.write("a.pcap", HEAD + packet(400))
    stage.disk.write("b.pcap", HEAD + packet(90) + b"half a packet")
    await stage.state("Finished")
    return (await stage.client.get(ZIP)).content


async def test_the_zip_of_an_ended_capture_goes_on_where_it_broke(stage: Stage) -> None:
    whole = await finished(stage)
    first = await stage.client.get(ZIP)
    assert (first.status_code, first.headers["accept-ranges"]) == (200, "bytes")
    assert int(first.headers["content-length"]) == len(whole)
    for cut in (0, 1, 200, len(whole) - 1):
        ranged = {"Range": f"bytes={cut}-", "If-Range": first.headers["etag"]}
        rest = await stage.client.get(ZIP, headers=ranged)
        assert rest.status_code == (206 if cut else 200)
        assert whole[:cut] + rest.content == whole
    last = await stage.client.get(ZIP, headers={"Range": "bytes=-22"})
    assert (last.content, last.headers["content-range"]) == (
        whole[-22:], f"bytes {len(whole) - 22}-{len(whole) - 1}/{len(whole)}",
    )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert {name: found.read(name) for name in found.namelist()} == {
            "a.pcap": HEAD + packet(400), "b.pcap": HEAD + packet(90),
        }  # fmt: skip


async def test_of_other_files_the_zip_begins_anew(stage: Stage) -> None:
    whole = await finished(stage)
    tag = (await stage.client.get(ZIP)).headers["etag"]
    stage.disk.write("c.pcap", HEAD + packet(9))
    other = await stage.client.get(ZIP, headers={"Range": "bytes=50-", "If-Range": tag})
    assert (other.status_code, len(other.content) > len(whole)) == (200, True)


@pytest.mark.parametrize("asked", ["bytes=9999999-", "bytes=-0"])
async def test_a_range_outside_is_refused(stage: Stage, asked: str) -> None:
    whole = await finished(stage)
    answer = await stage.client.get(ZIP, headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(whole)}")


@pytest.mark.parametrize("asked", ["bytes=5-2-", "lines=1-2", "bytes=0-1,5-6", "bytes=-"])
async def test_what_is_no_range_is_the_whole(stage: Stage, asked: str) -> None:
    whole = await finished(stage)
    answer = await stage.client.get(ZIP, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, whole)


async def test_a_running_capture_is_handed_out_as_it_is(stage: Stage) -> None:
    stage.disk.write("a.pcap", HEAD + packet(400))
    stage.disk.write("gone.pcap", HEAD + packet(1))
    stage.disk.vanishes = {"gone.pcap"}
    await stage.state("Capturing")
    answer = await stage.client.get(ZIP, headers={"Range": "bytes=5-"})
    assert (answer.status_code, "accept-ranges" in answer.headers) == (200, False)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.namelist() == ["a.pcap"]


async def test_each_refusal_has_its_code_and_is_on_record(stage: Stage) -> None:
    async def said(method: str = "GET", path: str = ZIP) -> tuple[int, str]:
        answer = await stage.client.request(method, path)
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.status_code, answer.text

    assert await said() == (404, "404: no file yet\n")
    stage.disk.unreachable = ["n2"]
    assert await said() == (500, "500: not reached: n2\n")
    stage.disk.unreachable = []
    stage.disk.write("a.pcap", HEAD + packet(1))
    await stage.state("Capturing")
    for path in (ZIP, ALIAS):
        assert await said("DELETE", path) == (409, "409: files can be deleted once the capture is Finished\n")
    await stage.state("Finished")
    stage.disk.is_recording = True
    assert await said("DELETE") == (409, "409: node n1 is still recording\n")
    stage.disk.is_recording = False
    stage.rights.refused = {"get", "delete"}
    assert await said() == (403, '403: reader may not get packetcaptures/files in namespace "dev"\n')
    assert await said("DELETE", ALIAS) == (403, '403: reader may not delete packetcaptures/files in namespace "dev"\n')
    stage.rights.refused = set()
    await stage.resources.delete(kinds.PACKET_CAPTURE, "c", "dev")
    answer = await stage.client.delete(ALIAS)
    assert (answer.status_code, answer.json()) == (200, {"deleted": 1})
    assert await said("DELETE", ALIAS) == (404, "404: no capture dev/c, and no file of one\n")
    assert await said() == (404, "404: no capture dev/c\n")
    codes = [code for _, code in stage.recorded]
    assert codes == [404, 500, 409, 409, 409, 403, 403, 200, 404, 404]


async def test_a_node_that_is_away_is_named_and_costs_its_files_alone(stage: Stage) -> None:
    stage.disk.write("a.pcap", HEAD + packet(1))
    stage.disk.unreachable = ["n2"]
    await stage.state("Finished")
    answer = await stage.client.get(ZIP)
    assert (answer.status_code, answer.headers["x-unreachable-nodes"]) == (200, "n2")
    answer = await stage.client.delete(ZIP)
    assert (answer.status_code, answer.text) == (500, "500: not reached: n2; of the others 1 files were deleted\n")
    answer = await stage.client.get("/sub/n2/a.pcap")
    assert (answer.status_code, answer.text) == (500, "500: not reached: n2\n")


async def test_files_of_a_name_are_found_in_all_namespaces(stage: Stage) -> None:
    stage.disk.write("a.pcap", HEAD, capture="left")
    answer = await stage.client.get("/everywhere/left")
    assert answer.json()["items"] == [{"namespace": "dev", "name": "left"}]
    assert (await stage.client.delete("/everywhere/left")).status_code == 405
    assert (await stage.client.get("/everywhere/%2e%2e")).status_code == 404
    assert (stage.disk.base / "dev/left/a.pcap").exists()
