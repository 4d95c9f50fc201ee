"""Was anything lost, or told twice? The promises held against what the product can show at the end.

Each finding is a line that names the place; no finding means that everything promised is there exactly once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .evidence import Packets
from .traffic import Exchange
from .writes import Write

BEFORE_S, AFTER_S = 1.0, 8.0
"""An exchange counts as observed when the observer worked this long before and after it: alerts leave the engine four
times a second, records at the flush interval, packets reach the file within a second; the rest is for a loaded machine.
"""
NAMED_MAX = 5
INTERFACES = 2  # client's and server's: both are inspected and recorded

Promised = Mapping[str, Counter[str]]


@dataclass(slots=True)
class Life:
    """When a role was seen at work: from `back_at` until it was killed (unix seconds)."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def watched(self, exchange: Exchange) -> bool:
        start, end = exchange.asked_at - BEFORE_S, exchange.done_at + AFTER_S
        return any(back <= start and end <= gone for back, gone in self.spans)


def records(before: Promised, stored: Promised, after: Promised, *, missed: int) -> Iterator[str]:
    """Every record once. before, after: what was promised when the store was read, and when it had been read.

    Records go on coming meanwhile. missed: segments that were gone before they could be kept; only then may there be
    something in the store that nobody saw.
    """
    for dataset, sent in after.items():
        there, wanted = stored.get(dataset, Counter()), before.get(dataset, Counter())
        lost = [record for record, count in wanted.items() if there[record] < count]
        yield from told(f"{dataset}: acknowledged and lost", lost)
        if not missed:
            yield from told(f"{dataset}: stored twice", [x for x, count in there.items() if 0 < sent[x] < count])
            yield from told(f"{dataset}: nobody sent it", [record for record in there if record not in sent])


def writes(
    done: Sequence[Write], objects: Mapping[str, Mapping[str, str]], audits: Counter[tuple[str, str]]
) -> Iterator[str]:
    """objects: labels by name, as they are at the end. audits: successful records by verb and name."""
    acknowledged = [one for one in done if one.acknowledged]
    removed = {one.name for one in done if one.verb == "delete"}
    made = {one.name for one in acknowledged if one.verb == "create"}
    gone = {one.name for one in acknowledged if one.verb == "delete"}
    values = {one.name: str(one.value) for one in acknowledged if one.verb == "patch"}
    yield from told("objects: acknowledged and lost", sorted(made - removed - set(objects)))
    yield from told("objects: removed and back", sorted(gone & set(objects)))
    changed = [name for name, value in values.items() if name in objects and objects[name].get("v") != value]
    yield from told("objects: change lost", changed)
    yield from told("audit: lost", [f"{x.verb} {x.name}" for x in acknowledged if audits[x.verb, x.name] == 0])
    yield from told("audit: twice", [f"{verb} {name}" for (verb, name), count in audits.items() if count > 1])


def packets(before: Packets, after: Packets) -> Iterator[str]:
    lost = sum(count - after.seen[key] for key, count in before.seen.items() if after.seen[key] < count)
    twice = sum(1 for count in after.seen.values() if count > 1)
    if lost:
        yield f"packets: {lost} that lay in a file are gone"
    if twice:
        yield f"packets: {twice} are in the files more than once"


def observed(
    exchanges: Iterable[Exchange], lives: Mapping[str, Life], ports: Mapping[str, Counter[int]], events: Counter[int],
    lookups: Counter[str],
) -> Iterator[str]:  # fmt: skip
    """Traffic that a living agent and a living inspector must have seen.

    ports: source ports in capture files by interface. events: by source port. lookups: by name.
    """
    answered = [one for one in exchanges if not one.error]
    for_agent = [one for one in answered if lives["agent"].watched(one)]
    for_inspector = [one for one in answered if lives["inspector"].watched(one)]
    yield from told("dns: lookup without a record", [x.name for x in for_agent if not lookups[x.name]])
    yield from told("dns: lookup with two records", [name for name, count in lookups.items() if count > 1])
    unseen = [str(one.number) for one in for_agent if sum(one.number in seen for seen in ports.values()) < INTERFACES]
    yield from told("packets: request not recorded at both ends", unseen)
    quiet = [f"{x.number} ({events[x.number]} events)" for x in for_inspector if events[x.number] < INTERFACES]
    yield from told("events: request without both events", quiet)
    yield from told("events: request told more often", [str(n) for n, count in events.items() if count > INTERFACES])


def told(what: str, cases: Sequence[str]) -> Iterator[str]:
    if cases:
        more = f" and {len(cases) - NAMED_MAX} more" if len(cases) > NAMED_MAX else ""
        yield f"{what}: {len(cases)}: {'; '.join(case[:300] for case in cases[:NAMED_MAX])}{more}"
