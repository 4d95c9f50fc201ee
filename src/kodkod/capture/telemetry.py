"""What does recording tell operators? A function for each fact: its log line and its counter."""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

_log = logging.getLogger(__name__.rpartition(".")[0])

_opened = Counter("kodkod_capture_opened", "Recordings opened.")
_closed = Counter("kodkod_capture_closed", "Recordings closed.")
_failed = Counter("kodkod_capture_failed", "Recordings that could not be opened or broke.", ["reason"])
_removed = Counter("kodkod_capture_folders_removed", "Folders removed because their capture is gone.")
_recovered = Counter("kodkod_capture_files_vanished", "Active files that vanished from disk.")
_read = Counter("kodkod_capture_files_read", "Capture files handed out.")
_unwritten = Counter(
    "kodkod_capture_totals_not_written", "Times that the totals of a capture could not be kept on disk."
)
_fold_failed = Counter("kodkod_capture_status_failed", "Status writes of captures that failed.")


def opened(capture: str, interface: str) -> None:
    fact(_log, logging.INFO, "recording opened", _opened, capture=capture, interface=interface)


def closed(capture: str, interface: str, packets: int) -> None:
    fact(_log, logging.INFO, "recording closed", _closed, capture=capture, interface=interface, packets=packets)


def failed(capture: str, interface: str, reason: str, message: str) -> None:
    fact(
        _log,
        logging.WARNING,
        "recording failed",
        _failed.labels(reason),
        capture=capture,
        interface=interface,
        reason=reason,
        cause=message,
    )


def removed(capture: str) -> None:
    fact(_log, logging.INFO, "capture folder removed", _removed, capture=capture)


def vanished(capture: str, interface: str) -> None:
    fact(_log, logging.WARNING, "capture file vanished", _recovered, capture=capture, interface=interface)


def totals_not_written(capture: str, cause: str) -> None:
    """Said once until it works again: a kill -9 before that would lose the counters, no packets."""
    fact(_log, logging.WARNING, "capture totals not written", _unwritten, capture=capture, cause=cause)


def handed_out(capture: str, files: int) -> None:
    fact(_log, logging.INFO, "capture files handed out", _read, capture=capture, files=files)


def status_failed(capture: str, cause: str) -> None:
    fact(_log, logging.WARNING, "capture status not written", _fold_failed, capture=capture, cause=cause)


def status_not_written(capture: str, error: str) -> None:
    """The status of a capture could not be written; the next look tries again."""
    _log.warning("status not written", extra={"fields": {"capture": capture, "error": error}})


def node_not_reached(node: str, error: str) -> None:
    """A node's files cannot be fetched now; those of the others are."""
    _log.warning("node not reached for files", extra={"fields": {"node": node, "error": error}})
