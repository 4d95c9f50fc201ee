"""What came of one case?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Result:
    """`detail` says what differed, or why the case was skipped."""

    case: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)
