"""Who runs the alerts? Follows GlobalAlerts, performs what `plan` says is due, writes events and each alert's status.

One step after another: no alert ever runs twice at once, and a step runs at most RUNS_AT_ONCE of them side by side.
An alert that fails says so in its status; the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kodkod.alerting import evaluate, news, shipped, status, telemetry
from kodkod.alerting.plan import Note, Run, next_wake_s, plan
from kodkod.alerting.rule import Dedup, Rule, RuleError, dedup_of, is_anomaly_detection, is_paused, rule_of
from kodkod.clock import Clock, rfc3339
from kodkod.events import Event, EventStore
from kodkod.logs.errors import LogsError
from kodkod.logs.query import QueryError
from kodkod.logs.store import LogStore
from kodkod.resources import Object
from kodkod.resources.kinds import GLOBAL_ALERT
from kodkod.store import events as happenings
from kodkod.store.errors import StoreError
from kodkod.store.informer import Informer
from kodkod.store.protocol import Resources

log = logging.getLogger("kodkod.alerting")

EVENTS_PER_RUN = 5_000
EVENTS_PER_WRITE = 500
RUNS_AT_ONCE = 4
IDLE_S = 30.0
NOT_SUPPORTED = ("QueryValidation", "type AnomalyDetection is not supported; the alert is stored, but does not run")


@dataclass(slots=True)
class _Watched:
    """An alert as it was last read."""

    generation: tuple[Any, ...]
    updated: str
    rule: Rule | None
    note: Note
    resting: status.Status | None  # the status of an alert that does not run
    change: str  # news of it that nobody has heard yet


class Controller:
    """Owned by the server; `run` ends by cancellation."""

    def __init__(
        self,
        resources: Resources,
        logs: LogStore,
        events: EventStore,
        clock: Clock,
        *,
        events_per_run: int = EVENTS_PER_RUN,
    ) -> None:
        self._resources = resources
        self._logs = logs
        self._events = events
        self._clock = clock
        self._events_per_run = events_per_run
        self._informer = Informer(resources, GLOBAL_ALERT)
        self._watched: dict[str, _Watched] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informer.run())
            group.create_task(self._install())
            group.create_task(self._loop())

    async def _install(self) -> None:
        try:
            await shipped.install(self._resources)
        except StoreError as error:
            log.warning("templates not installed", extra={"fields": {"error": str(error)}})

    async def _loop(self) -> None:
        changed = asyncio.Event()
        self._informer.wake(changed)
        await self._informer.synced()
        while True:
            changed.clear()
            await self.step()
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), self._wait_s())

    def _wait_s(self) -> float:
        """Until the next alert is due; never so short that a failing alert spins."""
        now_s = self._clock.now().timestamp()
        return max(0.05, next_wake_s(self._alerts(), now_s, IDLE_S))

    async def step(self) -> None:
        """Take in changes, then run what is due."""
        await self._take_in()
        due = plan(self._alerts(), self._clock.now().timestamp())
        gate = asyncio.Semaphore(RUNS_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for one in due:
                group.create_task(self._gated(gate, one))

    def _alerts(self) -> list[tuple[Rule, Note]]:
        return [(one.rule, one.note) for one in self._watched.values() if one.rule is not None]

    async def _gated(self, gate: asyncio.Semaphore, run: Run) -> None:
        async with gate:
            await self._execute(run)

    # --- taking in ---------------------------------------------------------------------------------------------
    async def _take_in(self) -> None:
        present = {obj["metadata"]["uid"]: obj for obj in self._informer.items.values()}
        for uid in [uid for uid in self._watched if uid not in present]:
            del self._watched[uid]
        for uid, obj in present.items():
            generation = (obj["metadata"].get("generation"), is_paused(obj), dedup_of(obj))
            known = self._watched.get(uid)
            if known is None or known.generation != generation:
                known = self._watched[uid] = self._read(obj, known, generation)
            if known.resting is not None:
                await self._write_status(obj, known.resting)
                if known.change:
                    await self._hear(obj, known, news.of_rest(obj.get("status") or {}, known.resting))

    def _read(self, obj: Object, known: _Watched | None, generation: tuple[Any, ...]) -> _Watched:
        old = obj.get("status") or {}
        now = rfc3339(self._clock.now())
        change = change_of(old, known)
        updated = now if known is not None else old.get("lastUpdate") or now
        if is_anomaly_detection(obj):
            resting = status.of_rest(old, NOT_SUPPORTED, updated=updated)
            return _Watched(generation, updated, None, Note(), resting, change)
        if is_paused(obj):
            return _Watched(generation, updated, None, Note(), status.of_rest(old, None, updated=updated), change)
        was_resting = known is not None and known.rule is None
        note = known.note if known is not None else Note(status.last_end_s(obj))
        try:
            # An alert that comes back from a pause starts anew: what happened meanwhile was not to be judged.
            return _Watched(generation, updated, rule_of(obj), Note() if was_resting else note, None, change)
        except RuleError as error:
            resting = status.of_failure(old, error.kind, str(error), updated=updated)
            return _Watched(generation, updated, None, note, resting, change)

    # --- running -----------------------------------------------------------------------------------------------
    async def _execute(self, run: Run) -> None:
        watched = self._watched[run.rule.uid]
        try:
            written, overflow = await self._write_events(run)
        except (LogsError, QueryError, OSError) as failure:
            telemetry.run_failed(log, run.rule.name, failure)
            watched.note = Note(watched.note.last_end_s, run.end_s + run.rule.period_s)
            await self._tell(run, watched, wrote=False, error=("Execution", str(failure)), is_done=False)
            return
        telemetry.run_done(written)
        watched.note = Note(run.end_s)
        await self._tell(run, watched, wrote=written > 0, error=overflow, is_done=True)

    async def _tell(
        self, run: Run, watched: _Watched, *, wrote: bool, error: tuple[str, str] | None, is_done: bool
    ) -> None:
        """Write the status of a run. A failed one leaves `lastExecuted`, from which a restart goes on."""
        obj = self._present(run.rule)
        if obj is None:
            return
        old = obj.get("status") or {}
        end_s = run.end_s if is_done else None
        new = status.of_run(old, end_s=end_s, wrote=wrote, error=error, updated=watched.updated)
        await self._write_status(obj, new)
        await self._hear(obj, watched, news.of_run(run.rule, watched.change, old, new, wrote=wrote))

    async def _hear(self, obj: Object, watched: _Watched, heard: Iterable[happenings.News]) -> None:
        """Post the news for `kubectl describe`."""
        watched.change = ""
        for one in heard:
            await happenings.record(self._resources, obj, one, now=self._clock.now())

    def _present(self, rule: Rule) -> Object | None:
        """The alert's object, if it has not been deleted meanwhile, or made anew under the same name."""
        obj = self._informer.items.get(("", rule.name))
        return obj if obj is not None and obj["metadata"]["uid"] == rule.uid else None

    async def _write_events(self, run: Run) -> tuple[int, tuple[str, str] | None]:
        """(events written, the error condition of a run that found too many)."""
        batch: list[Event] = []
        seen = written = 0
        async for row in evaluate.rows(run.rule, self._logs, run.window):
            if seen == self._events_per_run:
                batch.append(evaluate.overflow_event(run.rule, run.window, seen))
                written += await self._flush(run, batch)
                return written, ("Execution", f"more than {seen} results in one run; the others were not written")
            seen += 1
            batch.append(evaluate.event(run.rule, row, run.window))
            if len(batch) == EVENTS_PER_WRITE:
                written += await self._flush(run, batch)
                batch = []
        return written + await self._flush(run, batch), None

    async def _flush(self, run: Run, batch: list[Event]) -> int:
        """Write, unless the alert was deleted meanwhile: deleting it stops all events."""
        batch = await self._news_only(run, batch)
        if not batch or self._present(run.rule) is None:
            return 0
        return await self._events.write(batch, arrival=self._clock.now())

    async def _news_only(self, run: Run, batch: list[Event]) -> list[Event]:
        """What is left of events where the alert asks that their like be not repeated."""
        if run.rule.dedup is Dedup.NONE:
            return batch
        first = {str(one.fingerprint): one for one in reversed(batch)}
        is_open = run.rule.dedup is Dedup.OPEN
        since_s = None if is_open else run.end_s - run.rule.lookback_s
        known = await self._events.seen(list(first), since_s=since_s, only_open=is_open)
        return [one for key, one in reversed(first.items()) if key not in known]

    async def _write_status(self, obj: Object, new: status.Status) -> None:
        """Write what has changed, and nothing if nothing has."""
        old = obj.get("status") or {}
        if all(old.get(key, []) == value for key, value in new.items()):
            return
        try:
            name = obj["metadata"]["name"]
            await self._resources.patch(GLOBAL_ALERT, name, {"status": new}, subresource="status")
        except StoreError as error:
            telemetry.status_failed(log, obj["metadata"]["name"], error)


def change_of(old: status.Status, known: _Watched | None) -> str:
    """What is new about an alert that is taken in; nothing about one that only this process had not seen yet."""
    if known is None:
        return "" if old.get("lastUpdate") else "Started"
    return "Resumed" if known.rule is None else "Updated"
