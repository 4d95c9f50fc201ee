"""Does Kodkod hold on a real Kubernetes? Starts a cluster, builds our image, runs tests/cluster, takes everything down.

    .venv/bin/python dev/cluster.py [test] [PYTEST ARGUMENTS...]   what `make test-cluster` does
    .venv/bin/python dev/cluster.py up [--fresh]                   build what is missing, start, load images, and return
    .venv/bin/python dev/cluster.py load                           our image built anew, into the nodes and pods of `up`
    .venv/bin/python dev/cluster.py down

With KODKOD_TEST_KUBECONFIG the suite runs on that cluster, which has to know the images of target/cluster/out/images;
else on a local one of two nodes from tests/cluster/local, which needs root, Go and cgroup v1. Where one is missing the
target says so, counts one skipped, and ends with 0. What was built stays in target/cluster/out and is found again.
`up` and `test` keep their clusters apart: target/cluster/state (or KODKOD_CLUSTER_STATE) and target/cluster/suite.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/cluster/local"))
import setup
import suites
import traces
from suites import Outcome

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / "tests/cluster/local"
OUT = ROOT / "target/cluster/out"
STATE = Path(os.environ.get("KODKOD_CLUSTER_STATE") or ROOT / "target/cluster/state")  # of up, load, down
SUITE_STATE = ROOT / "target/cluster/suite"
NODES = 2
# The second asks a bare API server, whose program the local cluster's build makes.
SUITE = ("tests/cluster", "tests/server/cluster")
UP_S = 600  # 20 s where nobody else works, minutes where many do

# What the nodes run beside our Go programs; package -> what proves it is there.
PACKAGES = {
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "nftables": "nft",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "iproute2": "ip",
    "openssl": "openssl",
    "procps": "pgrep",
    "util-linux": "nsenter",
    "curl": "curl",
}


def main() -> int:
    commands: dict[str, Callable[[list[str]], int]] = {"test": test, "up": up, "load": load, "down": down}
    arguments = sys.argv[1:]
    name = arguments.pop(0) if arguments and arguments[0] in commands else "test"
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return commands[name](arguments)
    except subprocess.CalledProcessError as error:
        say(f"error: this failed: {' '.join(map(str, error.cmd))}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def test(arguments: list[str]) -> int:
    suites.RESULTS.mkdir(exist_ok=True)
    suite = suites.pytest("cluster", *(arguments or SUITE))
    given = os.environ.get("KODKOD_TEST_KUBECONFIG")
    if given:
        os.environ["KUBECONFIG"] = given
        return suites.close([suites.run(suite)])
    hindrance = cannot()
    if hindrance:
        return suites.close([Outcome(0, 0, 1, (f"cluster: {hindrance}",))])
    with _alone("suite"):
        return on_local_cluster(suite)


def on_local_cluster(suite: suites.Suite) -> int:
    build()
    with local_cluster() as outcomes:
        suite = dataclasses.replace(suite, command=(str(LOCAL / "run"), str(SUITE_STATE), *suite.command))
        outcomes.append(suites.run(suite))
    return suites.close(outcomes)


def up(arguments: list[str]) -> int:
    hindrance = cannot()
    if hindrance:
        say(f"error: {hindrance}")
        return 2
    if "--fresh" in arguments:
        remove(STATE)
    build()
    start(STATE)
    say(f"kubectl:    {_shown(LOCAL / 'k')} {_shown(STATE)} get pods -A")
    say(f"the suite:  {_shown(LOCAL / 'run')} {_shown(STATE)} .venv/bin/python -m pytest tests/cluster")
    say("the end:    .venv/bin/python dev/cluster.py down")
    return 0


def load(_arguments: list[str]) -> int:
    with _alone("build"), _timed("our image"):
        our_image()
    with _timed("loaded on every node"):
        _run(LOCAL / "load", STATE, OUT / "images/kodkod.tar", quiet=True)
    for namespace in ("kodkod-system", "tigera-dpi"):  # what runs already takes the new image
        _run(LOCAL / "k", STATE, "-n", namespace, "rollout", "restart", "deployment,daemonset", may_fail=True)
    return 0


def down(_arguments: list[str]) -> int:
    end(STATE)
    return 0


def cannot() -> str:
    """Why there can be no local cluster here, and what would change that; empty when there can."""
    if os.geteuid() != 0:
        return "a local cluster needs root: sudo make test-cluster, or set KODKOD_TEST_KUBECONFIG"
    if shutil.which("go") is None:
        return "a local cluster needs Go 1.26 or newer to build Kubernetes: https://go.dev/dl"
    if shutil.which("apt-get") is None:
        return "a local cluster needs Debian's packages (runc, CNI plugins): set KODKOD_TEST_KUBECONFIG instead"
    if ":memory:" not in Path("/proc/self/cgroup").read_text():
        return "a local cluster needs cgroup v1 hierarchies, v2 was not tried: set KODKOD_TEST_KUBECONFIG instead"
    setup.install_packages(PACKAGES)
    missing = setup.missing_packages(PACKAGES)
    if missing:
        return f"a local cluster needs Debian packages: apt-get install {' '.join(missing)}"
    return _unreachable()


def _unreachable() -> str:
    """Why Kubernetes cannot be built here for the first time: its source is not had. Empty once it is."""
    if (OUT / "bin/hyperkube").exists():
        return ""
    asked = ("go", "mod", "download", "k8s.io/kubernetes")
    done = subprocess.run(asked, cwd=LOCAL / "binaries/hyperkube", capture_output=True, text=True, check=False)
    return f"Kubernetes' source cannot be fetched: {done.stderr.strip()[-200:]}" if done.returncode != 0 else ""


def build() -> None:
    """Programs, practice images, our image: each only when its inputs changed. Two who build take turns."""
    with _alone("build"):
        _build()


def _build() -> None:
    with _timed("programs of the cluster (Go: a quarter of an hour when cold)"):
        _run(LOCAL / "build.sh", OUT)
    with _timed("practice images"):
        _run(sys.executable, LOCAL / "images.py", OUT)
    with _timed("our image"):
        our_image()


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """Whoever comes second waits: builders find what the first has built, a suite does not end the other's cluster."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{what}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another {what} is under way: waiting for its end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def our_image() -> None:
    target = OUT / "images/kodkod.tar"
    _run(suites.BIN / "python", ROOT / "deploy/image/build.py", "--out", target, quiet=True)


@contextmanager
def local_cluster() -> Iterator[list[Outcome]]:
    """A fresh cluster for the block, and the list of outcomes; what it left on the machine becomes the last of them."""
    remove(SUITE_STATE)
    outcomes: list[Outcome] = []
    made_of = None
    try:
        start(SUITE_STATE)
        made_of = traces.note(SUITE_STATE)
        yield outcomes
    finally:
        keep_logs(SUITE_STATE)
        remove(SUITE_STATE)
        left = traces.left(made_of) if made_of else []
        for trace in left:
            say(f"left behind: {trace}")
        outcomes.append(Outcome(0, 1) if left else Outcome(1, 0))


def start(state: Path) -> None:
    environment = {"BIN": str(OUT / "bin"), "IMAGES": str(OUT / "images"), "WAIT": str(UP_S)}
    with _timed(f"cluster of {NODES} nodes"):
        _run(LOCAL / "up.sh", state, NODES, environment=environment, quiet=True)


def end(state: Path) -> None:
    _run(LOCAL / "down.sh", state)


def remove(state: Path) -> None:
    end(state)
    shutil.rmtree(state, ignore_errors=True)


def keep_logs(state: Path) -> None:
    """Logs of components and of our pods, which say why somebody did not do his part."""
    kept = suites.RESULTS / "cluster-logs"
    shutil.rmtree(kept, ignore_errors=True)
    if (state / "log").exists():
        shutil.copytree(state / "log", kept)
    for pod in state.glob("n*/disk/var/log/pods/*"):
        if pod.name.startswith(("kodkod-system_", "tigera-dpi_")):
            node = pod.relative_to(state).parts[0]
            shutil.copytree(pod, kept / f"{node}_{pod.name}", dirs_exist_ok=True)


def _run(
    *command: object, environment: dict[str, str] | None = None, quiet: bool = False, may_fail: bool = False
) -> None:
    words = [str(word) for word in command]
    output = subprocess.DEVNULL if quiet else None
    subprocess.run(words, check=not may_fail, stdout=output, env={**os.environ, **(environment or {})})


@contextmanager
def _timed(what: str) -> Iterator[None]:
    print(f"{what} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ended from outside, we take the cluster down all the same."""
    raise KeyboardInterrupt


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(text: str) -> None:
    print(f"cluster: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
