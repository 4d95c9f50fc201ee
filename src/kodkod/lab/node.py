"""How is a lab put on this host and taken off it? Performs what `plan.py` decided, with `ip`, `nft`, `unshare`.

Everything made here is named before it is made (`state.py`), and everything can be removed by those names alone. The
pods' network namespaces have no names: they live exactly as long as their processes, and take the veth pairs with them.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from kodkod.lab import plan, pod, state, telemetry, world
from kodkod.lab.errors import AnotherLab, CommandFailed, MissingProgram, NotAllowed, TooSlow
from kodkod.lab.plan import BRIDGE, HOST_SIDE_MAC, NEXT_HOP, OUTSIDE_LINK, TABLE, Lab, Network, Pod
from kodkod.lab.state import ProcessId, State

PROGRAMS = {
    "ip": "iproute2", "nft": "nftables", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux",
    "setsid": "util-linux", "nginx": "nginx-light", "curl": "curl",
}  # fmt: skip
READY_WITHIN_S = 20.0
PROBE_S = 1.0
PROBE_PAUSE_S = 0.1
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWNER_WORDS = "kodkod lab of "


def require() -> None:
    """Check rights and programs before anything is made. Raises NotAllowed, MissingProgram."""
    if os.geteuid() != 0:
        raise NotAllowed("the lab needs the rights of root")
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=SEARCH_PATH) is None:
            raise MissingProgram(program, package)


async def busy_networks() -> list[IPv4Network]:
    """What this host routes already, default routes left out."""
    text = await run("ip", "-j", "-4", "route", "show", "table", "all")
    found = []
    for route in json.loads(text or "[]"):
        destination = route.get("dst", "")
        if destination[:1].isdigit() and route.get("dev") != BRIDGE:
            found.append(IPv4Network(destination, strict=False))
    return found


async def other_owner(data: Path) -> str | None:
    """The data folder of a lab that stands on this host and is not ours; None where there is none that lives."""
    alias = await _bridge_alias()
    if not alias.startswith(OWNER_WORDS) or alias == OWNER_WORDS + str(data):
        return None
    owner = Path(alias.removeprefix(OWNER_WORDS))
    known = state.load(owner)
    lives = known is not None and known.owner is not None and known.owner.alive()
    return str(owner) if lives else None


async def plug_host(lab: Lab, data: Path) -> None:
    """Make the bridge with the lab's own addresses, and the firewall table. Raises AnotherLab, CommandFailed."""
    if (owner := await other_owner(data)) is not None:
        raise AnotherLab(owner)
    network = lab.network
    await run("ip", "-batch", "-", feed=f"""
        link add {BRIDGE} type bridge
        link set {BRIDGE} alias "{OWNER_WORDS}{data}"
        addr add {network.host}/{network.pods.prefixlen} dev {BRIDGE}
        addr add {network.resolver}/32 dev {BRIDGE}
        addr add {network.outside_host}/{network.outside.prefixlen} dev {BRIDGE}
        """)  # fmt: skip
    _interface_sysctls(BRIDGE)
    await run("ip", "link", "set", BRIDGE, "up")
    await run("nft", "-f", "-", feed=plan.firewall(lab))


@dataclass(slots=True)
class Running:
    """A started sandbox. Owned by the task that keeps the pod alive; `control` carries the pod's lines."""

    process: asyncio.subprocess.Process
    identity: ProcessId

    async def line(self) -> str:
        """The pod's next word, "" at its end."""
        assert self.process.stdout is not None, "started with a pipe"
        return (await self.process.stdout.readline()).decode().strip()

    def go(self) -> None:
        assert self.process.stdin is not None, "started with a pipe"
        self.process.stdin.write(b"go\n")

    async def stop(self) -> None:
        """End the sandbox and everything in it: the kernel ends a PID namespace with its first process."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def start_pod(one: Pod, network: Network, data: Path) -> Running:
    """Make the sandbox of a pod, plug it in, and let its workload run. Raises CommandFailed, TooSlow."""
    running = await _start_sandbox(one.key, _specification(one, network), data)
    try:
        await _plug(running.identity.pid, one.interface, f"{one.address}/32", one.mac)
        await run("ip", "-batch", "-", feed=f"""
            route replace {one.address}/32 dev {one.interface} scope link src {network.host}
            neigh replace {one.address} lladdr {one.mac} dev {one.interface} nud permanent
            """)  # fmt: skip
        await _inside(running.identity.pid, f"""
            neigh replace {NEXT_HOP} lladdr {HOST_SIDE_MAC} dev eth0 nud permanent
            route add {NEXT_HOP} dev eth0 scope link
            route add default via {NEXT_HOP} dev eth0 src {one.address}
            """)  # fmt: skip
    except BaseException:
        await running.stop()
        raise
    running.go()
    return running


async def start_outside(network: Network, data: Path) -> Running:
    """The web server of the world outside: a sandbox on the bridge, no pod of the cluster."""
    specification = {
        "hostname": "outside",
        "files": _files("outside", "outside", network, search=None)
        | {"/etc/nginx.conf": world.nginx_configuration(80), "/srv/www/index.html": world.page("The outside world")},
        "command": ["nginx", "-e", "stderr", "-c", "/etc/nginx.conf"],
    }
    running = await _start_sandbox("outside", specification, data)
    try:
        address = f"{network.outside_web}/{network.outside.prefixlen}"
        await _plug(running.identity.pid, OUTSIDE_LINK, address, "02:65:00:00:00:01")
        await run("ip", "link", "set", OUTSIDE_LINK, "master", BRIDGE)
        await _inside(running.identity.pid, f"route add default via {network.outside_host} dev eth0")
    except BaseException:
        await running.stop()
        raise
    running.go()
    return running


async def remove(known: State | None, data: Path) -> None:
    """Take off this host whatever an earlier lab of this folder left. Works from the names alone; harmless twice."""
    if known is not None:
        for one in known.pods:
            if one.process is not None and one.process.alive():
                _kill(one.process.pid)
                telemetry.leftover_removed(f"{one.namespace}/{one.name}")
    if await other_owner(data) is not None:
        return
    links = {*(known.links if known is not None else ()), OUTSIDE_LINK, BRIDGE}
    for link in sorted(links):
        await run("ip", "link", "delete", link, check=False)
    await run("nft", "delete", "table", "ip", TABLE, check=False)


async def run(*command: str, feed: str | None = None, check: bool = True) -> str:
    """Run a program of the host; its output. Raises CommandFailed with the program's own words."""
    text = "\n".join(line.strip() for line in feed.splitlines() if line.strip()) + "\n" if feed is not None else ""
    if command[0] == "nft" and feed is not None:
        text = feed
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": SEARCH_PATH, "LC_ALL": "C"},
    )
    said, complained = await child.communicate(text.encode())
    if check and child.returncode != 0:
        raise CommandFailed(" ".join(command), child.returncode or 0, complained.decode(errors="replace"))
    return said.decode(errors="replace")


def enter(process: ProcessId, user: int, command: Iterable[str]) -> list[str]:
    """The command line that runs a command inside a pod, as the pod's user, and dies with the one who runs it.

    The PID namespace is the one of `unshare`'s children; `unshare` itself lives outside of it. `env` steps into the
    pod's root, because nsenter's own `--wd` means the host's.
    """
    return [
        "nsenter", f"--target={process.pid}", "--net", "--mount", "--uts", "--ipc",
        f"--pid=/proc/{process.pid}/ns/pid_for_children", "--",
        "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
        "--inh-caps=-all", "--pdeathsig=KILL", "--", "env", "--chdir=/", *command,
    ]  # fmt: skip


async def until_answering(address: str, port: int) -> None:
    """The readiness probe: returns once a pod takes connections. The caller bounds it."""
    while True:
        try:
            async with asyncio.timeout(PROBE_S):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            await asyncio.sleep(PROBE_PAUSE_S)
        else:
            writer.close()
            return


def environment(name: str) -> dict[str, str]:
    """What a process of a pod finds in its environment."""
    return {"PATH": SEARCH_PATH, "HOSTNAME": name, "HOME": "/tmp", "LANG": "C.UTF-8"}


def log_file(data: Path, namespace: str, name: str) -> Path:
    return state.folder(data) / "logs" / f"{namespace}_{name}.log"


async def _start_sandbox(key: str, specification: Mapping[str, object], data: Path) -> Running:
    root, file = state.folder(data) / "root", state.folder(data) / "pods" / f"{key}.json"
    for each in (root, file.parent, state.folder(data) / "logs"):
        each.mkdir(parents=True, exist_ok=True)
    uid = {"uid": world.POD_USER, "root": str(root), "environment": environment(str(specification["hostname"]))}
    file.write_text(json.dumps({**specification, **uid}))
    descriptor = os.open(state.folder(data) / "logs" / f"{key}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    os.fchown(descriptor, world.POD_USER, -1)  # nginx opens /dev/stdout anew
    try:
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork",
            "--kill-child=SIGKILL", "--propagation", "private", sys.executable, "-I", "-S", str(Path(pod.__file__)),
            str(file), str(descriptor),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=descriptor,
            pass_fds=(descriptor,), env={"PATH": SEARCH_PATH}, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(descriptor)
    running = Running(process, state.process_id(process.pid))
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            word = await running.line()
    except TimeoutError:
        await running.stop()
        raise TooSlow(key, READY_WITHIN_S) from None
    except BaseException:
        await running.stop()
        raise
    if word != "ready":
        await running.stop()
        raise CommandFailed(f"pod {key}", running.process.returncode or 1, f"see its log; it said {word!r}")
    return running


def _specification(one: Pod, network: Network) -> dict[str, object]:
    workload = one.workload
    files = _files(one.name, one.namespace, network, search=one.namespace, own=str(one.address))
    command = ["sh", "-c", workload.script]
    if workload.port is not None:
        files["/etc/nginx.conf"] = world.nginx_configuration(workload.port)
        files["/srv/www/index.html"] = world.page(f"{workload.name} of {workload.namespace}")
        command = ["nginx", "-e", "stderr", "-c", "/etc/nginx.conf"]
    return {"hostname": one.name, "files": files, "command": command}


def _files(name: str, namespace: str, network: Network, *, search: str | None, own: str = "") -> dict[str, str]:
    user = world.POD_USER
    names = f"{namespace}.svc.cluster.local svc.cluster.local cluster.local"
    resolver = f"search {names}\nnameserver {network.resolver}\noptions ndots:5 timeout:2 attempts:2\n"
    return {
        "/etc/resolv.conf": resolver if search is not None else "",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n{own}\t{name}\n" if own else "127.0.0.1\tlocalhost\n",
        "/etc/hostname": f"{name}\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/passwd": f"root:x:0:0::/:/usr/sbin/nologin\npod:x:{user}:{user}::/tmp:/bin/sh\n",
        "/etc/group": f"root:x:0:\npod:x:{user}:\n",
    }


async def _plug(pid: int, link: str, address: str, mac: str) -> None:
    """A veth pair: `link` on the host, eth0 in the sandbox."""
    await run("ip", "link", "delete", link, check=False)
    await run("ip", "link", "add", link, "address", HOST_SIDE_MAC, "type", "veth", "peer", "name", "eth0", "address",
              mac, "netns", str(pid))  # fmt: skip
    _interface_sysctls(link)
    await run("ip", "link", "set", link, "up")
    await _inside(pid, f"""
        link set lo up
        link set eth0 up
        addr add {address} dev eth0
        """)  # fmt: skip


async def _inside(pid: int, batch: str) -> None:
    await run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-", feed=batch)


def _interface_sysctls(link: str) -> None:
    """Forwarding for this interface alone: the host's own setting stays as it is, and this one goes with the link."""
    for name, value in {
        f"ipv4/conf/{link}/forwarding": "1",
        f"ipv4/conf/{link}/rp_filter": "0",
        f"ipv4/conf/{link}/send_redirects": "0",
        f"ipv6/conf/{link}/disable_ipv6": "1",
    }.items():
        path = Path("/proc/sys/net") / name
        if path.exists():
            path.write_text(value)


async def _bridge_alias() -> str:
    text = await run("ip", "-j", "link", "show", "dev", BRIDGE, check=False)
    return str(json.loads(text)[0].get("ifalias", "")) if text.strip() else ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
