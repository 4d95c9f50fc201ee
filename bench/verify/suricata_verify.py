"""Do rules of Suricata's own suite fire as it expects? Its dialect, its captures; counts of alerts are compared.

Suricata counts differ from Snort's by design (an alert for each packet or transaction), and Snort's behaviour is our
aim: a case passes when each expected sid fires exactly when it is to fire; where the number differs, the detail says
so.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.verify.result import Result
from bench.verify.scanning import scan

SKIPPED_FEATURES = {"arg:--simulate-ips": "inline mode: this engine only detects"}


def run(root: Path) -> list[Result]:
    pcaps = root / "pcaps"
    cases = json.loads((pcaps / "suricata-verify/cases.json").read_text())
    return [judge(case, pcaps) for case in cases]


def judge(case: dict[str, Any], pcaps: Path) -> Result:
    name = case["name"]
    for feature in case["features"]:
        if feature in SKIPPED_FEATURES:
            return Result(name, "skipped", SKIPPED_FEATURES[feature])
    wanted = [expectation for expectation in case["expected"] if expectation["sid"] is not None]
    if not wanted or not case.get("rules"):
        return Result(name, "skipped", "expects nothing of a single rule")
    checksums = "ignore" if any("-k none" in feature for feature in case["features"]) else "verify"
    options = ["--dialect", "suricata", "--checksums", checksums]
    scanned = scan(pcaps / case["pcap"], [pcaps / case["rules"]], *options)
    if scanned.error:
        return Result(name, "failed", scanned.error)
    found = Counter(alert["sid"] for alert in scanned.alerts)
    wrong = [entry for entry in wanted if (entry["count"] > 0) != (found[entry["sid"]] > 0)]
    counts = ", ".join(f"{entry['sid']}: expected {entry['count']}, found {found[entry['sid']]}" for entry in wanted)
    return Result(name, "failed" if wrong else "passed", counts)
