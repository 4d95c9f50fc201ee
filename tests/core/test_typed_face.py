"""The module and its typed face say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_stub_describes_the_module() -> None:
    allowlist = Path(__file__).with_name("stubtest-allowlist.txt")
    command = [sys.executable, "-m", "mypy.stubtest", "kodkod._core", "--allowlist", str(allowlist)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
