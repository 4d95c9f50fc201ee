"""Under which group are objects stored? In a cluster those of `projectcalico.org/v3` are CRDs of another group.

All code speaks of a kind by its public group; only what talks to the cluster renames, both ways and at the border.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kodkod.resources.kinds import GroupVersion

StoredAs = Mapping[GroupVersion, GroupVersion]
"""The group in which objects of a public group are stored; one that is not named is stored as itself."""

PUBLIC = GroupVersion("projectcalico.org", "v3")
CRD = GroupVersion("crd.projectcalico.org", "v1")
CRD_GROUPS: StoredAs = {PUBLIC: CRD}
AS_THEY_ARE: StoredAs = {}


def stored_in_mode(mode: str) -> StoredAs:
    """mode: as the chart's `api.mode` says. Where v3 itself is served as CRDs, objects are stored as they are."""
    return AS_THEY_ARE if mode == "v3-crds" else CRD_GROUPS


def renamed(obj: Any, old: GroupVersion, new: GroupVersion) -> Any:
    """A copy of an object, list, patch or Table under another group; parts that stay the same are shared.

    An object's own apiVersion, that of a list's items and a Table's row objects, and of the entries of
    managedFields: these say in which version field sets are meant, and a client that applies compares them.
    References to other objects stay: they name what somebody meant.
    """
    if not isinstance(obj, dict):
        return obj
    found = dict(obj)
    if found.get("apiVersion") == str(old):
        found["apiVersion"] = str(new)
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("managedFields"), list):
        entries = [renamed(entry, old, new) for entry in metadata["managedFields"]]
        found["metadata"] = {**metadata, "managedFields": entries}
    if isinstance(found.get("items"), list):
        found["items"] = [renamed(item, old, new) for item in found["items"]]
    if found.get("kind") == "Table" and isinstance(found.get("rows"), list):
        found["rows"] = [{**row, "object": renamed(row["object"], old, new)} if "object" in row else row
                         for row in found["rows"]]  # fmt: skip
    return found
