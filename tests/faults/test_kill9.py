"""kill -9 of server, agent and inspector under traffic: nothing acknowledged is lost, all is resumed, nothing is left.

A dozen kills here; `make faults` (or `KODKOD_KILLS=200`) does two hundred, `KODKOD_KILLS_SEED` chooses another series.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .host import ROLES, ROOT, command_inside

pytestmark = [pytest.mark.e2e, pytest.mark.netns]

KILLS = os.environ.get("KODKOD_KILLS", "12")
SEED = os.environ.get("KODKOD_KILLS_SEED", "4")
START_S, KILL_S = 240, 40


@pytest.fixture(autouse=True)
def needed() -> None:
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    for program in ("unshare", "ip", "nft", "nginx", "kubectl"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            pytest.skip(f"{program} is not installed")


def test_nothing_acknowledged_is_lost_and_nothing_is_left_behind(tmp_path: Path) -> None:
    arguments = ["kill9", "--kills", KILLS, "--seed", SEED, "--folder", str(tmp_path)]

    done = subprocess.run(
        command_inside("tests.faults", arguments), cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=START_S + KILL_S * int(KILLS),
    )  # fmt: skip

    assert done.stdout, done.stderr
    account = json.loads(done.stdout)
    assert account["findings"] == [], f"{done.stderr}\n{done.stdout}"
    assert account["kills"] == int(KILLS)
    assert set(account["killed"]) == set(ROLES)
    assert account["counts"]["events stored"] > 0
    assert account["counts"]["writes acknowledged"] > 0
