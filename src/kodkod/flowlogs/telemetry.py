"""What do flow logs tell operators?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.flowlogs")

_DEAF = Counter("kodkod_flowlogs_not_listening", "Times the socket of all interfaces was not to be had, or broke")


def not_listening(error: str) -> None:
    """Nothing is recorded until it works again; it is tried every few seconds."""
    fact(log, logging.ERROR, "not listening", _DEAF, error=error)
