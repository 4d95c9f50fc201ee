"""What does the server tell operators of a cluster?"""

from __future__ import annotations

import logging

from prometheus_client import Counter, Gauge

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.server.cluster")

_LEADS = Gauge("kodkod_leader", "1 while this server runs the controllers")
_RENEWALS = Counter("kodkod_certificate_renewals", "Times certificates were made anew before their end")
_AUDIT_LOST = Counter("kodkod_face_audit_lost", "Audit records of the API face that could not be kept")


def leads(identity: str) -> None:
    fact(log, logging.INFO, "controllers started", identity=identity)
    _LEADS.set(1)


def leads_no_more(identity: str, why: str) -> None:
    fact(log, logging.INFO, "controllers stopped", identity=identity, why=why)
    _LEADS.set(0)


def election_failed(error: str) -> None:
    fact(log, logging.WARNING, "lease not reached", error=error)


def certificates_renewed() -> None:
    fact(log, logging.INFO, "certificates renewed")
    _RENEWALS.inc()


def certificates_not_kept(error: str) -> None:
    """The Secret or a ConfigMap could not be read or written: someone should look at our rights."""
    fact(log, logging.WARNING, "certificates not kept", error=error)


def not_published(what: str, error: str) -> None:
    fact(log, logging.WARNING, "not written to the cluster", what=what, error=error)


def audit_not_sent(error: str, again_in_s: float) -> None:
    fact(log, logging.WARNING, "audit records wait", error=error, again_in_s=again_in_s)


def audit_lost(count: int, why: str) -> None:
    log.error("audit records lost", extra={"fields": {"count": count, "why": why}})
    _AUDIT_LOST.inc(count)
