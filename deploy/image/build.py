"""What is in our image? Writes it as an OCI archive, with no container engine: Debian's Python, what we import, and us.

    .venv/bin/python deploy/image/build.py [--name NAME:TAG] [--arch amd64|arm64] [--engine FILE] [--out FILE]

Prints the archive's path. Three layers, each made again only when its inputs changed: Debian packages (rarely), Python
packages (the versions in dev/requirements.txt), Kodkod itself (each build). The Dockerfile beside this file
makes the same for those who have an engine, and says which process of a cluster needs which right.

After `make setup`: the Python packages are copied from .venv when it fits, else fetched as wheels. Another
architecture needs `--engine`, our extension module compiled for it (cross.py beside this file does it).
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import importlib.metadata
import py_compile
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import debian
import oci
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "target/image"
USER = ("kodkod", 10001)  # the number is in the chart too: Kubernetes checks runAsNonRoot by number alone

# python3 with the libraries that wheels and the engine link; cat and sh for probes and for people who look inside.
PACKAGES = ("python3", "libstdc++6", "libgcc-s1", "libpcre2-8-0", "ca-certificates", "tzdata", "coreutils", "dash")
# Of Debian's Python: what no server imports.
NO_SERVER = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo")
# Of Python packages: tests, headers and sources, and the parts of Arrow that nothing of ours loads (60 MB of 170).
PRUNED = (
    *("**/tests", "pyarrow/include", "pyarrow/src", "pyarrow/*.p[yx]x", "pyarrow/*.px[di]"),
    *("pyarrow/*flight*", "pyarrow/libarrow_s3*", "pyarrow/_s3fs*", "pyarrow/_gcsfs*", "pyarrow/_azurefs*"),
    *("pyarrow/_hdfs*", "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.*.*.*"),
)
ELF_MACHINE = {"amd64": 62, "arm64": 183}  # e_machine of the ELF header
WHEEL_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC_MINORS = range(28, 16, -1)  # wheels for glibc 2.28 and older run on Debian 12 (2.36)


class BuildError(Exception):
    """The image cannot be made; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its archive, and the digest of what it was made from."""

    archive: Path
    inputs: str


def main() -> int:
    options = _arguments()
    try:
        archive = build(options.name, options.arch, options.engine, options.out)
    except (BuildError, debian.DebianError) as error:
        print(f"image: error: {error}", file=sys.stderr)
        return 2
    print(archive)
    return 0


def build(name: str, architecture: str, engine: Path | None, out: Path | None) -> Path:
    """Make the image unless it is there already. Answers the archive's path."""
    if not debian.available():
        raise BuildError("apt-get and dpkg-deb are needed; elsewhere use deploy/image/Dockerfile")
    engine = engine or _own_engine(architecture)
    _check_engine(engine, architecture)
    folder = WORK / architecture
    layers = [_debian_layer(folder, architecture)]
    python = (folder / "python").read_text()
    layers.append(_packages_layer(folder, architecture, python))
    layers.append(_kodkod_layer(folder, engine, python))
    target = out or WORK / f"kodkod-{architecture}.tar"
    stamp = folder / "image.stamp"
    inputs = _digest([name, *(layer.inputs for layer in layers)])
    if not (target.exists() and stamp.exists() and stamp.read_text() == f"{target} {inputs}"):
        oci.write_archive(target, _image(name, architecture), [layer.archive for layer in layers])
        stamp.write_text(f"{target} {inputs}")
    return target


def _image(name: str, architecture: str) -> oci.Image:
    return oci.Image(
        name=name,
        architecture=architecture,
        entrypoint=("kodkod",),
        command=("--help",),
        # Compiled modules are in the image, which is read-only where it runs.
        environment={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"},
        labels={
            "org.opencontainers.image.title": "kodkod",
            "org.opencontainers.image.version": _project()["version"],
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
        user=f"{USER[1]}:{USER[1]}",
    )


def _debian_layer(folder: Path, architecture: str) -> Layer:
    inputs = _digest([debian.versions(PACKAGES, WORK / "apt", architecture), *map(_source, ("build.py", "debian.py"))])

    def fill(root: Path) -> None:
        debian.skeleton(root, {USER[0]: (USER[1], "/nonexistent", "/usr/sbin/nologin")})
        debian.unpack(PACKAGES, root, cache=WORK / "apt", architecture=architecture)
        debian.certificates(root)
        (root / "var/lib/kodkod").mkdir()
        python = (root / "usr/bin/python3").readlink().name
        for name in NO_SERVER:
            shutil.rmtree(root / "usr/lib" / python / name, ignore_errors=True)
        _compile(root, root / "usr/lib" / python, python)
        (folder / "python").write_text(python)

    return _layer(folder, "debian", inputs, fill)


def _packages_layer(folder: Path, architecture: str, python: str) -> Layer:
    pins = sorted(runtime_pins())
    inputs = _digest([python, *pins, _source("build.py")])

    def fill(root: Path) -> None:
        target = _site(root, python)
        if architecture == debian.own_architecture() and python == _own_python():
            _copy_installed(pins, target)
        else:
            _fetch_wheels(pins, target, architecture, python)
        for pattern in PRUNED:
            for path in target.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        _compile(root, target, python)

    return _layer(folder, "packages", inputs, fill)


def _kodkod_layer(folder: Path, engine: Path, python: str) -> Layer:
    package = ROOT / "src/kodkod"
    files = [path for path in sorted(package.rglob("*")) if path.is_file() and _ours(path.relative_to(package))]
    digest = hashlib.sha256(engine.read_bytes())
    for path in files:
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    inputs = _digest([digest.hexdigest(), python, _source("build.py")])

    def fill(root: Path) -> None:
        target = _site(root, python) / "kodkod"
        for path in files:
            copy = target / path.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        shutil.copyfile(engine, target / "_core.abi3.so")
        _strip(target / "_core.abi3.so", folder.name)
        _compile(root, target, python)
        _launchers(root / "usr/local/bin")

    return _layer(folder, "kodkod", inputs, fill)


def _layer(folder: Path, name: str, inputs: str, fill: Callable[[Path], None]) -> Layer:
    """Make the layer unless its stamp names these very inputs. `folder` is named by the architecture."""
    archive, stamp, root = folder / f"{name}.tar", folder / f"{name}.stamp", folder / "root"
    if archive.exists() and stamp.exists() and stamp.read_text() == inputs:
        return Layer(archive, inputs)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    fill(root)
    _check_machines(root, folder.name)
    oci.write_layer(archive, root)
    shutil.rmtree(root)
    stamp.write_text(inputs)
    return Layer(archive, inputs)


def runtime_pins() -> set[str]:
    """`name==version` of all that pyproject's dependencies lead to, in the versions that are tested (.venv's)."""
    waiting = [Requirement(text) for text in _project()["dependencies"]]
    seen: set[str] = set()
    pins: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        found = importlib.metadata.distribution(requirement.name)
        pins.add(f"{found.name}=={found.version}")
        for needed in map(Requirement, found.requires or ()):
            extras = ("", *requirement.extras)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return pins


def _copy_installed(pins: Iterable[str], target: Path) -> None:
    """The files of installed packages, without their commands and caches."""
    for pin in pins:
        for file in importlib.metadata.distribution(pin.split("==")[0]).files or ():
            if file.parts[0] == ".." or "__pycache__" in file.parts or file.name in {"RECORD", "direct_url.json"}:
                continue
            copy = target / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), copy)


def _fetch_wheels(pins: Iterable[str], target: Path, architecture: str, python: str) -> None:
    machine = WHEEL_MACHINE[architecture]
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms += [f"--platform=manylinux2014_{machine}"]
    version = f"--python-version={python.removeprefix('python')}"
    chosen = ["--only-binary=:all:", "--no-deps", version, *platforms, "--no-compile", "-t", str(target)]
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *chosen, *pins]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"pip found no wheels for {architecture}: {done.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)


def _own_engine(architecture: str) -> Path:
    own = debian.own_architecture()
    if architecture != own:
        raise BuildError(
            f"an image for {architecture} made on {own} needs --engine: deploy/image/cross.py {architecture} makes it"
        )
    return ROOT / "src/kodkod/_core.abi3.so"


def _check_engine(engine: Path, architecture: str) -> None:
    if not engine.exists():
        raise BuildError(f"{engine} is not there: run `make setup`")
    if _machine(engine) != ELF_MACHINE[architecture]:
        raise BuildError(f"{engine} is no extension module for {architecture}")


def _check_machines(root: Path, architecture: str) -> None:
    """Every program and library has to be of the image's architecture: a wrong wheel would show on the first import."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and _machine(path) not in {None, ELF_MACHINE[architecture]}:
            raise BuildError(f"/{path.relative_to(root)} is not for {architecture}")


def _machine(path: Path) -> int | None:
    """The machine that an ELF file is for; none for other files."""
    with path.open("rb") as file:
        header = file.read(20)
    return int.from_bytes(header[18:20], "little") if header[:4] == b"\x7fELF" else None


def _strip(library: Path, architecture: str) -> None:
    """Without a debugger's tables the engine is half as large; wherever there is a C compiler there is `strip`."""
    program = f"{WHEEL_MACHINE[architecture]}-linux-gnu-strip"
    if shutil.which(program) is not None:
        subprocess.run([program, "--strip-unneeded", str(library)], check=True)


def _compile(root: Path, folder: Path, python: str) -> None:
    """Compiled modules beside the sources: a third of a second saved at each start. Valid whatever the clock says."""
    if python == _own_python():  # another version would compile what this one cannot read
        compileall.compile_dir(
            folder,
            quiet=2,
            stripdir=str(root),
            prependdir="/",
            maxlevels=20,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def _launchers(folder: Path) -> None:
    folder.mkdir(parents=True)
    launcher = folder / "kodkod"
    launcher.write_text("#!/usr/bin/python3\nfrom kodkod.cli.app import main\n\nmain()\n")
    launcher.chmod(0o755)
    (folder / "calicoctl").symlink_to("kodkod")  # it acts by the name it is called with


def _ours(path: Path) -> bool:
    """What of src/kodkod is shipped: not the furniture of tests, not caches; the engine is put in by itself."""
    return not {"testing", "__pycache__"} & set(path.parts) and not path.name.startswith("_core.abi3")


def _site(root: Path, python: str) -> Path:
    """Where Debian's Python looks for what an administrator put there."""
    return root / "usr/local/lib" / python / "dist-packages"


def _own_python() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _source(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--name", default=f"localhost/kodkod:{_project()['version']}", help="the image's reference")
    parser.add_argument("--arch", choices=sorted(ELF_MACHINE), default=debian.own_architecture())
    parser.add_argument("--engine", type=Path, help="our extension module, compiled for --arch")
    parser.add_argument("--out", type=Path, help="the archive (default: target/image/kodkod-ARCH.tar)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
