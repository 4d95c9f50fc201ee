"""What a Prometheus reads of a node's process."""

from __future__ import annotations

import aiohttp

from kodkod.agent.metrics import MetricsServer
from kodkod.resources.kinds.node_report import CaptureReport, Disk, NodeReportStatus, SpoolReport

STATUS = NodeReportStatus(
    ready=True,
    endpoints=3,
    packets=7,
    drops={"kernel": 2},
    unattributed=1,
    captures=[CaptureReport(namespace="a", name="b", uid="c", state="Capturing", packets=5, drops={"disk": 4})],
    disk=Disk(capture_bytes=100, free_bytes=10, pressure=True),
    spool=SpoolReport(bytes=11, lost=12),
)


async def test_what_is_observed_is_served_under_one_path() -> None:
    async with MetricsServer("127.0.0.1", 0, lambda: STATUS) as server, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{server.port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        async with session.get(f"http://127.0.0.1:{server.port}/files/a/b") as answer:
            assert answer.status == 404
    for line in (
        "kodkod_node_ready 1.0",
        "kodkod_node_endpoints 3.0",
        "kodkod_node_packets_total 7.0",
        'kodkod_node_drops_total{reason="kernel"} 2.0',
        "kodkod_node_unattributed_total 1.0",
        'kodkod_node_captures{state="Capturing"} 1.0',
        'kodkod_node_capture_drops_total{reason="disk"} 4.0',
        "kodkod_node_disk_pressure 1.0",
        "kodkod_node_records_lost_total 12.0",
    ):
        assert line in lines
    assert not [line for line in lines if line.startswith("kodkod_node_rules")]  # an inspector's
