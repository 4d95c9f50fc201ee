"""What does the API say of itself? Writes `web/openapi/*.json` from the composed server, and the console's types.

    .venv/bin/python dev/openapi.py            write documents and types
    .venv/bin/python dev/openapi.py --check    exit 1 where a document is not what the code says

The documents are golden files: a change of a route or a kind shows up in their diff. `web/scripts/generate.mjs` makes
the TypeScript types of them; a unit test of the console compares those.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kodkod.clock import SystemClock
from kodkod.server.app import ServerConfig, compose, v1
from kodkod.server.kube import openapi

WEB = Path(__file__).resolve().parent.parent / "web"
FOLDER = WEB / "openapi"
# The groups of the Kubernetes face that the console reads: file name, key of the document.
GROUPS = {"projectcalico.json": "apis/projectcalico.org/v3", "kodkod.json": "apis/kodkod.dev/v1alpha1"}


def main() -> int:
    texts = documents()
    if "--check" in sys.argv:
        return report(stale(texts))
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
    if shutil.which("npm") is None or not (WEB / "node_modules").exists():
        print("hint: `make setup`, then `npm run generate` in web/ makes the console's types", file=sys.stderr)
        return 0
    return subprocess.run(["npm", "run", "--silent", "generate"], cwd=WEB, check=False).returncode


def documents() -> dict[str, str]:
    """Each document as the text of its file."""
    found: dict[str, Any] = {"v1.json": asyncio.run(own_document())}
    found.update({name: openapi.v3(key) for name, key in GROUPS.items()})
    return {name: json.dumps(document, indent=1, ensure_ascii=False) + "\n" for name, document in found.items()}


async def own_document() -> dict[str, Any]:
    """`/v1/openapi.json` of a server that is composed in a folder of its own and never listens."""
    with tempfile.TemporaryDirectory() as folder:
        config = ServerConfig(Path(folder), "127.0.0.1", 9443, "node")
        async with compose(config, SystemClock()) as services:
            found = v1(services).openapi()
    found["info"]["version"] = "v1"  # the release's number would make every release a change of the contract
    return found


def stale(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]


def report(names: list[str]) -> int:
    for name in names:
        print(f"web/openapi/{name} is not what the code says\nhint: .venv/bin/python dev/openapi.py")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
