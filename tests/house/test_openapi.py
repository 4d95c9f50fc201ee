"""The API's documents, from which the console's types are made, say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_documents_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "dev/openapi.py", "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
