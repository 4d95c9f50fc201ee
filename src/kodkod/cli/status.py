"""How does it go? What server, agent and inspector were last seen to do, and what is wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kodkod.cli.observed import Observed, observe
from kodkod.clock import SystemClock
from kodkod.folders import data_folder
from kodkod.inspection import bounds

app = typer.Typer(add_completion=False)

DEGRADED, NOT_RUNNING = 1, 3


@app.command()
def status(
    output: Annotated[Literal["table", "json"], typer.Option("-o", "--output", help="table or json.")] = "table",
    data: Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")] = None,
) -> None:
    """Show what is observed. Exit 0 healthy, 1 degraded (with reasons), 3 not running."""
    found = asyncio.run(observe(data_folder(data), SystemClock().now()))
    if output == "json":
        print(json.dumps(found.as_dict(), indent=1))
    else:
        show(found)
    if not found.running:
        raise typer.Exit(NOT_RUNNING)
    if found.reasons:
        raise typer.Exit(DEGRADED)


def show(found: Observed) -> None:
    if not found.running:
        print("not running" + (f": {found.reasons[0]}" if found.reasons else ""))
        return
    print(f"server     {found.listen or 'answers'}")
    for process in found.as_dict()["processes"]:
        print(f"{process['role']:<10} {process['node']}  {line_of(process)}")
    for capture in found.captures:
        print(f"capture    {place(capture)}  {states(capture)}")
    for inspection in found.inspections:
        nodes = (inspection.get("status") or {}).get("nodes") or []
        active = sum(bool((node.get("active") or {}).get("success")) for node in nodes)
        print(f"inspection {place(inspection)}  active on {active} of {len(nodes)} nodes")
    for reason in found.reasons:
        print(f"degraded:  {reason}")
    print("degraded" if found.reasons else "healthy")


def line_of(process: dict[str, Any]) -> str:
    parts = ["ready" if process.get("ready") else "not ready", f"{process.get('endpoints', 0)} endpoints"]
    parts.append(f"{process.get('packets', 0)} packets")
    if drops := process.get("drops"):
        parts.append("drops " + ", ".join(f"{reason} {count}" for reason, count in sorted(drops.items())))
    if rules := process.get("rules"):
        parts.append(f"rules {rules['full']} full, {rules['degraded']} degraded, {rules['skipped']} skipped")
    if engine := process.get("engine"):
        parts.append(f"within {bounds.described(engine)}")
    if disk := process.get("disk"):
        parts.append(f"captures {disk['captureBytes'] / 1e6:.1f} of {disk['budgetBytes'] / 1e6:.0f} MB")
    return ", ".join(parts)


def states(capture: dict[str, Any]) -> str:
    files = (capture.get("status") or {}).get("files") or []
    return ", ".join(f"{entry['node']}: {entry['state']}" for entry in files) or "no node selected"


def place(obj: dict[str, Any]) -> str:
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
