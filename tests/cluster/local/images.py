"""Which images does the cluster run besides ours? Makes OCI archives out of Debian's packages and built programs.

    python3 tests/cluster/local/images.py OUT [NAME...]

OUT/system/{pause,coredns}.tar is what every node needs; OUT/images/{nginx,netshoot,python}.tar is for practice pods.
`localhost/NAME:1` is the image's name; an image that is up to date is left alone. coredns is taken from OUT/bin.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy/image"))
import debian  # noqa: E402
import oci  # noqa: E402

HERE = Path(__file__).parent
TOOLS = ("bash", "dash", "coreutils", "grep", "sed", "gawk", "findutils", "procps", "util-linux", "hostname", "tar")
NETWORK_TOOLS = (
    *("curl", "ca-certificates", "openssl", "tcpdump", "iproute2", "iputils-ping", "bind9-dnsutils"),
    *("iperf3", "netcat-openbsd"),
)
SITE = """server {
    listen 80 default_server;
    listen 8080 default_server;
    root /var/www/html;
    location = /hostname { return 200 "$hostname\\n"; }
}
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an image is made: `fill` puts its files below a folder, out of these packages and programs."""

    folder: str
    command: tuple[str, ...]
    fill: Callable[[Path, Path], None]
    packages: tuple[str, ...] = ()


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: images.py OUT [NAME...]", file=sys.stderr)
        return 2
    out = Path(sys.argv[1]).resolve()
    for name in sys.argv[2:] or RECIPES:
        make(name, RECIPES[name], out)
    return 0


def make(name: str, recipe: Recipe, out: Path) -> Path:
    archive = out / recipe.folder / f"{name}.tar"
    stamp = archive.with_suffix(".stamp")
    inputs = _inputs(recipe, out)
    if archive.exists() and stamp.exists() and stamp.read_text() == inputs:
        return archive
    print(f"making image localhost/{name}:1", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        root, layer = Path(scratch) / "root", Path(scratch) / "layer.tar"
        root.mkdir()
        recipe.fill(root, out)
        oci.write_layer(layer, root)
        image = oci.Image(f"localhost/{name}:1", debian.own_architecture(), command=recipe.command)
        oci.write_archive(archive, image, [layer])
    stamp.write_text(inputs)
    return archive


def _inputs(recipe: Recipe, out: Path) -> str:
    digest = hashlib.sha256()
    for path in (Path(__file__), HERE / "binaries/pause.c", Path(debian.__file__), Path(oci.__file__)):
        digest.update(path.read_bytes())
    if recipe.fill is _coredns:
        digest.update((out / "bin/coredns").read_bytes())
    if recipe.packages:
        digest.update(debian.versions(recipe.packages, out / "apt", debian.own_architecture()).encode())
    return digest.hexdigest()


def _pause(root: Path, _out: Path) -> None:
    subprocess.run(["cc", "-Os", "-static", "-o", str(root / "pause"), str(HERE / "binaries/pause.c")], check=True)


def _coredns(root: Path, out: Path) -> None:
    shutil.copy2(out / "bin/coredns", root / "coredns")


def _debian(root: Path, out: Path, *packages: str) -> None:
    debian.skeleton(root, {"tcpdump": (100, "/nonexistent", "/usr/sbin/nologin")})
    debian.unpack(packages, root, cache=out / "apt", architecture=debian.own_architecture())


def _nginx(root: Path, out: Path) -> None:
    _debian(root, out, *RECIPES["nginx"].packages)
    # What nginx-common's scripts do, and what every nginx image does: log to the container's streams.
    shutil.rmtree(root / "var/log/nginx", ignore_errors=True)
    shutil.rmtree(root / "etc/nginx/modules-enabled", ignore_errors=True)
    for name in ("var/log/nginx", "var/lib/nginx", "var/www/html", "etc/nginx/modules-enabled"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/log/nginx/access.log").symlink_to("/dev/stdout")
    (root / "var/log/nginx/error.log").symlink_to("/dev/stderr")
    (root / "etc/nginx/sites-enabled/default").unlink(missing_ok=True)
    (root / "etc/nginx/sites-enabled").mkdir(exist_ok=True)
    (root / "etc/nginx/sites-enabled/default").write_text(SITE)
    (root / "var/www/html/index.html").write_text("Welcome to nginx!\n")


def _netshoot(root: Path, out: Path) -> None:
    _debian(root, out, *RECIPES["netshoot"].packages)
    debian.certificates(root)
    for name, target in {"awk": "gawk", "nc": "nc.openbsd", "sh": "bash"}.items():
        (root / "usr/bin" / name).unlink(missing_ok=True)
        (root / "usr/bin" / name).symlink_to(target)


def _python(root: Path, out: Path) -> None:
    _debian(root, out, *RECIPES["python"].packages)


RECIPES = {
    "pause": Recipe("system", ("/pause",), _pause),
    "coredns": Recipe("system", ("/coredns",), _coredns),
    "nginx": Recipe("images", ("nginx", "-g", "daemon off;"), _nginx, ("nginx-light", "dash", "coreutils")),
    "netshoot": Recipe("images", ("sleep", "infinity"), _netshoot, (*TOOLS, *NETWORK_TOOLS)),
    "python": Recipe("images", ("python3",), _python, ("python3", "dash", "coreutils")),
}

if __name__ == "__main__":
    sys.exit(main())
