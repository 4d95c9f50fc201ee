"""How does a room tell operators what it did? One fact: one log line and one counter, from one function.

A room's own `telemetry.py` holds a function for each fact; it calls `fact` here, so that the line and the counter
cannot disagree. Nothing is logged for each packet: counters do that.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from prometheus_client import Counter


def fact(logger: logging.Logger, level: int, message: str, counter: Counter | None = None, **fields: object) -> None:
    """Write one constant, lower-case message with its fields, and count it.

    counter: already labelled, or without labels; its value grows by one.
    """
    logger.log(level, message, extra={"fields": fields})
    if counter is not None:
        counter.inc()


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, room, message, and the facts as fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.removeprefix("kodkod."),
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(level: str = "INFO") -> None:
    """Send this process's log to standard error as JSON lines. Called once, by a door."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
