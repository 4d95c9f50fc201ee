"""What do the command line's long-running parts tell operators?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

_PROCESS_ENDS = Counter("kodkod_supervised_process_ends", "Processes that ended and were started again", ["process"])


def process_ended(logger: logging.Logger, *, name: str, code: int, restart_in_s: float) -> None:
    """A supervised process ended by itself: someone should look at its log."""
    fact(
        logger,
        logging.ERROR,
        "supervised process ended",
        _PROCESS_ENDS.labels(name),
        process=name,
        code=code,
        restart_in_s=restart_in_s,
    )
