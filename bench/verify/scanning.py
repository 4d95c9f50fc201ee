"""How is a case judged? By the product's own command, `kodkod scan -o json`, as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Scanned:
    """Alerts in packet order, or why there are none."""

    alerts: list[dict[str, Any]]
    error: str = ""


def scan(capture: Path, rules: list[Path], *options: str) -> Scanned:
    named = [argument for path in rules for argument in ("--rules", str(path))]
    command = [sys.executable, "-m", "kodkod.cli.app", "scan", str(capture), *named, "-o", "json", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Scanned([], f"no answer within {TIMEOUT_S} s")
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    return Scanned(alerts, done.stderr.strip()[-500:] if done.returncode not in (0, 1) else "")
