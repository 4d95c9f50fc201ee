"""How is a fault run started by hand?

    python -m tests.faults kill9 --kills 200 --seed 4 [--folder DIR]
    python -m tests.faults rotation | full-disk | bounds | again [--folder DIR]

Needs the rights of root. Prints what happens as it happens, and an account as JSON; exit code 1 when it has findings.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .host import INSIDE, ROOT, command_inside

RUNS = {"kill9": "killing", "rotation": "rotation", "full-disk": "full_disk", "bounds": "bounds", "again": "again"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--within", type=float, default=60.0, help="seconds in which a killed process has to be back")
    parser.add_argument("--folder", type=Path, help="keep everything here (default: a temporary folder)")
    options = parser.parse_args(arguments)
    if not os.environ.get(INSIDE):
        return subprocess.run(command_inside("tests.faults", arguments), cwd=ROOT, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="kodkod-faults-") as made:
        folder = (options.folder or Path(made)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        module = importlib.import_module(f"tests.faults.{RUNS[options.run]}")
        account = module.perform(folder, options)
    print(json.dumps(account, indent=1))
    return 1 if account["findings"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
