"""What is one step of a journey? A command as one would type it, and what has to come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LINES_SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said. output: standard output; talk: standard error."""

    code: int
    output: str
    talk: str


Check = Callable[[Answer], str]
"""Names what is missing from an answer; an empty text means that all is as it must be."""

Show = Callable[[Answer], list[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """label: its number in the workshop's text. must: what has to be so, for the reader.

    within_s: the command is repeated until the check is content or the time is over; 0 asks once.
    remember: the environment variable that takes the output's only line.
    """

    label: str
    command: str
    must: str
    check: Check
    within_s: float = 0.0
    remember: str = ""
    show: Show | None = None

    def lines(self, answer: Answer) -> list[str]:
        """The part of an answer that is worth a reader's time."""
        if self.show is not None:
            return self.show(answer)
        text = [line.rstrip() for line in (answer.output + answer.talk).splitlines() if line.strip()]
        shown = [line for line in text if not line.startswith("Warning: resource ")]
        rest = len(shown) - LINES_SHOWN_MAX
        return shown[:LINES_SHOWN_MAX] + ([f"… {rest} more lines"] if rest > 0 else [])


def succeeds(answer: Answer) -> str:
    return "" if answer.code == 0 else f"exit code {answer.code}"


def says(*patterns: str) -> Check:
    """The command succeeds, and each regular expression is found in its output."""

    def check(answer: Answer) -> str:
        missing = [pattern for pattern in patterns if not re.search(pattern, answer.output, re.MULTILINE)]
        return succeeds(answer) or (f"not said: {', '.join(missing)}" if missing else "")

    return check


def is_silent_about(pattern: str) -> Check:
    """The command succeeds, and the regular expression is not found."""

    def check(answer: Answer) -> str:
        return succeeds(answer) or (f"still said: {pattern}" if re.search(pattern, answer.output) else "")

    return check


def applied(*names: str) -> Check:
    """kubectl has each object as the file says, whether it was there before or not."""
    return says(*(rf"/{re.escape(name)} (created|configured|unchanged)$" for name in names))


def events(*wanted: dict[str, str]) -> Check:
    """For each description there is an event that has all its values. Dotted names go into the record."""

    def check(answer: Answer) -> str:
        found = list(parse_events(answer.output))
        missing = [one for one in wanted if not any(_fits(event, one) for event in found)]
        return succeeds(answer) or ("; ".join(f"no event with {_text(one)}" for one in missing))

    return check


def parse_events(text: str) -> Iterator[dict[str, Any]]:
    """The events in an answer of `/v1/events` or of `_search`; none in anything else."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return
    if isinstance(body, dict) and "hits" in body:
        yield from (hit["_source"] for hit in body["hits"]["hits"])
    elif isinstance(body, dict):
        yield from body.get("items") or []


def show_events(answer: Answer) -> list[str]:
    """A line for each event, the newest first; each different line once."""
    lines = []
    for event in parse_events(answer.output):
        what = event.get("name") or event.get("origin")
        lines.append(f"{what} · {event.get('origin')} · {event.get('description')}")
    counted = {line: lines.count(line) for line in lines}
    shown = [f"{count} × {line}" if count > 1 else line for line, count in counted.items()]
    return shown[:LINES_SHOWN_MAX] or ["no events yet"]


def _fits(event: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(str(_value(event, name)) == value for name, value in wanted.items())


def _value(event: dict[str, Any], name: str) -> object:
    value: Any = event
    for part in name.split(".", 1) if name.startswith("record.") else [name]:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(wanted: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in wanted.items())
