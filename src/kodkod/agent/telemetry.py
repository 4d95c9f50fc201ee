"""What does a node's process tell operators?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.agent")

_LOST = Counter("kodkod_agent_records_lost", "Records that the disk or the server refused for good", ["dataset"])


def started(role: str, node: str) -> None:
    fact(log, logging.INFO, "agent started", role=role, node=node)


def server_unreachable(what: str, error: str, again_in_s: float) -> None:
    fact(log, logging.WARNING, "server not reached", what=what, error=error, again_in_s=again_in_s)


def records_refused(dataset: str, records: int, code: int, why: str) -> None:
    """The server will never take this batch: a fault of ours, the next ones go on."""
    log.error("records refused", extra={"fields": {"dataset": dataset, "records": records, "code": code, "why": why}})
    _LOST.labels(dataset).inc(records)


def records_not_kept(dataset: str, records: int, why: str) -> None:
    """The disk refused them."""
    log.error("records not kept", extra={"fields": {"dataset": dataset, "records": records, "why": why}})
    _LOST.labels(dataset).inc(records)


def step_failed(what: str, error: BaseException) -> None:
    log.error("step failed", exc_info=error, extra={"fields": {"what": what}})


def ends_for(why: str) -> None:
    fact(log, logging.INFO, "process ends to be started anew", why=why)
