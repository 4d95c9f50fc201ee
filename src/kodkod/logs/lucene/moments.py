"""Which moment is `now-15m/m`? Date math of Elasticsearch, in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

_MATH = re.compile(r"now((?:[+-][0-9]{1,9}[yMwdhHms]|/[yMwdhHms])*)")
_STEP = re.compile(r"([+-]|/)([0-9]*)([yMwdhHms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "H": 3_600, "m": 60, "s": 1}


def moment(text: str, now: datetime, *, to_end: bool = False) -> float | None:
    """Unix seconds of a text of date math; None for any other text, and where it leads out of the calendar.

    to_end: round `/d` to the end of the unit instead of its start, as Elasticsearch does for `gt` and `lte`.
    """
    match = _MATH.fullmatch(text)
    if match is None:
        return None
    try:
        found = now
        for sign, number, unit in _STEP.findall(match.group(1)):
            if sign == "/":
                found = end_of(found, unit) if to_end else _start(found, unit)
            else:
                found = _moved(found, int(number) * (1 if sign == "+" else -1), unit)
    except (ValueError, OverflowError):
        return None
    return found.timestamp()


def end_of(moment_: datetime, unit: str) -> datetime:
    """The last millisecond of the unit that a moment lies in."""
    return _moved(_start(moment_, unit), 1, unit) - timedelta(milliseconds=1)


def _moved(moment_: datetime, number: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return moment_ + timedelta(seconds=number * _SECONDS[unit])
    months = moment_.year * 12 + moment_.month - 1 + number * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    day = min(moment_.day, calendar.monthrange(year, month + 1)[1])
    return moment_.replace(year=year, month=month + 1, day=day)


def _start(moment_: datetime, unit: str) -> datetime:
    found = moment_.replace(microsecond=0)
    if unit == "s":
        return found
    found = found.replace(second=0)
    if unit == "m":
        return found
    found = found.replace(minute=0)
    if unit in "hH":
        return found
    found = found.replace(hour=0)
    if unit == "w":
        return found - timedelta(days=found.weekday())
    if unit == "d":
        return found
    return found.replace(day=1, month=1) if unit == "y" else found.replace(day=1)
