"""The stairs that import-linter cannot see: the engine is a compiled module, which its import graph leaves out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kodkod

PACKAGE = Path(kodkod.__file__).parent
WITHOUT_ENGINE = ["server", "alerting", "logs", "resources", "events", "access", "store"]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", WITHOUT_ENGINE)
def test_rooms_of_the_control_plane_do_not_touch_the_engine(room: str) -> None:
    offenders = [path for path in (PACKAGE / room).rglob("*.py") if "kodkod._core" in set(imports(path))]
    assert offenders == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_every_room_says_which_question_it_answers(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{path.relative_to(PACKAGE)} has no docstring"
