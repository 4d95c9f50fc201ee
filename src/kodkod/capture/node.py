"""How does a node perform its plan? Opens and closes recordings with the engine, watches disk and files, reports.

One thread at a time calls `step` (blocking: it opens rings and files); `flush` and `forget_files` may come from
another one, a lock keeps them apart. Packets never pass here: the engine's own threads write them.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kodkod.capture import plan as plans
from kodkod.capture import telemetry
from kodkod.capture.files import (
    SUFFIX,
    Folder,
    Stored,
    Totals,
    UnsafeName,
    first_packet_ns,
    folders,
    namespaces_of,
)
from kodkod.capture.intent import Capture, Fault
from kodkod.capture.plan import Failure, Key, Limits, Recording
from kodkod.capture.settings import Settings
from kodkod.clock import rfc3339_micro
from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import link_index
from kodkod.resources.kinds.node_report import CaptureEndpoint, CaptureFile, CaptureReport, Disk

if TYPE_CHECKING:
    from kodkod._core import CaptureCounters, FilterRule

# Writing stops when less than this share of the file system is free, and resumes at the second one (spec §7).
FREE_STOP = 0.02
FREE_RESUME = 0.05
BUDGET_RESUME = 0.9
BUDGET_BYTES = 10 * 1024**3
# What the engine says of a disk that is full: below its floor, or refused by the kernel.
NO_SPACE = ("disk pressure:", os.strerror(errno.ENOSPC))


class OpenCapture(Protocol):
    """An open recording, as `kodkod._core.Capture` is."""

    def counters(self) -> CaptureCounters: ...
    def set_limits(self, *, max_size_bytes: int, rotation_s: int, max_files: int) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Opener(Protocol):
    """Opens a recording; raises OSError with the kernel's reason."""

    def __call__(
        self,
        interface: str,
        *,
        directory: str,
        stem: str,
        netns: str | None = None,
        filters: Sequence[FilterRule] = (),
        max_size_bytes: int = 10_000_000,
        rotation_s: int = 3600,
        max_files: int = 2,
        min_free_bytes: int = 0,
    ) -> OpenCapture: ...


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes free and in all of a file system."""

    free_bytes: int
    total_bytes: int


def broken(error: str) -> Fault:
    """Why a recording ended by itself: a disk that filled up between two looks is the same as one that is full."""
    is_full = any(words in error for words in NO_SPACE)
    return Fault("DiskPressure" if is_full else "CaptureFailed", error)


def disk_space(directory: str) -> Space:
    """Of the file system that holds a directory, or will hold it once it is made."""
    path = Path(directory)
    while not path.exists() and path != path.parent:
        path = path.parent
    stat = os.statvfs(path)
    return Space(stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize)


@dataclass(slots=True)
class _Open:
    recording: Recording
    limits: Limits
    engine: OpenCapture
    missing: int = 0  # steps in a row in which the active file was not on disk


@dataclass(slots=True)
class _Account:
    """Totals of one capture: what closed recordings have added up to."""

    namespace: str
    name: str
    base: str
    totals: Totals = field(default_factory=Totals)
    written: Totals | None = None
    is_unwritten: bool = False


class CaptureNode:
    """Owns all recordings of a node."""

    def __init__(
        self,
        node: str,
        opener: Opener,
        *,
        budget_bytes: int = BUDGET_BYTES,
        space: Callable[[str], Space] = disk_space,
        link: Callable[[str], int | None] = link_index,
    ) -> None:
        self.node = node
        self._opener = opener
        self._budget_bytes = budget_bytes
        self._space = space
        self._link = link
        self._open: dict[Key, _Open] = {}
        self._failures: dict[Key, Failure] = {}
        self._accounts: dict[str, _Account] = {}
        self._seen_bases: set[str] = set()
        self._hold: Fault | None = None
        self._lock = threading.RLock()
        self.disk = Disk()

    def step(
        self, captures: Sequence[Capture], endpoints: Sequence[Endpoint], settings: Settings, now: datetime
    ) -> list[CaptureReport]:
        """Do what the plan says, then tell what is so. Blocks for as long as rings and files take to open."""
        with self._lock:
            self._recall(settings.directory)
            self._watch_recordings(now)
            self._weigh(settings.directory)
            actions = plans.plan(
                captures,
                endpoints,
                self._observed(endpoints),
                now,
                directory=settings.directory,
                limits=settings.limits,
            )
            for action in actions:
                self._perform(action, now)
            self._forget_failures(captures, endpoints)
            reports = [self._report(capture, endpoints, settings, now) for capture in captures]
            self._save()
            return [report for report in reports if report is not None]

    def next_change(self, captures: Iterable[Capture], now: datetime) -> datetime | None:
        with self._lock:
            return plans.next_change(captures, self._failures.values(), now)

    def folder(self, namespace: str, name: str) -> Folder:
        """The folder that holds, or would hold, a capture's files. Raises UnsafeName."""
        with self._lock:
            for account in self._accounts.values():
                if (account.namespace, account.name) == (namespace, name):
                    return Folder(account.base, namespace, name)
        possible = [Folder(base, namespace, name) for base in sorted(self._seen_bases) or ["/nonexistent"]]
        return next((folder for folder in possible if folder.path.is_dir()), possible[0])

    def namespaces_of(self, name: str) -> list[str]:
        """Namespaces with files of captures of this name, their objects gone or not. Raises UnsafeName."""
        with self._lock:
            bases = {account.base for account in self._accounts.values()} | set(self._seen_bases)
        return sorted(set().union(*(namespaces_of(base, name) for base in bases)))

    def flush(self, namespace: str, name: str) -> None:
        """Bring what has been captured so far to the files of one capture."""
        for engine in self._engines(namespace, name):
            engine.flush()

    def is_recording(self, namespace: str, name: str) -> bool:
        return bool(self._engines(namespace, name))

    def delete_files(self, namespace: str, name: str) -> int:
        """Remove the files of a capture that is not recording. Returns how many went."""
        with self._lock:
            if self.is_recording(namespace, name):
                raise BlockingIOError(f"{namespace}/{name} is recording")
            return self.folder(namespace, name).delete_files()

    def close(self) -> None:
        """Close every recording in order; files stay."""
        with self._lock:
            for key in list(self._open):
                self._stop(key)
            self._save()

    # -- what is so -------------------------------------------------------------------------------------------------

    def _recall(self, base: str) -> None:
        """Once a base directory: the folders an earlier process left there."""
        if base in self._seen_bases:
            return
        self._seen_bases.add(base)
        for folder in folders(base):
            marker = folder.read_marker()
            if marker is not None:
                uid, totals = marker
                self._accounts.setdefault(uid, _Account(folder.namespace, folder.name, base, totals))

    def _observed(self, endpoints: Iterable[Endpoint]) -> plans.Observed:
        links = {
            endpoint.id: index
            for endpoint in endpoints
            if endpoint.netns is None and (index := self._link(endpoint.interface)) is not None
        }
        return plans.Observed(
            running={key: (opened.recording, opened.limits) for key, opened in self._open.items()},
            failures=dict(self._failures),
            stored={uid: (account.namespace, account.name) for uid, account in self._accounts.items()},
            links=links,
            hold=self._hold,
        )

    def _watch_recordings(self, now: datetime) -> None:
        """Close recordings that broke or whose file vanished, so that the plan opens them again."""
        for key, opened in list(self._open.items()):
            counters = opened.engine.counters()
            if counters["error"]:
                self._fail(key, opened.recording, broken(counters["error"]), now)
                self._stop(key)
            elif self._has_vanished(opened, counters):
                telemetry.vanished(_title(opened.recording), opened.recording.interface)
                self._stop(key)

    def _has_vanished(self, opened: _Open, counters: CaptureCounters) -> bool:
        """The engine holds an active file that is not on disk, twice in a row (once may be a rotation under way)."""
        active = opened.recording.stem + SUFFIX
        folder = Path(opened.recording.directory) / opened.recording.namespace / opened.recording.name
        held = any(Path(name).name == active for name in counters["files"])
        opened.missing = opened.missing + 1 if held and not (folder / active).exists() else 0
        return opened.missing >= 2

    def _weigh(self, base: str) -> None:
        """Is there room to write? With hysteresis, so that captures do not flap at the edge."""
        held = sum(stored.bytes for account in self._accounts.values() for stored in _files(account))
        space = self._space(base)
        holding = self._hold is not None
        free_floor = space.total_bytes * (FREE_RESUME if holding else FREE_STOP)
        budget = self._budget_bytes * (BUDGET_RESUME if holding else 1.0)
        if space.free_bytes < free_floor:
            self._hold = Fault("DiskPressure", f"only {space.free_bytes} of {space.total_bytes} bytes are free")
        elif held > budget:
            self._hold = Fault("DiskPressure", f"capture files hold {held} bytes, the node's budget is {budget:.0f}")
        else:
            self._hold = None
        self.disk = Disk(
            capture_bytes=held,
            budget_bytes=self._budget_bytes,
            free_bytes=space.free_bytes,
            total_bytes=space.total_bytes,
            pressure=self._hold is not None,
        )

    # -- doing ------------------------------------------------------------------------------------------------------

    def _perform(self, action: plans.Action, now: datetime) -> None:
        match action:
            case plans.Stop(key):
                self._stop(key)
            case plans.Remove(uid, _, _):
                self._remove(uid)
            case plans.SetLimits(key, limits):
                opened = self._open[key]
                opened.engine.set_limits(**_limits(limits))
                opened.limits = limits
            case plans.Start(recording, limits):
                self._start(recording, limits, now)

    def _start(self, recording: Recording, limits: Limits, now: datetime) -> None:
        try:
            folder = Folder(recording.directory, recording.namespace, recording.name)
            account = self._accounts.setdefault(
                recording.capture_uid, _Account(recording.namespace, recording.name, recording.directory)
            )
            account.base = recording.directory
            folder.write_marker(recording.capture_uid, account.totals)
            engine = self._opener(
                recording.interface,
                directory=str(folder.path),
                stem=recording.stem,
                netns=recording.netns,
                filters=_filter_rules(recording),
                min_free_bytes=int(self._space(recording.directory).total_bytes * FREE_STOP),
                **_limits(limits),
            )
        except UnsafeName as error:
            self._fail(recording.key, recording, Fault("UnsafeName", str(error)), now)
        except OSError as error:
            self._fail(recording.key, recording, Fault("CannotOpen", _reason(error)), now)
        else:
            self._failures.pop(recording.key, None)
            self._open[recording.key] = _Open(recording, limits, engine)
            telemetry.opened(_title(recording), recording.interface)

    def _stop(self, key: Key) -> None:
        opened = self._open.pop(key)
        try:
            opened.engine.close()
        except OSError as error:  # the file's end could not be written; what the engine counted still stands
            telemetry.failed(_title(opened.recording), opened.recording.interface, "CloseFailed", _reason(error))
        counters = opened.engine.counters()
        account = self._accounts.get(key[0])
        if account is not None:
            account.totals = _sum(account.totals, counters)
        telemetry.closed(_title(opened.recording), opened.recording.interface, counters["packets"])

    def _remove(self, uid: str) -> None:
        account = self._accounts.pop(uid)
        folder = Folder(account.base, account.namespace, account.name)
        marker = folder.read_marker()
        if marker is None or marker[0] == uid:  # otherwise a successor of the same name has taken the folder over
            folder.remove()
        telemetry.removed(f"{account.namespace}/{account.name}")

    def _fail(self, key: Key, recording: Recording, fault: Fault, now: datetime) -> None:
        self._failures[key] = Failure.next(self._failures.get(key), fault, now)
        telemetry.failed(_title(recording), recording.interface, fault.reason, fault.message)

    def _forget_failures(self, captures: Sequence[Capture], endpoints: Sequence[Endpoint]) -> None:
        alive = {(capture.uid, endpoint.id) for capture in captures for endpoint in plans.selected(capture, endpoints)}
        self._failures = {key: failure for key, failure in self._failures.items() if key in alive}

    # -- telling ----------------------------------------------------------------------------------------------------

    def _report(
        self, capture: Capture, endpoints: Sequence[Endpoint], settings: Settings, now: datetime
    ) -> CaptureReport | None:
        """What is so for one capture; None where it neither selects anything here nor has files here."""
        chosen = plans.selected(capture, endpoints)
        account = self._accounts.get(capture.uid)
        files = _files(account) if account else []
        if not chosen and not files:
            return None
        totals = account.totals if account else Totals()
        lines = []
        for endpoint in chosen:
            opened = self._open.get((capture.uid, endpoint.id))
            counters = opened.engine.counters() if opened else None
            if counters is not None:
                totals = _sum(totals, counters)
            lines.append(self._line(capture, endpoint, counters, now))
        worst = next((line for line in lines if line.state == "Error"), None)
        base = account.base if account else settings.directory
        return CaptureReport(
            namespace=capture.namespace,
            name=capture.name,
            uid=capture.uid,
            generation=capture.generation,
            state=plans.fold(line.state for line in lines) if lines else "Finished",
            reason=worst.reason if worst else "",
            message=worst.message if worst else "",
            directory=base,
            files=[CaptureFile(name=stored.name, bytes=stored.bytes, active=stored.active) for stored in files],
            endpoints=lines,
            packets=totals.packets,
            bytes=totals.bytes,
            drops=dict(totals.drops),
            rotated_files=totals.rotated_files,
            discarded_files=totals.discarded_files,
            first_packet=_moment(totals.first_packet_ns),
            last_packet=_moment(totals.last_packet_ns),
            oldest_packet=_oldest(base, capture, files),
            warnings=list(capture.warnings),
        )

    def _line(
        self, capture: Capture, endpoint: Endpoint, counters: CaptureCounters | None, now: datetime
    ) -> CaptureEndpoint:
        failure = self._failures.get((capture.uid, endpoint.id))
        state, fault = plans.state_of(
            capture,
            packets=counters["packets"] if counters else None,
            failure=failure.fault if failure else (self._hold if counters is None else None),
            now=now,
        )
        return CaptureEndpoint(
            workload=endpoint.workload,
            interface=endpoint.interface,
            state=state,
            reason=fault.reason if fault else "",
            message=fault.message if fault else "",
        )

    def _save(self) -> None:
        """Keep totals across a crash; a folder that somebody removed is not made again for their sake."""
        for uid, account in self._accounts.items():
            totals = account.totals
            for (capture_uid, _), opened in self._open.items():
                if capture_uid == uid:
                    totals = _sum(totals, opened.engine.counters())
            folder = Folder(account.base, account.namespace, account.name)
            if totals == account.written or not folder.path.is_dir():
                continue
            try:
                folder.write_marker(uid, totals)
            except OSError as error:  # a full disk: the totals stay here, and are written once there is room again
                if not account.is_unwritten:
                    telemetry.totals_not_written(f"{account.namespace}/{account.name}", _reason(error))
                account.is_unwritten = True
            else:
                account.written, account.is_unwritten = totals, False

    def _engines(self, namespace: str, name: str) -> list[OpenCapture]:
        with self._lock:
            return [
                opened.engine
                for opened in self._open.values()
                if (opened.recording.namespace, opened.recording.name) == (namespace, name)
            ]


def _files(account: _Account) -> list[Stored]:
    return Folder(account.base, account.namespace, account.name).files()


def _limits(limits: Limits) -> dict[str, int]:
    return {
        "max_size_bytes": limits.max_size_bytes,
        "rotation_s": limits.rotation_s,
        "max_files": limits.max_files,
    }


def _filter_rules(recording: Recording) -> list[FilterRule]:
    rules: list[FilterRule] = []
    for rule in recording.filters:
        fields: Any = {}
        if rule.protocol is not None:
            fields["protocol"] = rule.protocol
        if rule.ports:
            fields["ports"] = list(rule.ports)
        rules.append(fields)
    return rules


def _sum(totals: Totals, counters: CaptureCounters) -> Totals:
    return Totals(
        packets=totals.packets + counters["packets"],
        bytes=totals.bytes + counters["bytes"],
        drops=_add(totals.drops, counters["drops"]),
        rotated_files=totals.rotated_files + counters["rotated_files"],
        discarded_files=totals.discarded_files + counters["discarded_files"],
        first_packet_ns=_pick(min, totals.first_packet_ns, counters["first_packet_ns"]),
        last_packet_ns=_pick(max, totals.last_packet_ns, counters["last_packet_ns"]),
    )


def _add(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in sorted({*left, *right})}


def _pick(choose: Callable[[Iterable[int]], int], left: int | None, right: int | None) -> int | None:
    known = [value for value in (left, right) if value is not None]
    return choose(known) if known else None


def _oldest(base: str, capture: Capture, files: Sequence[Stored]) -> str | None:
    try:
        path = Folder(base, capture.namespace, capture.name).path
    except UnsafeName:
        return None
    times = [moment for stored in files if (moment := first_packet_ns(path / stored.name)) is not None]
    return _moment(min(times)) if times else None


def _moment(ns: int | None) -> str | None:
    return rfc3339_micro(datetime.fromtimestamp(ns / 1e9, UTC)) if ns is not None else None


def _title(recording: Recording) -> str:
    return f"{recording.namespace}/{recording.name}"


def _reason(error: OSError) -> str:
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
