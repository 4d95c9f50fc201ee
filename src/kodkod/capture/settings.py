"""How does this node keep capture files? FelixConfiguration `default`, overridden by `node.{name}`.

Values that cannot be meant (below the documented minimum) fall back to the default, since a plain CRD store may hold
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.capture.plan import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """directory: base directory of capture files."""

    directory: str
    limits: Limits


def read(configurations: Iterable[Mapping[str, Any]], *, node: str, default_directory: str) -> Settings:
    """Settings of a node from all FelixConfiguration objects."""
    spec: dict[str, Any] = {}
    by_name = {obj["metadata"]["name"]: obj.get("spec") or {} for obj in configurations}
    for name in ("default", f"node.{node}"):
        spec.update({key: value for key, value in by_name.get(name, {}).items() if value is not None})
    standard = Limits()
    return Settings(
        directory=str(spec.get("captureDir") or default_directory),
        limits=Limits(
            max_size_bytes=_at_least_one(spec.get("captureMaxSizeBytes"), standard.max_size_bytes),
            rotation_s=_at_least_one(spec.get("captureRotationSeconds"), standard.rotation_s),
            max_files=_at_least_one(spec.get("captureMaxFiles"), standard.max_files),
        ),
    )


def _at_least_one(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else default
