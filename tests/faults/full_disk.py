"""What does a capture do when its disk is really full? Says `Error` and why, keeps what it has, and goes on with space.

The capture directory is a small file system of its own, filled to its last byte by somebody else.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .host import Failed, Host, wait_for
from .rotation import opened

SIZE_MB = 16
WITHIN_S = 90.0  # the longest pause between two attempts is a minute
CAPTURE = {
    "apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": "full", "namespace": "dev"},
    "spec": {"selector": "app == 'netshoot'"},
}  # fmt: skip


class FullDisk:
    def __init__(self, folder: Path) -> None:
        self._host = Host(folder / "data", observed=1)
        self._small = folder / "small"
        self._filler = self._small / "filler"
        self.account: dict[str, Any] = {"findings": []}

    def perform(self) -> dict[str, Any]:
        self._small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", str(self._small)], check=True)
        try:
            self._happen()
        except Failed as failed:
            self.account["findings"].append(str(failed))
        self.account["findings"] += self._host.taken_down()
        subprocess.run(["umount", str(self._small)], check=True)
        return self.account

    def _happen(self) -> None:
        self._host.up()
        self._host.kodkod("lab", "up")
        self._host.configured(captureDir=str(self._small), captureMaxSizeBytes=200_000, captureMaxFiles=3)
        self._host.applied(CAPTURE)
        self._reached("Capturing")
        self._fill()
        wrong = self._reached("Error")
        self.account["error"] = {key: wrong.get(key) for key in ("state", "reason", "message")}
        if not wrong.get("reason") or not wrong.get("message"):
            self.account["findings"].append(f"an error without a reason: {wrong}")
        if "Error" not in self._host.kodkod("status", check=False).stdout:
            self.account["findings"].append("kodkod status does not say so")
        before = self._packets()
        self.account["findings"] += opened(self._files(), before, exact=False)
        self._filler.unlink()
        freed_at = time.monotonic()
        self._reached("Capturing")
        self.account["recovered_s"] = round(time.monotonic() - freed_at, 1)
        wait_for(lambda: self._packets() > before, WITHIN_S, "packets after the recovery")
        self.account["findings"] += opened(self._files(), 0, exact=False)

    def _fill(self) -> None:
        """Until not one byte more is taken."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while filler.write(b"\0" * size):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        free = os.statvfs(self._small).f_bavail
        if free:
            raise Failed(f"the disk is not full: {free} blocks are free")

    def _status(self) -> dict[str, Any]:
        """The capture's line for this node, as users see it."""
        found = self._host.kubectl("-n", "dev", "get", "packetcapture", "full", "-o", "json")
        files = (json.loads(found.stdout).get("status") or {}).get("files") or [{}]
        return dict(files[0])

    def _reached(self, state: str) -> dict[str, Any]:
        took = wait_for(lambda: self._status().get("state") == state, WITHIN_S, f"the capture is {state}")
        print(f"{state} after {took:.1f} s", file=sys.stderr)
        return self._status()

    def _packets(self) -> int:
        return int(self._status().get("packets") or 0)

    def _files(self) -> list[Path]:
        return sorted((self._small / "dev/full").glob("*.pcap"))


def perform(folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    return FullDisk(folder).perform()
