"""What does a practice pod look like from inside? This program is its process number 1.

It is started by `unshare` in new network, mount, PID, UTS and IPC namespaces, still as root. It builds a root of its
own (the host's programs read-only, everything else private), says `ready`, waits until the host has plugged the network
in (`go`), gives up every right for good, and keeps the workload running.

Control lines, on stdin and stdout: we say `ready`, `running N` and `ended CODE`; the lab says `go`, and its end of file
is our end. The file imports nothing of Kodkod, because the pod's Python is started bare (`-I -S`) and fast.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPABILITIES_MAX = 64
BACKOFF_S = (0.2, 1.0, 3.0, 10.0)
STEADY_S = 60.0
"""Pauses before the workload is started again, growing as the kubelet's do, for a practice cluster's patience."""
SYSCTLS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv4/conf/all/accept_redirects": "0",
}
"""Of the pod's own network: an unprivileged nginx may use port 80, `ping` needs no right, IPv6 makes no noise."""

libc = ctypes.CDLL(None, use_errno=True)


def main(specification_file: str, log_descriptor: int) -> int:
    specification = json.loads(Path(specification_file).read_text())
    build_root(Path(specification["root"]), specification["files"])
    socket.sethostname(specification["hostname"])
    for name, value in SYSCTLS.items():
        path = Path("/proc/sys") / name
        if path.exists():
            path.write_text(value)
    say("ready")
    if sys.stdin.readline().strip() != "go":
        return 1
    renounce(specification["uid"])
    return keep_running(specification["command"], specification["environment"], log_descriptor)


def build_root(root: Path, files: dict[str, str]) -> None:
    """Make `root` (an empty folder) this mount namespace's root, with `files` in it, and let the host's go."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, kind="tmpfs", flags=MS_NOSUID, data="mode=755,size=64m")
    for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        share(Path("/", name), root / name)
    for name in ("ssl", "alternatives", "ld.so.cache"):
        share(Path("/etc", name), root / "etc" / name)
    for name, text in files.items():
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for name in ("proc", "dev", "tmp", "run", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    mount("proc", root / "proc", kind="proc", flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", root / "tmp", kind="tmpfs", flags=MS_NOSUID | MS_NODEV, data="mode=1777,size=256m")
    build_devices(root / "dev")
    os.chdir(root)
    check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def build_devices(folder: Path) -> None:
    mount("tmpfs", folder, kind="tmpfs", flags=MS_NOSUID | MS_NOEXEC, data="mode=755,size=64k")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (folder / name).touch()
        mount(f"/dev/{name}", folder / name, flags=MS_BIND)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    mount("devpts", folder / "pts", kind="devpts", flags=MS_NOSUID | MS_NOEXEC, data="newinstance,ptmxmode=0666")
    mount("tmpfs", folder / "shm", kind="tmpfs", flags=MS_NOSUID | MS_NODEV, data="mode=1777,size=16m")
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
    for name, target in links.items():
        (folder / name).symlink_to(target)


def share(source: Path, target: Path) -> None:
    """Show a file, folder or link of the host inside, read-only. What the host lacks is lacking."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.exists():
        if source.is_dir():
            target.mkdir()
        else:
            target.touch()
        mount(source, target, flags=MS_BIND | MS_REC)
        mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)


def renounce(uid: int) -> None:
    """Become an ordinary user for good: no groups, no capability to regain, no setuid program that would help.

    The change of user clears the wish to die with our parent, so it is made again.
    """
    for capability in range(CAPABILITIES_MAX):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(no_new_privs)")
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(pdeathsig)")


def keep_running(command: list[str], environment: dict[str, str], log: int) -> int:
    """Start the workload, reap what becomes ours, start it again when it ends, until the lab lets go."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child: int | None = start(command, environment, log)
    started, failures = time.monotonic(), 0
    while True:
        wake = None if child is not None else max(0.0, started - time.monotonic())
        ready, _, _ = select.select([reader, 0], [], [], wake)
        if 0 in ready:
            return 0
        if reader in ready:
            os.read(reader, 512)
            ended = reap(child)
            if child is not None and ended is not None:
                say(f"ended {ended}")
                failures = 1 if time.monotonic() - started > STEADY_S else failures + 1
                child, started = None, time.monotonic() + pause_s(failures)
        elif child is None:
            child, started = start(command, environment, log), time.monotonic()


def pause_s(failures: int) -> float:
    """The pause after so many failures in a row, the first one included."""
    return BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]


def start(command: list[str], environment: dict[str, str], log: int) -> int:
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/", start_new_session=True
    )
    child.returncode = 0  # we reap by number; Popen must not wait for it too
    say(f"running {child.pid}")
    return child.pid


def reap(child: int | None) -> int | None:
    """Collect every ended process; the exit code of `child` where it is among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = os.waitstatus_to_exitcode(status)


def mount(source: Path | str, target: Path | str, *, kind: str = "", flags: int = 0, data: str = "") -> None:
    arguments = [str(part).encode() for part in (source, target, kind)]
    check(libc.mount(*arguments, ctypes.c_ulong(flags), data.encode() or None), f"mount {source} on {target}")


def check(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
