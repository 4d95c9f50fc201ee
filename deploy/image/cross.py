"""How is the engine compiled for a machine of the other architecture? With Debian's cross compiler, on this one.

    .venv/bin/python deploy/image/cross.py arm64      # prints the extension module's path, for build.py --engine

Needs `rustup target add aarch64-unknown-linux-gnu` and g++-aarch64-linux-gnu; says so where they are missing. The
matcher's static library comes from a Debian package of that architecture, unpacked into target/image, not installed.
Nothing compiled here is run: an image of the other architecture is proved on a machine of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import debian

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target/image"


@dataclass(frozen=True, slots=True)
class Target:
    """One architecture: Rust's name for it, Debian's prefix of its tools, the package with the pattern matcher."""

    rust: str
    tools: str
    matcher: str


TARGETS = {
    "arm64": Target("aarch64-unknown-linux-gnu", "aarch64-linux-gnu", "libvectorscan-dev"),
    "amd64": Target("x86_64-unknown-linux-gnu", "x86_64-linux-gnu", "libhyperscan-dev"),
}


class CrossError(Exception):
    """The engine cannot be compiled for that architecture; the text says what is missing and how to get it."""


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        print(f"usage: cross.py {'|'.join(TARGETS)}", file=sys.stderr)
        return 2
    try:
        print(compile_engine(sys.argv[1]))
    except (CrossError, debian.DebianError) as error:
        print(f"image: error: {error}", file=sys.stderr)
        return 2
    return 0


def compile_engine(architecture: str) -> Path:
    target = TARGETS[architecture]
    compiler = shutil.which(f"{target.tools}-g++")
    if compiler is None:
        raise CrossError(f"no compiler for {architecture}: apt-get install g++-{target.tools}")
    libraries = _matcher(target, architecture)
    wrapper = _compiler_with(compiler, libraries, architecture)
    variable = f"CARGO_TARGET_{target.rust.upper().replace('-', '_')}_LINKER"
    environment = {
        **os.environ,
        variable: f"{target.tools}-gcc",
        "CXX": str(wrapper),  # the matcher's build script asks it where its static libraries are
        "PYO3_NO_PYTHON": "1",  # the stable ABI needs no interpreter of the other architecture
        "CARGO_TARGET_DIR": str(WORK / "cargo"),
    }
    command = ["cargo", "build", "--release", "--quiet", "--target", target.rust, "-p", "kodkod-pyext"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        hint = f"\nhint: rustup target add {target.rust}" if "can't find crate for `core`" in done.stderr else ""
        raise CrossError(f"cargo failed for {target.rust}:\n{done.stderr.strip()}{hint}")
    return WORK / "cargo" / target.rust / "release/lib_core.so"


def _matcher(target: Target, architecture: str) -> Path:
    """The folder with libhs.a of that architecture."""
    root = WORK / f"sysroot-{architecture}"
    libraries = root / "usr/lib" / target.tools
    if not (libraries / "libhs.a").exists():
        shutil.rmtree(root, ignore_errors=True)
        debian.skeleton(root)
        debian.unpack([target.matcher], root, cache=WORK / "apt", architecture=architecture)
    return libraries


def _compiler_with(compiler: str, libraries: Path, architecture: str) -> Path:
    """The compiler, looking for libhs.a in that folder too; its own libraries come first."""
    only = WORK / f"matcher-{architecture}"
    only.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(libraries / "libhs.a", only / "libhs.a")
    wrapper = only / "c++"
    wrapper.write_text(f'#!/bin/sh\nexec {compiler} -B{only} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


if __name__ == "__main__":
    sys.exit(main())
