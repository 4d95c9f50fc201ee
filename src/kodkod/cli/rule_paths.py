"""Which rule texts do these paths name? A folder means every `*.rules` below it, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".rules"
CLASSIFICATION = "classification.config"


class UnreadableRulesError(Exception):
    """A path cannot be read or holds no rules; the move is of whoever typed it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """What the engine's compiler takes: texts by the name receipts show, and the classes they refer to."""

    sources: tuple[tuple[str, bytes], ...]
    classification: bytes | None


def read(paths: Iterable[Path]) -> RuleTexts:
    """Read files and folders. Raises UnreadableRulesError at the first path that gives nothing."""
    sources: list[tuple[str, bytes]] = []
    classes: list[bytes] = []
    for path in paths:
        files = _files(path)
        sources += [(str(file), _bytes(file)) for file in files if file.name != CLASSIFICATION]
        classes += [_bytes(file) for file in files if file.name == CLASSIFICATION]
    return RuleTexts(tuple(sources), b"\n".join(classes) or None)


def starter() -> RuleTexts:
    """The set shipped with Kodkod."""
    from importlib.resources import files

    folder = files("kodkod.inspection") / "rules"
    return RuleTexts((("starter.rules", (folder / "starter.rules").read_bytes()),), None)


def variables(assignments: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` as typed; a `$` before the name is allowed. Raises ValueError for anything else."""
    pairs = [assignment.partition("=") for assignment in assignments]
    if wrong := [name for name, equals, _ in pairs if not equals or not name.lstrip("$")]:
        raise ValueError(f"{wrong[0]!r} is not NAME=VALUE")
    return {name.lstrip("$"): value for name, _, value in pairs}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix == SUFFIX or file.name == CLASSIFICATION)
    if not any(file.suffix == SUFFIX for file in found):
        raise UnreadableRulesError(path, f"no *{SUFFIX} file in this folder")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableRulesError(path, error.strerror or str(error)) from error
