"""A PacketCapture on live namespaces: recorded, fetched, stopped, cleaned, deleted; and what survives kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kodkod.capture import calicoctl
from kodkod.clock import rfc3339
from kodkod.resources import Object, kinds
from kodkod.testing.scenarios import machines_kubectl
from kodkod.testing.waiting import until

pytestmark = pytest.mark.netns

NAMESPACE = "kk-p4-red"
NAME = "red-capture"
FILES = f"/apis/projectcalico.org/v3/namespaces/{NAMESPACE}/packetcaptures/{NAME}/files"
PRODUCT = f"/packet-capture/download/{NAMESPACE}/{NAME}/files.zip"
TCP_80 = [{"protocol": "TCP", "ports": [80]}]


async def status(host: Any) -> dict[str, Any]:
    return dict((await host.admin.get(kinds.PACKET_CAPTURE, NAME, NAMESPACE)).get("status") or {})


async def state(host: Any, wanted: str) -> dict[str, Any]:
    return await until(lambda: status(host), lambda found: found.get("state") == wanted, within_s=40)


async def packets(host: Any, at_least: int) -> dict[str, Any]:
    return await until(
        lambda: status(host),
        lambda found: sum(entry.get("packets", 0) for entry in found.get("files") or []) >= at_least,
        within_s=40,
    )


async def get(host: Any, path: str, **headers: str) -> tuple[int, bytes]:
    async with host.admin.session.get(host.admin.server + path, headers=headers) as answer:
        return answer.status, await answer.read()


async def client(host: Any, *arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The one-file client as people run it: isolated from everything but the standard library."""
    command = [sys.executable, "-I", "-S", calicoctl.__file__, "captured-packets", *arguments]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"KUBECONFIG": str(config or host.data / "kubeconfig"), "PATH": "/usr/bin"},
    )


def frames(path: Path) -> list[str]:
    """A line a packet, as tcpdump reads the file."""
    done = subprocess.run(["tcpdump", "-nn", "-r", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


@pytest.fixture
async def capture(host: Any) -> AsyncIterator[Object]:
    spec = {"selector": 'app == "red1"', "filters": TCP_80}
    made = await host.admin.create(kinds.PACKET_CAPTURE, {"metadata": {"name": NAME}, "spec": spec}, NAMESPACE)
    await state(host, "WaitingForTraffic")
    yield made
    await host.admin.delete(kinds.PACKET_CAPTURE, NAME, NAMESPACE)
    folder = Path(host.data) / "pcap" / NAMESPACE / NAME

    async def left() -> bool:
        return folder.exists()

    await until(left, lambda exists: not exists, within_s=20)


async def test_from_traffic_to_a_file_in_hand(host: Any, pods: Any, capture: Object, tmp_path: Path) -> None:
    red1, blue1 = pods["red1"], pods["blue1"]
    blue1.post(red1, "hello")
    blue1.run("ping", "-c", "1", red1.address)  # not of the filter
    found = await state(host, "Capturing")
    (entry,) = found["files"]
    assert entry["fileNames"] == [f"red1_{red1.interface}.pcap"]
    assert entry["directory"] == str(host.data / "pcap")
    assert entry["interfaces"] == [red1.interface]

    copied = await client(host, "copy", NAME, "-n", NAMESPACE, "-d", str(tmp_path))
    assert copied.returncode == 0, copied.stderr
    assert copied.stdout == f"Copy capture files for {NAMESPACE}/{NAME} to {tmp_path}\n"
    (file,) = files_in(tmp_path)
    assert file.name == f"red1_{red1.interface}.pcap"
    lines = frames(file)
    assert lines and all(f"{red1.address}.80" in line for line in lines)
    assert not any("ICMP" in line for line in lines)


async def test_files_have_their_codes(host: Any, pods: Any, capture: Object) -> None:
    code, body = await get(host, PRODUCT)
    assert (code, body) == (404, b"404: no file yet\n")
    pods["blue1"].post(pods["red1"], "hello")
    await state(host, "Capturing")
    code, body = await get(host, PRODUCT)
    assert (code, body[:2]) == (200, b"PK")
    assert (await get(host, PRODUCT.replace(NAME, "nobody")))[0] == 404
    assert (await get(host, PRODUCT, Authorization="Bearer wrong"))[0] == 401
    async with host.admin.session.delete(host.admin.server + PRODUCT) as answer:
        assert (answer.status, await answer.text()) == (409, "409: files can be deleted once the capture is Finished\n")
    async with host.lab.session.get(host.admin.server + PRODUCT) as answer:
        assert answer.status == 403
        assert answer.headers["Content-Type"].startswith("text/plain")
    await until(
        lambda: host.records("audit", '"objectRef.subresource" = files'),
        lambda found: {200, 403, 404, 409} <= {one["responseStatus"]["code"] for one in found},
    )


async def test_a_file_is_served_in_ranges(host: Any, pods: Any, capture: Object) -> None:
    pods["blue1"].post(pods["red1"], "hello")
    await packets(host, 8)
    name = f"{FILES}/kk-p4-node/red1_{pods['red1'].interface}.pcap"
    code, whole = await get(host, name)
    assert (code, whole[:4]) == (200, b"\xd4\xc3\xb2\xa1")
    assert await get(host, name, Range="bytes=0-3") == (206, whole[:4])
    code, rest = await get(host, name, Range="bytes=24-")
    assert (code, rest[: len(whole) - 24]) == (206, whole[24:])
    assert (await get(host, name, Range=f"bytes={len(whole) + 1_000_000}-"))[0] == 416
    assert (await get(host, f"{FILES}/kk-p4-node/..%2f..%2fresources.db"))[0] == 404


async def test_an_end_in_the_past_stops_at_once_and_clean_removes_the_files(
    host: Any, pods: Any, capture: Object
) -> None:
    pods["blue1"].post(pods["red1"], "hello")
    await state(host, "Capturing")
    end = rfc3339(datetime.now(UTC) - timedelta(seconds=1))
    await host.admin.patch(kinds.PACKET_CAPTURE, NAME, {"spec": {"endTime": end}}, NAMESPACE)
    found = await state(host, "Finished")
    count = found["files"][0]["packets"]
    pods["blue1"].post(pods["red1"], "unseen")
    code, whole = await get(host, PRODUCT)
    assert code == 200
    assert await get(host, PRODUCT, Range="bytes=100-") == (206, whole[100:])
    cleaned = await client(host, "clean", NAME, "-n", NAMESPACE)
    assert (cleaned.returncode, cleaned.stdout) == (0, f"Clean capture files for {NAMESPACE}/{NAME}\n")
    again = await client(host, "copy", NAME, "-n", NAMESPACE)
    assert (again.returncode, "no file found" in again.stderr) == (1, True)
    assert (await status(host))["files"][0]["packets"] == count


async def test_an_agent_that_was_killed_resumes_and_its_packets_are_kept(
    host: Any, pods: Any, capture: Object, tmp_path: Path
) -> None:
    pods["blue1"].post(pods["red1"], "first")
    await packets(host, 8)
    listed = await client(host, "copy", NAME, "-n", NAMESPACE, "-d", str(tmp_path))  # also brings all to the disk
    assert listed.returncode == 0, listed.stderr
    before = sum(len(frames(path)) for path in files_in(tmp_path))

    host.processes.end("agent", signal.SIGKILL)
    host.processes.start("agent")
    await until(
        lambda: host.report("agent"),
        lambda report: report.get("pid") == host.processes.running["agent"].pid and bool(report.get("captures")),
        within_s=40,
    )
    pods["blue1"].post(pods["red1"], "second")
    await state(host, "Capturing")
    after = tmp_path / "after"
    after.mkdir()
    copied = await client(host, "copy", NAME, "-n", NAMESPACE, "-d", str(after))
    assert copied.returncode == 0, copied.stderr
    names = [path.name for path in files_in(after)]
    assert len(names) == 2, names
    assert sum(len(frames(path)) for path in files_in(after)) > before


async def test_a_server_that_is_away_stops_no_capture_and_loses_no_record(
    host: Any, pods: Any, capture: Object
) -> None:
    host.processes.end("server")
    pods["blue1"].post(pods["red1"], "while away")
    host.processes.start("server")

    async def kept() -> list[dict[str, Any]]:
        try:
            return list(await host.records("flows", 'source_name = "blue1" AND dest_name = "red1"'))
        except Exception:  # the server is not back yet
            return []

    await until(kept, lambda records: {one["reporter"] for one in records} == {"src", "dst"}, within_s=60)
    found = await packets(host, 8)
    assert found["state"] == "Capturing"


class Cutter:
    """A wire to the server that is cut once, after some bytes from there, while the server is killed and comes back."""

    def __init__(self, processes: Any, after: int) -> None:
        self._processes, self._left = processes, after
        self.cuts = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._processes.listen.rpartition(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:  # the server is away
            writer.close()
            return
        upwards = asyncio.create_task(self._pump(reader, back))
        try:
            while chunk := await there.read(65536):
                if self.cuts == 0 and len(chunk) >= self._left:
                    self.cuts += 1
                    writer.write(chunk[: self._left])
                    self._processes.end("server", signal.SIGKILL)
                    self._processes.start("server")
                    return
                self._left -= len(chunk)
                writer.write(chunk)
                await writer.drain()
        finally:
            upwards.cancel()
            for end in (back, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()


async def test_a_server_killed_in_the_middle_of_a_copy_costs_no_byte(
    host: Any, pods: Any, capture: Object, tmp_path: Path
) -> None:
    pods["blue1"].post(pods["red1"], "x" * 100_000)
    for _ in range(20):
        pods["blue1"].post(pods["red1"], "y" * 100_000)
    await packets(host, 100)
    cutter = Cutter(host.processes, 1_000_000)
    proxy = await asyncio.start_server(cutter.carry, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    config = tmp_path / "kubeconfig"
    config.write_text((host.data / "kubeconfig").read_text().replace(host.processes.listen, f"127.0.0.1:{port}"))
    broken, straight = tmp_path / "broken", tmp_path / "straight"
    for folder in (broken, straight):
        folder.mkdir()
    async with proxy:
        copied = await client(host, "copy", NAME, "-n", NAMESPACE, "-d", str(broken), config=config)
    assert (copied.returncode, cutter.cuts) == (0, 1), copied.stderr
    assert (await client(host, "copy", NAME, "-n", NAMESPACE, "-d", str(straight))).returncode == 0
    (ours,), (whole,) = files_in(broken), files_in(straight)
    assert ours.stat().st_size > 1_000_000  # the wire was cut before its end
    assert whole.read_bytes().startswith(ours.read_bytes())


async def test_clean_of_all_namespaces_removes_what_a_gone_capture_left(host: Any, tmp_path: Path) -> None:
    left = host.data / "pcap/kk-p4-blue/left-behind"
    left.mkdir(parents=True)
    (left / "web_cali0.pcap").write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    copied = await client(host, "copy", "left-behind", "-a", "-d", str(tmp_path))
    assert (copied.returncode, [path.name for path in files_in(tmp_path)]) == (0, ["web_cali0.pcap"]), copied.stderr
    cleaned = await client(host, "clean", "left-behind", "-a")
    assert (cleaned.returncode, cleaned.stdout) == (0, "Clean capture files for kk-p4-blue/left-behind\n")
    assert list(left.glob("*.pcap")) == []
    assert (await client(host, "clean", "left-behind", "-a")).returncode == 1


async def test_flows_tell_both_ends_by_name(host: Any, pods: Any) -> None:
    pods["blue2"].post(pods["red2"], "counted")
    query = 'source_name = "blue2" AND dest_name = "red2" AND dest_port = 80'
    records = await until(
        lambda: host.records("flows", query),
        lambda found: {one["reporter"] for one in found} == {"src", "dst"},
        within_s=60,
    )
    by_reporter = {one["reporter"]: one for one in records}
    assert by_reporter["src"]["dest_namespace"] == "kk-p4-red"
    assert by_reporter["dst"]["bytes_in"] == by_reporter["src"]["bytes_out"]
    assert by_reporter["dst"]["action"] == "allow"


async def test_kubectl_tells_state_and_history(host: Any, pods: Any, capture: Object) -> None:
    program = machines_kubectl()
    if program is None:
        pytest.skip("there is no kubectl on this machine")

    async def kubectl(*words: str) -> str:
        command = [program.path, "--kubeconfig", str(host.data / "kubeconfig"), "-n", NAMESPACE, *words]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        return done.stdout

    pods["blue1"].post(pods["red1"], "hello")
    found = await state(host, "Capturing")
    await until(lambda: kubectl("describe", "packetcapture", NAME), lambda text: "Capturing  " in text)
    end = rfc3339(datetime.now(UTC) - timedelta(seconds=1))
    await host.admin.patch(kinds.PACKET_CAPTURE, NAME, {"spec": {"endTime": end}}, NAMESPACE)
    await state(host, "Finished")
    told = await until(lambda: kubectl("describe", "packetcapture", NAME), lambda text: "the window ended" in text)
    lines = [line.split()[:2] for line in told[told.index("Events:") :].splitlines()]
    assert [line[1] for line in lines if line[0] == "Normal"] == ["Started", "Capturing", "Finished"]
    header, row = (await kubectl("get", "packetcapture", NAME)).splitlines()
    assert header.split() == ["NAME", "STATE", "NODES", "FILES", "BYTES", "AGE"]
    cells = row.split()
    assert cells[:4] == [NAME, "Finished", "1", "1"]
    assert int(cells[4]) >= found["files"][0].get("bytes", 0) > 24
