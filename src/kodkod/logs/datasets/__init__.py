"""Which logs are there, and which fields do they have? A file for each data set; this is the list."""

from __future__ import annotations

from kodkod.logs.datasets.accepted import L7, VULNERABILITY, WAF
from kodkod.logs.datasets.audit import AUDIT
from kodkod.logs.datasets.dataset import OPEN_COLUMN, Dataset
from kodkod.logs.datasets.dns import DNS
from kodkod.logs.datasets.events import EVENTS
from kodkod.logs.datasets.fields import Field, FieldClass, Normal, Record
from kodkod.logs.datasets.flows import FLOWS
from kodkod.logs.errors import UnknownDataset

ALL = {one.name: one for one in (FLOWS, DNS, AUDIT, EVENTS, L7, WAF, VULNERABILITY)}


def named(name: str) -> Dataset:
    """A data set by name; UnknownDataset if there is none."""
    try:
        return ALL[name]
    except KeyError:
        raise UnknownDataset(name) from None


__all__ = [
    "ALL",
    "AUDIT",
    "DNS",
    "EVENTS",
    "FLOWS",
    "L7",
    "OPEN_COLUMN",
    "VULNERABILITY",
    "WAF",
    "Dataset",
    "Field",
    "FieldClass",
    "Normal",
    "Record",
    "named",
]
