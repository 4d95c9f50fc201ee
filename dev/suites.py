"""Does everything hold? Runs the checks and the test suites one after another and sums what they say.

    .venv/bin/python dev/suites.py all|quick|check

Each suite's whole output goes to `test-results/{suite}.log`; the terminal shows a line a suite, the output of those
that failed, the reasons of skips, and last `N passed, N failed, N skipped`. Exit 1 when anything failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"
RESULTS = ROOT / "test-results"
WEB = ROOT / "web"
SHOWN_LINES_MAX = 200  # of a failed suite's output; the rest is in its log


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: int
    failed: int
    skipped: int = 0
    reasons: tuple[str, ...] = ()

    def line(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    command: tuple[str, ...]
    read: Callable[[int, str], Outcome]
    folder: Path = ROOT
    kind: str = "test"
    quick: bool = True


def suites() -> list[Suite]:
    found = [
        Suite("ruff", (str(BIN / "ruff"), "check", "."), one, kind="check"),
        Suite("ruff-format", (str(BIN / "ruff"), "format", "--check", "."), one, kind="check"),
        Suite("mypy", (str(BIN / "mypy"),), one, kind="check"),
        Suite("import-linter", (str(BIN / "lint-imports"),), one, kind="check"),
        Suite("rustfmt", ("cargo", "fmt", "--all", "--check"), one, kind="check"),
        Suite(
            "clippy",
            ("cargo", "clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"),
            one,
            kind="check",
        ),
    ]
    if (WEB / "package.json").exists():
        found += [
            Suite("eslint", ("npm", "run", "--silent", "lint"), one, WEB, kind="check"),
            Suite("tsc", ("npm", "run", "--silent", "types"), one, WEB, kind="check"),
        ]
    found += [
        Suite("cargo-test", ("cargo", "test", "--workspace", "--no-fail-fast"), cargo),
        # The cluster's suite is a target of its own (dev/cluster.py): it needs a cluster.
        pytest("pytest", "--ignore=tests/cluster"),
    ]
    if (WEB / "package.json").exists():
        found += [
            Suite("web-unit", ("npm", "run", "--silent", "test:unit"), vitest, WEB),
            Suite("browser", ("npm", "run", "--silent", "test:browser"), playwright, WEB, quick=False),
        ]
    return found


def pytest(name: str, *arguments: str) -> Suite:
    """A run of pytest whose report is `test-results/{name}.xml`."""
    report = RESULTS / f"{name}.xml"
    command = (str(BIN / "python"), "-m", "pytest", "-q", f"--junitxml={report}", *arguments)
    return Suite(name, command, lambda _code, _output: junit(report))


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    if wanted not in {"all", "quick", "check"}:
        print("usage: suites.py all|quick|check", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    return close([run(suite, quick=wanted == "quick") for suite in suites() if chosen(suite, wanted)])


def close(outcomes: list[Outcome]) -> int:
    """Print why things were skipped and the line of sums; the exit code."""
    reasons = sorted({reason for outcome in outcomes for reason in outcome.reasons})
    for reason in reasons:
        print(f"skipped: {reason}")
    passed, failed, skipped = (
        sum(getattr(outcome, part) for outcome in outcomes) for part in ("passed", "failed", "skipped")
    )
    print(Outcome(passed, failed, skipped).line())
    return 1 if failed else 0


def chosen(suite: Suite, wanted: str) -> bool:
    if wanted == "check":
        return suite.kind == "check"
    return wanted == "all" or (suite.quick and suite.kind == "test")


def run(suite: Suite, *, quick: bool = False) -> Outcome:
    command = list(suite.command)
    if quick and suite.name == "pytest":
        command += ["-m", "not netns and not browser and not e2e and not kubectl"]
    started = time.monotonic()
    print(f"{suite.name} ...", end=" ", flush=True)
    log = RESULTS / f"{suite.name}.log"
    with log.open("w") as output:  # as it comes: who interrupts a suite wants to know where it stood
        done = subprocess.run(
            command, cwd=suite.folder, env=environment(), stdout=output, stderr=subprocess.STDOUT, check=False
        )
    said = log.read_text(errors="replace")
    outcome = suite.read(done.returncode, said)
    if done.returncode != 0 and outcome.failed == 0:  # it broke before it could count
        outcome = Outcome(outcome.passed, 1, outcome.skipped, outcome.reasons)
    print(
        f"{outcome.line()} ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    if outcome.failed:
        print("\n".join(said.splitlines()[-SHOWN_LINES_MAX:]), flush=True)
    return outcome


def environment() -> dict[str, str]:
    """The suites' environment: our tools first on PATH; node from .venv where the machine has none new enough."""
    path = os.environ["PATH"]
    if shutil.which("node") is None:
        path = f"{BIN}:{path}"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "CARGO_TERM_COLOR": "never", "NO_COLOR": "1"}


def one(code: int, _output: str) -> Outcome:
    """A check is one test: it holds or not."""
    return Outcome(1, 0) if code == 0 else Outcome(0, 1)


def cargo(_code: int, output: str) -> Outcome:
    counts = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", output, re.MULTILINE)
    passed, failed, skipped = (sum(int(row[column]) for row in counts) for column in range(3))
    reasons = tuple(sorted(set(re.findall(r"^skipped: (.+)$", output, re.MULTILINE))))
    return Outcome(passed, failed, skipped, reasons)


def junit(report: Path) -> Outcome:
    if not report.exists():
        return Outcome(0, 1)
    totals = ElementTree.parse(report).getroot()
    suite = totals if totals.tag == "testsuite" else totals[0]
    tests, failed, skipped = (
        int(suite.get("tests", 0)),
        int(suite.get("failures", 0)) + int(suite.get("errors", 0)),
        int(suite.get("skipped", 0)),
    )
    reasons = tuple(sorted({node.get("message", "") for node in suite.iter("skipped")}))
    return Outcome(tests - failed - skipped, failed, skipped, reasons)


def vitest(_code: int, output: str) -> Outcome:
    """`vitest --reporter=json` prints one JSON document."""
    report = json.loads(output[output.index("{") :]) if "{" in output else {}
    return Outcome(report.get("numPassedTests", 0), report.get("numFailedTests", 0), report.get("numPendingTests", 0))


def playwright(_code: int, output: str) -> Outcome:
    """Playwright's line reporter ends with `N passed`, `N failed`, `N skipped` lines."""
    counts = {
        word: int(number)
        for number, word in re.findall(r"^\s+(\d+) (passed|failed|skipped|flaky)\b", output, re.MULTILINE)
    }
    return Outcome(counts.get("passed", 0), counts.get("failed", 0) + counts.get("flaky", 0), counts.get("skipped", 0))


if __name__ == "__main__":
    sys.exit(main())
