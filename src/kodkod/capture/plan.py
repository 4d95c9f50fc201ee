"""What has to start and stop on this node so that captures run as asked?

Pure: values in, a list of actions out; `node.py` performs them. A plan that has been performed yields no action when
made again, and that is a test. Stops come first, so that a file is closed before its name is used again; then the
folders of deleted captures go; then recordings start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from kodkod.capture.intent import Capture, Fault, Filter, Phase
from kodkod.endpoints import Endpoint, Index

State = Literal["Capturing", "Finished", "Scheduled", "Error", "WaitingForTraffic"]
FOLD_ORDER: tuple[State, ...] = ("Error", "Capturing", "WaitingForTraffic", "Scheduled", "Finished")

BACK_OFF_FIRST_S = 1.0
BACK_OFF_MAX_S = 60.0

Key = tuple[str, str]
"""A recording's identity: capture uid, endpoint id."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Rotation as FelixConfiguration sets it, for the node as a whole. `max_files` counts rotated files only."""

    max_size_bytes: int = 10_000_000
    rotation_s: int = 3600
    max_files: int = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """One interface recorded for one capture. A change of any field means another recording: close, rotate, open.

    directory: base directory. link: the interface's kernel index when planned, so that an interface that was removed
    and made again under its old name is noticed; None where it is in another namespace or not there.
    """

    capture_uid: str
    endpoint_id: str
    namespace: str
    name: str
    interface: str
    netns: str | None
    directory: str
    stem: str
    filters: tuple[Filter, ...]
    link: int | None = None

    @property
    def key(self) -> Key:
        return self.capture_uid, self.endpoint_id


@dataclass(frozen=True, slots=True)
class Failure:
    """A recording that could not be opened or broke. Tried again at `retry_at`."""

    fault: Fault
    attempts: int
    retry_at: datetime

    @staticmethod
    def next(previous: Failure | None, fault: Fault, now: datetime) -> Failure:
        """Doubling pauses from one second to a minute."""
        attempts = 1 + (previous.attempts if previous else 0)
        pause = min(BACK_OFF_MAX_S, BACK_OFF_FIRST_S * 2 ** min(attempts - 1, 10))
        return Failure(fault, attempts, now + timedelta(seconds=pause))


@dataclass(frozen=True, slots=True)
class Observed:
    """What is so on this node.

    stored: captures with a folder on disk, uid → (namespace, name).
    hold: why nothing may be written at present (disk pressure); open recordings stop, none starts.
    """

    running: Mapping[Key, tuple[Recording, Limits]] = field(default_factory=dict)
    failures: Mapping[Key, Failure] = field(default_factory=dict)
    stored: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    links: Mapping[str, int] = field(default_factory=dict)
    hold: Fault | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    key: Key


@dataclass(frozen=True, slots=True)
class Remove:
    """The object is gone: its folder goes too."""

    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class SetLimits:
    key: Key
    limits: Limits


@dataclass(frozen=True, slots=True)
class Start:
    recording: Recording
    limits: Limits


Action = Stop | Remove | SetLimits | Start


def plan(
    captures: Iterable[Capture],
    endpoints: Sequence[Endpoint] | Index,
    observed: Observed,
    now: datetime,
    *,
    directory: str = "",
    limits: Limits = Limits(),
) -> list[Action]:
    """Say what this node has to stop, remove and start.

    endpoints: those of this node that are ready; a selector sees only its own namespace.
    now: aware UTC by this node's clock. Windows are half open.
    """
    captures = list(captures)
    wanted = {} if observed.hold else _wanted(captures, endpoints, observed, now, directory)
    actions: list[Action] = [
        Stop(key) for key, (recording, _) in sorted(observed.running.items()) if wanted.get(key) != recording
    ]
    stopped = {action.key for action in actions if isinstance(action, Stop)}
    alive = {capture.uid for capture in captures}
    actions += [Remove(uid, *place) for uid, place in sorted(observed.stored.items()) if uid not in alive]
    actions += [
        SetLimits(key, limits)
        for key, (_, current) in sorted(observed.running.items())
        if key not in stopped and current != limits
    ]
    actions += [
        Start(recording, limits)
        for key, recording in sorted(wanted.items())
        if (key not in observed.running or key in stopped) and _may_try(observed.failures.get(key), now)
    ]
    return actions


def selected(capture: Capture, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Endpoints that a capture picks: of its own namespace only."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint.namespace == capture.namespace and capture.selector.matches(endpoint.labels)
    ]


def next_change(captures: Iterable[Capture], failures: Iterable[Failure], now: datetime) -> datetime | None:
    """When this node should plan again though nothing else happens: a window's edge, or a pause that is over."""
    edges = [edge for capture in captures if (edge := capture.window.next_edge(now)) is not None]
    edges += [failure.retry_at for failure in failures if failure.retry_at > now]
    return min(edges, default=None)


def fold(states: Iterable[State]) -> State:
    """One state for many: Error if any, else Capturing, WaitingForTraffic, Scheduled, else Finished."""
    present = set(states)
    return next((state for state in FOLD_ORDER if state in present), "Finished")


def state_of(
    capture: Capture, *, packets: int | None, failure: Fault | None, now: datetime
) -> tuple[State, Fault | None]:
    """State of one recording of a capture, and why where it is an error.

    packets: written since it was opened; None if it is not open.
    """
    phase = capture.window.phase(now)
    if phase is Phase.AFTER:
        return "Finished", None
    if phase is Phase.BEFORE:
        return "Scheduled", None
    if capture.fault or failure:
        return "Error", capture.fault or failure
    return ("Capturing" if packets else "WaitingForTraffic"), None


def _wanted(
    captures: Iterable[Capture],
    endpoints: Iterable[Endpoint],
    observed: Observed,
    now: datetime,
    directory: str,
) -> dict[Key, Recording]:
    wanted = {}
    endpoints = list(endpoints)
    for capture in captures:
        if capture.fault or capture.window.phase(now) is not Phase.OPEN:
            continue
        for endpoint in selected(capture, endpoints):
            recording = _recording(capture, endpoint, directory, observed.links.get(endpoint.id))
            wanted[recording.key] = recording
    return wanted


def _recording(capture: Capture, endpoint: Endpoint, directory: str, link: int | None) -> Recording:
    return Recording(
        capture_uid=capture.uid,
        endpoint_id=endpoint.id,
        namespace=capture.namespace,
        name=capture.name,
        interface=endpoint.interface,
        netns=endpoint.netns,
        directory=directory,
        stem=endpoint.file_stem,
        filters=capture.filters,
        link=link,
    )


def _may_try(failure: Failure | None, now: datetime) -> bool:
    return failure is None or now >= failure.retry_at
