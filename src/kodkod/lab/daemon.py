"""Who keeps the practice cluster alive? One process for each lab: `kodkod lab up` starts it, `kodkod lab down` ends it.

It holds the pods: when it dies, even by kill -9, they die with it (`PR_SET_PDEATHSIG`), and what is left on the host is
named in the state file. Run it as `python -m kodkod.lab.daemon --data DIR`.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kodkod import telemetry as house
from kodkod.clock import Clock, SystemClock, rfc3339
from kodkod.lab import dns, logs, node, objects, plan, pod, publication, state, telemetry
from kodkod.lab.errors import AnotherLab, CommandFailed, LabError, ServerAway, TooSlow
from kodkod.lab.plan import Lab, Pod
from kodkod.lab.state import PodState, State
from kodkod.lab.world import POD_USER, WORKSHOP
from kodkod.store.errors import StoreError
from kodkod.store.kubeconfig import KubeconfigError
from kodkod.store.remote import RemoteResources

SLOW_STARTS_MAX = 5  # in a row: a host under load may need a second try, a broken one never gets there
LOG_BYTES_MAX = 4 << 20
SERVER_WITHIN_S = 60.0


class Daemon:
    """One lab at work. Owns the state file while it lives."""

    def __init__(self, data: Path, clock: Clock, *, exec_allowed: bool = True) -> None:
        self._data = data
        self._clock = clock
        self._state = State(owner=state.this_process(), table=plan.TABLE, user=POD_USER, exec_allowed=exec_allowed)
        self._changed = asyncio.Event()
        self._log_sizes: dict[str, int] = {}

    async def run(self, lab: Lab, resources: RemoteResources) -> None:
        """Bring the lab up and keep it, until cancelled. Raises LabError, ExceptionGroup."""
        pods = tuple(
            PodState(one.namespace, one.name, str(one.address), one.interface, one.workload.name) for one in lab.pods
        )
        links = (plan.BRIDGE, plan.OUTSIDE_LINK, *(one.interface for one in lab.pods))
        host = socket.gethostname()
        self._set(network=plan.network_text(lab.network), links=links, pods=pods, services=_services(lab))
        await node.plug_host(lab, self._data)
        self._set(node=await publication.node_name(resources, host))
        mine = [("Pod", one.namespace, one.name) for one in lab.pods]
        await publication.withdraw(resources, keep=mine)
        resolver = dns.Resolver(plan.zone(lab))
        async with asyncio.TaskGroup() as group:
            group.create_task(dns.serve(resolver, str(lab.network.resolver)))
            group.create_task(self._keep_outside(lab))
            for one in lab.pods:
                group.create_task(self._keep_pod(lab, one))
            group.create_task(
                publication.keep_published(resources, lambda: self._wanted(lab), self._changed, self._published)
            )
            group.create_task(self._keep_logs(lab))

    def _set(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # fields, by the callers
        state.save(self._data, self._state)
        self._changed.set()

    def _set_pod(self, one: Pod, **changes: object) -> None:
        pods = tuple(
            replace(known, **changes)  # type: ignore[arg-type]  # fields, by the callers
            if (known.namespace, known.name) == (one.namespace, one.name)
            else known
            for known in self._state.pods
        )
        ready = all(known.ready for known in pods)
        if ready and not self._state.ready:
            telemetry.standing(len(pods), self._state.network)
        self._set(pods=pods, ready=ready)

    def _published(self) -> None:
        done = self._state.ready and not self._changed.is_set()
        if done and not self._state.published:
            self._state = replace(self._state, published=True)
            state.save(self._data, self._state)

    def _wanted(self, lab: Lab) -> list[objects.Object]:
        host, known = str(lab.network.host), self._state
        pods = [
            objects.pod(one, now, node=known.node, host=host) for one, now in zip(lab.pods, known.pods, strict=True)
        ]
        return [*objects.namespaces(lab.world), *map(objects.service, lab.ports), *pods]

    async def _keep_pod(self, lab: Lab, one: Pod) -> None:
        def start() -> Awaitable[node.Running]:
            return node.start_pod(one, lab.network, self._data)

        async def runs(running: node.Running) -> None:
            if one.workload.port is not None:
                await node.until_answering(str(one.address), one.workload.port)
            now = rfc3339(self._clock.now())
            self._set_pod(one, process=running.identity, started_at=now, ready=True)
            telemetry.pod_started(one.key, running.identity.pid)

        def ended() -> None:
            known = self._state.pod(one.namespace, one.name)
            self._set_pod(one, ready=False, restarts=known.restarts + 1 if known is not None else 0)
            logs.add_mark(node.log_file(self._data, one.namespace, one.name), self._now_s(), begins=True)

        await self._keep(one.key, start, runs, ended)

    async def _keep_outside(self, lab: Lab) -> None:
        await self._keep("outside", lambda: node.start_outside(lab.network, self._data))

    async def _keep(
        self,
        key: str,
        start: Callable[[], Awaitable[node.Running]],
        runs: Callable[[node.Running], Coroutine[None, None, None]] | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Run one sandbox; when it ends, start it again, with growing pauses. Raises what keeps it from starting."""
        failures = 0
        while True:
            began = self._clock.monotonic_s()
            try:
                running = await start()
            except TooSlow:
                if failures >= SLOW_STARTS_MAX:
                    raise
            else:
                try:
                    await self._listen(key, running, runs, ended)
                finally:
                    await running.stop()
                ended()
            failures = 1 if self._clock.monotonic_s() - began > pod.STEADY_S else failures + 1
            pause_s = pod.pause_s(failures)
            telemetry.pod_ended(key, pause_s)
            await asyncio.sleep(pause_s)

    async def _listen(
        self,
        key: str,
        running: node.Running,
        runs: Callable[[node.Running], Coroutine[None, None, None]] | None,
        ended: Callable[[], None],
    ) -> None:
        """Follow the pod's control lines to their end. The workload is probed beside them."""
        async with asyncio.TaskGroup() as group:
            probe: asyncio.Task[None] | None = None
            while word := await running.line():
                verb, _, rest = word.partition(" ")
                if probe is not None:
                    probe.cancel()
                if verb == "running" and runs is not None:
                    probe = group.create_task(runs(running))
                elif verb == "ended":
                    telemetry.workload_ended(key, rest)
                    ended()
            if probe is not None:
                probe.cancel()

    async def _keep_logs(self, lab: Lab) -> None:
        """Note when logs have grown; one that is too long is emptied in place, because the pod itself writes to it."""
        while True:
            await asyncio.sleep(logs.MARK_EVERY_S)
            for one in lab.pods:
                file = node.log_file(self._data, one.namespace, one.name)
                with suppress(FileNotFoundError):
                    size = file.stat().st_size
                    if size > LOG_BYTES_MAX:
                        logs.empty(file, self._now_s())
                        telemetry.log_cut(one.key, size)
                    elif size != self._log_sizes.get(one.key):
                        logs.add_mark(file, self._now_s())
                    self._log_sizes[one.key] = size

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _services(lab: Lab) -> tuple[dict[str, object], ...]:
    return tuple(
        {
            "namespace": port.service.namespace,
            "name": port.service.name,
            "address": str(port.address),
            "external": str(port.external) if port.external else "",
            "ports": f"{port.service.port}:{port.service.target_port}",
        }
        for port in lab.ports
    )


def draw(length: int) -> str:
    """Random text for a generated name."""
    return "".join(secrets.choice(plan.NAME_ALPHABET) for _ in range(length))


async def bring_up(data: Path, clock: Clock, *, exec_allowed: bool) -> None:
    """Remove leftovers, then stand until cancelled. Raises LabError."""
    node.require()
    if (owner := await node.other_owner(data)) is not None:
        raise AnotherLab(owner)
    await node.remove(state.load(data), data)
    network = plan.choose_network(await node.busy_networks())
    lab = plan.plan(WORKSHOP, network, draw)
    daemon = Daemon(data, clock, exec_allowed=exec_allowed)
    try:
        async with await connected(data) as resources:
            await daemon.run(lab, resources)
    except* LabError as refused:
        raise _first(refused) from None
    except* (StoreError, KubeconfigError) as away:
        raise ServerAway(str(_first(away))) from None
    finally:
        await node.remove(state.load(data), data)


async def connected(data: Path) -> RemoteResources:
    """The API, once it answers. Raises ServerAway."""
    deadline = asyncio.get_running_loop().time() + SERVER_WITHIN_S
    while True:
        try:
            resources = RemoteResources.from_kubeconfig(publication.kubeconfig_file(data))
        except KubeconfigError as missing:
            raise ServerAway(str(missing)) from missing
        try:
            await publication.node_name(resources, "")
            return resources
        except StoreError as away:
            await resources.close()
            if asyncio.get_running_loop().time() > deadline:
                raise ServerAway(f"the server at {resources.server} does not answer: {away}") from away
        await asyncio.sleep(1)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def drive(data: Path, *, exec_allowed: bool) -> int:
    """Run until SIGTERM or SIGINT. The exit code."""
    work = asyncio.ensure_future(bring_up(data, SystemClock(), exec_allowed=exec_allowed))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        state.forget(data)
        return 0
    except (LabError, CommandFailed) as refused:
        owner = state.this_process()
        state.save(data, State(owner=owner, error=str(refused), hint=getattr(refused, "hint", "")))
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="kodkod.lab.daemon")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--no-exec", action="store_true")
    options = parser.parse_args()
    data: Path = options.data.resolve()
    house.set_up()
    state.folder(data).mkdir(parents=True, exist_ok=True)
    with (state.folder(data) / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0  # somebody else keeps this lab
        return asyncio.run(drive(data, exec_allowed=not options.no_exec))


if __name__ == "__main__":
    sys.exit(main())
