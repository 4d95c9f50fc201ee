"""What does the server tell operators?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.server")

_CONTROLLER_ENDS = Counter(
    "kodkod_controller_failures", "Controllers that failed and were started again", ["controller"]
)
_AUDIT_LOST = Counter("kodkod_audit_records_lost", "Audit records that could not be stored")


def started(address: str, version: str) -> None:
    fact(log, logging.INFO, "server started", address=address, version=version)


def controller_failed(controller: str, error: BaseException, again_in_s: float) -> None:
    """A controller ended by a fault of ours: it starts again, someone should look."""
    log.error(
        "controller failed", exc_info=error, extra={"fields": {"controller": controller, "again_in_s": again_in_s}}
    )
    _CONTROLLER_ENDS.labels(controller).inc()


def audit_lost(count: int, why: str) -> None:
    """Audit records could not be kept: someone should look at the disk."""
    log.error("audit records lost", extra={"fields": {"count": count, "why": why}})
    _AUDIT_LOST.inc(count)
