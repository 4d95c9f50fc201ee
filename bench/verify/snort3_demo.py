"""Do the set-ups of Snort 3's demo give its alerts? Text rules only: alerts of its built-in rules (gid not 1) are
left out."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.verify.result import Result
from bench.verify.scanning import scan


def run(root: Path) -> list[Result]:
    pcaps = root / "pcaps"
    cases = json.loads((pcaps / "snort3_demo/cases.json").read_text())
    return [judge(case, pcaps) for case in cases]


def judge(case: dict[str, Any], pcaps: Path) -> Result:
    if not case["rules"]:
        return Result(case["name"], "skipped", "alerts of built-in rules only")
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "local.rules"
        rules.write_text("\n".join(case["rules"]) + "\n")
        checksums = "ignore" if case["ignore_checksums"] else "verify"
        scanned = scan(pcaps / case["pcap"], [rules], "--dialect", "snort3", "--checksums", checksums)
    if scanned.error:
        return Result(case["name"], "failed", scanned.error)
    expected = {entry["sid"]: entry["count"] for entry in case["expected"] if entry["gid"] == 1}
    found = Counter(alert["sid"] for alert in scanned.alerts if alert["gid"] == 1)
    detail = f"expected {expected}, found {dict(found)}"
    return Result(case["name"], "passed" if dict(found) == expected else "failed", detail)
