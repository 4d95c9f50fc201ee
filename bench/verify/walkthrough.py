"""Do the four requests of the usual walk-through raise exactly the expected alerts with the community rules?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bench.verify.result import Result
from bench.verify.scanning import scan

JUDGED = {"21562", "57461", "1002", "2585"}


def run(root: Path) -> list[Result]:
    folder = root / "pcaps/walkthrough"
    expected = json.loads((folder / "expected.json").read_text())["files"]
    return [judge(folder / name, counts, root) for name, counts in expected.items()]


def judge(capture: Path, expected: dict[str, int], root: Path) -> Result:
    scanned = scan(capture, [root / "rules/snort3-community.rules"])
    if scanned.error:
        return Result(capture.name, "failed", scanned.error)
    found = Counter(str(alert["sid"]) for alert in scanned.alerts)
    judged = {sid: count for sid, count in found.items() if sid in JUDGED}
    others = {sid: count for sid, count in found.items() if sid not in JUDGED}
    detail = f"expected {expected}, found {judged}; other sids {others}"
    return Result(capture.name, "passed" if judged == expected else "failed", detail)
