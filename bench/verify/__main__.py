"""Which suites run? `python -m bench.verify [kubectl walkthrough suricata-verify snort3_demo hostile]`.

Prints `SUITE: N passed, N failed, N skipped` and writes each case's result to `bench/results/verify-{suite}.json`.
Exit 1 when a case failed. Where the data is absent, a suite is skipped and says so.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from bench.captures.ready import corpora
from bench.verify.result import Result

RESULTS = Path(__file__).parent.parent / "results"
SUITES = {
    "kubectl": "bench.verify.kubectl",
    "walkthrough": "bench.verify.walkthrough",
    "suricata-verify": "bench.verify.suricata_verify",
    "snort3_demo": "bench.verify.snort3_demo",
    "hostile": "bench.verify.hostile",
}


def main() -> int:
    wanted = sys.argv[1:] or list(SUITES)
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        print(f"error: no suite {', '.join(unknown)}\nhint: {', '.join(SUITES)}", file=sys.stderr)
        return 2
    root = corpora()
    if root is None:
        print("skipped: KODKOD_CORPORA is not set")
        return 0
    RESULTS.mkdir(exist_ok=True)
    has_failed = False
    for name in wanted:
        results: list[Result] = importlib.import_module(SUITES[name]).run(root)
        (RESULTS / f"verify-{name}.json").write_text(json.dumps([result.as_dict() for result in results], indent=1))
        counts = {
            outcome: sum(result.outcome == outcome for result in results) for outcome in ("passed", "failed", "skipped")
        }
        print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
        has_failed |= counts["failed"] > 0
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
