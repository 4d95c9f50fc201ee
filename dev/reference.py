"""What is there to refer to? Writes `docs/reference/` from the code: kinds and log fields.

    .venv/bin/python dev/reference.py            write the pages
    .venv/bin/python dev/reference.py --check    exit 1 where a page is not what the code says

Pages are golden files: a change of a kind shows up in the diff of its page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kodkod.logs import datasets
from kodkod.resources import kinds
from kodkod.resources.kinds.kind import Kind
from kodkod.resources.schema import structural

FOLDER = Path(__file__).resolve().parent.parent / "docs/reference"


def main() -> int:
    stale = []
    for name, text in pages().items():
        path = FOLDER / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    for name in stale:
        print(f"docs/reference/{name} is not what the code says\nhint: .venv/bin/python dev/reference.py")
    return 1 if stale else 0


def pages() -> dict[str, str]:
    return {"kinds.md": "\n".join(kinds_page()), "log-fields.md": "\n".join(fields_page())}


def kinds_page() -> Iterator[str]:
    yield "# Kinds"
    yield ""
    yield "Generated from `src/kodkod/resources/kinds/`. `kubectl explain` says the same. Core kinds are listed last."
    for kind in kinds.ALL:
        if kind.model is not None:
            yield from kind_section(kind)
    yield ""
    yield "## Core kinds"
    yield ""
    yield "Served so that stock clients work; written by the server, the agents and the lab only."
    yield ""
    for kind in kinds.ALL:
        if kind.model is None:
            yield f"- `{kind.kind}` ({kind.api_version}): {one_line(kind.description)}"
    yield ""


def kind_section(kind: Kind) -> Iterator[str]:
    schema = structural(kind) or {}
    yield ""
    yield f"## {kind.kind}"
    yield ""
    yield one_line(schema.get("description", kind.description))
    yield ""
    yield f"- Group and version: `{kind.api_version}`" + "".join(f", `{other}`" for other in kind.also)
    scope = "namespace" if kind.namespaced else "cluster"
    short = f"; short: `{'`, `'.join(kind.short_names)}`" if kind.short_names else ""
    yield f"- Name in `kubectl`: `{kind.plural}`{short}; scope: {scope}"
    if kind.columns:
        yield f"- Columns: {', '.join(f'`{column.name}`' for column in kind.columns)}"
    yield ""
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    yield from rows(schema, "")


def rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        items = child.get("items", {})
        is_list = child.get("type") == "array"
        shown = f"`{here}{'[]' if is_list else ''}`{' (required)' if name in required else ''}"
        yield f"| {shown} | {type_of(child)} | {default_of(child)} | {meaning(child)} |"
        yield from rows(items if is_list else child, f"{here}[]" if is_list else here)


def type_of(schema: dict[str, Any]) -> str:
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return str(schema.get("format") or schema.get("type") or "any")


def default_of(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, {}, []) else f"`{default}`"


def meaning(schema: dict[str, Any]) -> str:
    return one_line(schema.get("description", "")).replace("|", "\\|")


def one_line(text: str) -> str:
    return " ".join(text.split())


def fields_page() -> Iterator[str]:
    yield "# Log fields"
    yield ""
    yield "Generated from `src/kodkod/logs/datasets/`. These are the keys of the query language, one table a dataset."
    for dataset in datasets.ALL.values():
        yield ""
        yield f"## {dataset.name}"
        yield ""
        yield "| field | class | values |"
        yield "|---|---|---|"
        for field in dataset.fields:
            values = ", ".join(f"`{value}`" for value in field.values)
            yield f"| `{field.name}` | {field.kind.value}{', several' if field.many else ''} | {values} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
