"""How many megabytes a second on one core, in how much memory? Offline replay, beside yardstick and peer.

The yardstick is the bare multi-pattern search of the same rules' fast patterns over the same capture's payloads
(`crates/sensor/examples/yardstick.rs`): what no rule engine on this matcher can beat by scanning everything once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import peers
from bench.captures.ready import captures, corpora
from bench.processes import run

ROOT = Path(__file__).parent.parent
RUNS = 3


def measure() -> list[dict[str, object]]:
    rules = rule_set()
    has_peer = peers.suricata_at_hand()
    rows: list[dict[str, object]] = []
    for name, capture in captures().items():
        size_mb = capture.stat().st_size / 1e6
        rows.append(ours(name, capture, rules, size_mb))
        rows.append(yardstick(name, capture, rules, size_mb))
        if has_peer:
            rows.append(peer(name, capture, rules, size_mb))
    return rows


def rule_set() -> Path:
    """The community rules in Snort 2.9 text, which both engines read; ours where there are none."""
    root = corpora()
    if root is not None and (root / "rules/snort2-community.rules").exists():
        return root / "rules/snort2-community.rules"
    print("community rules not at hand (KODKOD_CORPORA): measuring with the starter rules")
    return ROOT / "src/kodkod/inspection/rules/starter.rules"


def all_enabled(rules: Path, folder: Path) -> Path:
    """The same file with the rules that are commented out switched on."""
    target = folder / "all.rules"
    with rules.open() as source, target.open("w") as out:
        for line in source:
            out.write(line.removeprefix("# ") if line.startswith("# alert") else line)
    return target


def ours(name: str, capture: Path, rules: Path, size_mb: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        stats_file = Path(folder) / "stats.json"
        enabled = all_enabled(rules, Path(folder))
        command = [sys.executable, "-m", "kodkod.cli.app", "scan", str(capture), "--rules", str(enabled)]
        best: dict[str, object] = {}
        for _ in range(RUNS):
            cost = run([*command, "-o", "json", "--stats", str(stats_file)])
            stats = json.loads(stats_file.read_text())
            if not best or stats["engine_s"] < best["engine s"]:  # type: ignore[operator]  # both are numbers
                best = {
                    "capture": name,
                    "engine": "kodkod",
                    "rules": stats["rules_full"] + stats["rules_degraded"],
                    "MB/s": size_mb / stats["engine_s"],
                    "engine s": stats["engine_s"],
                    "start-up s": stats["load_s"],
                    "RSS MB": cost.rss_mb,
                    "alerts": stats["alerts"],
                }
        return best


def yardstick(name: str, capture: Path, rules: Path, size_mb: float) -> dict[str, object]:
    build = ["cargo", "build", "--release", "--quiet", "-p", "kodkod-sensor", "--example", "yardstick"]
    subprocess.run(build, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        enabled = all_enabled(rules, Path(folder))
        costs = [
            run([str(ROOT / "target/release/examples/yardstick"), str(enabled), str(capture)]) for _ in range(RUNS)
        ]
        seconds = min(float(cost.output.split()[0]) for cost in costs)
        patterns = int(costs[0].output.split()[1])
    return {"capture": name, "engine": "yardstick", "rules": patterns, "MB/s": size_mb / seconds, "engine s": seconds}


def peer(name: str, capture: Path, rules: Path, size_mb: float) -> dict[str, object]:
    results = [peers.suricata(capture, rules) for _ in range(RUNS)]
    cost, seconds, loaded = min(results, key=lambda result: result[1])
    return {
        "capture": name,
        "engine": "suricata",
        "rules": loaded,
        "MB/s": size_mb / seconds,
        "engine s": seconds,
        "start-up s": cost.wall_s - seconds,
        "RSS MB": cost.rss_mb,
    }
