"""Are hostile bytes survived? Every frame and every file of the hostile corpus cut at every length, in a release build.

`cargo test` runs the same tests in a debug build, with shorter cuts. A case is a crate whose `tests/hostile.rs` runs.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from bench.verify.result import Result

ROOT = Path(__file__).parent.parent.parent
CRATES = ("kodkod-pcap", "kodkod-sensor")


def run(_root: Path) -> list[Result]:
    return [result for crate in CRATES for result in tests_of(crate)]


def tests_of(crate: str) -> list[Result]:
    command = ["cargo", "test", "--release", "--quiet", "-p", crate, "--test", "hostile", "--", "--show-output"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    counts = re.search(r"(\d+) passed; (\d+) failed", text)
    what = re.search(r"^\d+ cut.*$", text, re.MULTILINE)
    is_good = done.returncode == 0 and counts is not None and int(counts[1]) > 0 and what is not None
    return [Result(crate, "passed" if is_good else "failed", what[0] if is_good and what else text[-2000:])]
