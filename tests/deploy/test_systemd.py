"""The unit for one host: systemd takes it, and it is as closed as what is watched allows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy/systemd/kodkod.service"
EXPOSURE_MAX = "50"  # of 100; what a node's own network needs open accounts for most of it

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there: systemd looks whether it can be run."""
    copy = tmp_path / "kodkod.service"
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/kodkod", sys.executable))
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_takes_the_unit(unit: Path) -> None:
    done = analyze("verify", unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_exposure_is_bounded(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", unit)

    assert done.returncode == 0, done.stdout


def test_each_right_that_is_kept_says_why() -> None:
    text = UNIT.read_text()
    kept = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.M)
    assert kept is not None

    for capability in kept[1].split():
        assert re.search(rf"^#   {capability} +\S", text, re.M), capability
