"""How bad is it? Numbers from Snort priorities, words from numbers (alerts-and-logs 5.8)."""

from __future__ import annotations

from enum import Enum

_BY_PRIORITY = {1: 100, 2: 80, 3: 60, 4: 40}
CONSTANT = 100  # what the product writes for every DPI event


class Bucket(Enum):
    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"


def bucket(severity: float) -> Bucket:
    if severity >= 90:
        return Bucket.CRITICAL
    if severity >= 70:
        return Bucket.HIGH
    return Bucket.MEDIUM if severity >= 40 else Bucket.LOW


def of_priority(priority: int, *, strict: bool = False) -> int:
    """Severity of a rule's priority, 1 being the worst; `strict`: as the product, always 100."""
    if strict:
        return CONSTANT
    return _BY_PRIORITY.get(priority, 100 if priority < 1 else 40)
