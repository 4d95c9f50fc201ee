"""What can go wrong with logs, and whose move is it?

LogsError
├── UnknownDataset      the caller's: no such name
├── BadCursor           the caller's: start again without a cursor
├── BadSort             the caller's: the named field cannot be sorted by
├── RecordRefused       the sender's: not a JSON object, or too large
├── QueryTimedOut       the caller's: narrow the time range
└── StoreClosed         ours: the store is shutting down; a retry helps
QueryError (query.errors) the author's of a query, with the offset
"""

from __future__ import annotations


class LogsError(Exception):
    """Base of this room's errors."""


class UnknownDataset(LogsError):
    def __init__(self, name: str) -> None:
        super().__init__(f'unknown data set "{name}"')


class BadCursor(LogsError):
    def __init__(self) -> None:
        super().__init__("the cursor does not belong to this search; start again without it")


class BadSort(LogsError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f'cannot sort by "{field}": {reason}')


class RecordRefused(LogsError):
    """A record that cannot be stored; `line` counts from 1 in what was sent."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


class QueryTimedOut(LogsError):
    def __init__(self, after_s: float) -> None:
        super().__init__(f"the search was stopped after {after_s:g} s; narrow its time range")


class StoreClosed(LogsError):
    def __init__(self) -> None:
        super().__init__("the log store is closed")
