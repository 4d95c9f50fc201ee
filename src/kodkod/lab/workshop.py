"""Where do the workshop's commands work verbatim? In a folder with `demo/`, in an environment that knows the server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import kodkod
from kodkod.lab import state


def place(data: Path) -> Path:
    """The folder the workshop is done in: captured files land here."""
    return state.folder(data) / "workshop"


def examples() -> Path:
    """Our manifests with the workshop's values, in the source tree or beside the installed package."""
    package = Path(kodkod.__file__).parent
    for candidate in (package.parents[1] / "deploy" / "examples", package / "examples"):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError("the example manifests are not installed")


def prepare(data: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Make the folder, put `calicoctl` and `kodkod` on PATH, and point kubectl at this server."""
    folder, programs = place(data), state.folder(data) / "bin"
    for each in (folder, programs):
        each.mkdir(parents=True, exist_ok=True)
    _link(folder / "demo", examples())
    for name in ("kodkod", "calicoctl"):
        _script(programs / name, name)
    return {
        **environment,
        "KUBECONFIG": str(data / "kubeconfig"),
        "KODKOD_DATA": str(data),
        "PATH": f"{programs}:{environment.get('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')}",
    }


def _script(target: Path, name: str) -> None:
    """A name on PATH for the interpreter that runs now: no entry point has to be installed for it."""
    text = f"""#!/bin/sh
exec "{sys.executable}" -c 'import sys; sys.argv[0] = "{name}"; from kodkod.cli.app import main; main()' "$@"
"""
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
        target.chmod(0o755)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
