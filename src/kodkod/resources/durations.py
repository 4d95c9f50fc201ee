"""How long is `1h30m`? Durations as Go writes them, in seconds."""

from __future__ import annotations

import re

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds meant by a Go duration: an optional sign, then numbers with units, `5m`, `1h30m`, `10m0s`, or `0`.

    Raises ValueError for anything else, `1h 2m` included.
    """
    body = text.lstrip("+-") if text[:1] in ("+", "-") else text
    sign = -1.0 if text.startswith("-") else 1.0
    if body == "0":
        return 0.0
    if not body or _PART.sub("", body) or len(text) - len(body) > 1:
        raise ValueError(f"not a duration such as 5m or 1h30m: {text!r}")
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(body))
