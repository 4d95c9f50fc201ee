"""Which files do these Debian packages bring? A root folder for an image that leaves this machine as it is.

apt resolves the packages against an empty list of installed ones, so what comes is complete; dpkg-deb unpacks them.
Maintainer scripts do not run: what those would set up, the image that needs it does itself, and the packages that only
serve such scripts are left out. Sources and keys are the machine's own: an image carries what would be installed here.
Another architecture needs its own package lists, which apt then fetches into `cache`.

Needs apt and dpkg-deb (Debian, Ubuntu). Standard library alone.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

# Only maintainer scripts call these.
SCRIPTS_ONLY = frozenset(
    {"perl-base", "debconf", "cdebconf", "adduser", "passwd", "dpkg", "init-system-helpers", "lsb-base"}
    | {"sysvinit-utils", "libdebconfclient0"}
)
# Below /usr/share; nothing reads these in a container, and they are a third of the bytes.
LEFT_OUT = ("doc", "doc-base", "man", "info", "locale", "lintian", "bug", "i18n", "applications", "pixmaps", "menu")
FOLDERS = ("etc", "proc", "sys", "dev", "run", "root", "home", "var/log", "var/lib")
MERGED = ("bin", "sbin", "lib", "lib64")
USERS = {
    "root": (0, "/root", "/bin/sh"),
    "www-data": (33, "/var/www", "/usr/sbin/nologin"),
    "nobody": (65534, "/nonexistent", "/usr/sbin/nologin"),
}


class DebianError(Exception):
    """apt or dpkg did not do what was asked; the text is what they said. The operator's move."""


def available() -> bool:
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


@functools.cache
def own_architecture() -> str:
    return _output(["dpkg", "--print-architecture"]).strip()


def versions(names: Iterable[str], cache: Path, architecture: str) -> str:
    """What apt would take now: what a stamp of an image has to know. Asked once for each state of the lists."""
    cache.mkdir(parents=True, exist_ok=True)
    lists = _have_lists(cache, architecture)
    state = "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in lists)
    question = hashlib.sha256("\0".join([state, architecture, *sorted(names)]).encode()).hexdigest()[:16]
    answer = cache / f"versions-{question}"
    if not answer.exists():
        command = ["apt-cache", *_apt(cache, architecture), "show", "--no-all-versions", *sorted(names)]
        answer.write_text(_output(command))
    return answer.read_text()


def unpack(names: Iterable[str], root: Path, *, cache: Path, architecture: str) -> None:
    """Put these packages, and all that they depend on, into the folder `root`, which skeleton() made."""
    cache.mkdir(parents=True, exist_ok=True)
    archives = cache / f"archives-{architecture}"
    shutil.rmtree(archives, ignore_errors=True)
    (archives / "partial").mkdir(parents=True)
    _have_lists(cache, architecture)
    options = [*_apt(cache, architecture), "-o", f"Dir::Cache::archives={archives}"]
    _output(["apt-get", "-qq", "-y", "--download-only", *options, "install", *names])
    for package in sorted(archives.glob("*.deb")):
        if package.name.split("_", 1)[0] not in SCRIPTS_ONLY:
            _unpack_one(package, root)
    shutil.rmtree(archives)
    for name in LEFT_OUT:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    for conversions in root.glob("usr/lib/*/gconv"):  # iconv's tables, 8 MB
        shutil.rmtree(conversions)


def skeleton(root: Path, users: dict[str, tuple[int, str, str]] | None = None) -> None:
    """The empty root folder: the merged /usr that Debian has, a /tmp, few users (name → id, home, shell)."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir()
        (root / name).chmod(0o1777)
    (root / "var/run").symlink_to("/run")
    known = {**USERS, **(users or {})}
    lines = (f"{name}:x:{number}:{number}:{name}:{home}:{shell}\n" for name, (number, home, shell) in known.items())
    (root / "etc/passwd").write_text("".join(lines))
    (root / "etc/group").write_text("".join(f"{name}:x:{number}:\n" for name, (number, *_rest) in known.items()))
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")


def certificates(root: Path) -> None:
    """What ca-certificates' script does: all authorities in one file."""
    folder = root / "usr/share/ca-certificates/mozilla"
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in sorted(folder.glob("*.crt"))))


def _unpack_one(package: Path, root: Path) -> None:
    content = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
    # Some packages still ship /bin and /lib as folders: our links stay.
    extract = ["tar", "-x", "-p", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
    done = subprocess.run(extract, stdin=content.stdout, capture_output=True, text=True, check=False)
    if content.wait() != 0 or done.returncode != 0:
        raise DebianError(f"{package.name} does not unpack: {done.stderr.strip()}")


def _apt(cache: Path, architecture: str) -> list[str]:
    status = cache / "status"
    status.touch()
    settings = {
        "Dir::State::status": status,
        "Dir::Cache::pkgcache": cache / f"index-{architecture}.bin",  # or apt would read all lists at each call
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "Debug::NoLocking": "1",
    }
    if architecture != own_architecture():
        lists = cache / f"lists-{architecture}"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        settings |= {"Dir::State::lists": lists, "APT::Architecture": architecture, "APT::Architectures": architecture}
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _have_lists(cache: Path, architecture: str) -> list[Path]:
    """The package lists, fetched where there are none: on a fresh machine, or for the other architecture."""
    folder = Path("/var/lib/apt/lists") if architecture == own_architecture() else cache / f"lists-{architecture}"
    if not any(folder.glob("*_Packages*")):
        _output(["apt-get", "-qq", *_apt(cache, architecture), "update"])
    return sorted(folder.glob("*_Packages*"))


def _output(command: list[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise DebianError(f"{' '.join(command[:1])} failed: {done.stderr.strip()}")
    return done.stdout
