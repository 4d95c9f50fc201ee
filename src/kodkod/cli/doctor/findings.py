"""What did one check find? A line: how it stands, what is so, and the cure where something is to mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem", "unknown"]
"""ok: as it should be. note: better known, but nothing to mend. problem: to mend. unknown: could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """check: a word such as `kernel`. cure: what to do, with the command where there is one."""

    check: str
    state: State
    says: str
    cure: str = ""

    def line(self, width: int) -> str:
        cure = f"; cure: {self.cure}" if self.cure else ""
        return f"{self.state:<8} {self.check:<{width}}  {self.says}{cure}"


def ok(check: str, says: str) -> Finding:
    return Finding(check, "ok", says)


def note(check: str, says: str, cure: str = "") -> Finding:
    return Finding(check, "note", says, cure)


def problem(check: str, says: str, cure: str) -> Finding:
    return Finding(check, "problem", says, cure)


def unknown(check: str, says: str, cure: str = "") -> Finding:
    return Finding(check, "unknown", says, cure)
