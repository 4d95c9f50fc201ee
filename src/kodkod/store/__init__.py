"""Where do resources live? Behind the verbs of the Kubernetes API (`Resources`), whoever serves them.

`embedded` keeps them on one host in SQLite, `remote` speaks to any server of that API over HTTP, `informer` is how a
controller follows a kind, `events` posts what a controller did as core Events.
"""

from kodkod.store import errors
from kodkod.store.protocol import (
    APPLY,
    JSON,
    MERGE,
    FieldValidation,
    ObjectList,
    Patch,
    Preconditions,
    Resources,
    WatchEvent,
)

__all__ = [
    "APPLY",
    "JSON",
    "MERGE",
    "FieldValidation",
    "ObjectList",
    "Patch",
    "Preconditions",
    "Resources",
    "WatchEvent",
    "errors",
]
