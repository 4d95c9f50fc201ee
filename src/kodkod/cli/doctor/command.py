"""`kodkod doctor`: one line a check, exit 1 when something is to mend."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from kodkod.cli.doctor import cluster, host
from kodkod.cli.doctor.findings import Finding
from kodkod.cli.doctor.reading import Kubectl, Reader, Unreachable, as_this_pod
from kodkod.clock import SystemClock
from kodkod.folders import data_folder

app = typer.Typer(add_completion=False)

TO_MEND, NOT_REACHABLE = 1, 3


@app.command()
def doctor(
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder of this host (default: KODKOD_DATA).")
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option("--kubeconfig", help="Look at this cluster, by kubectl.")] = None,
    context: Annotated[str, typer.Option("--context", help="Which of the kubeconfig's contexts.")] = "",
    in_cluster: Annotated[bool, typer.Option("--in-cluster", help="Look at the cluster this pod runs in.")] = False,
    output: Annotated[Literal["table", "json"], typer.Option("-o", "--output", help="table or json.")] = "table",
) -> None:
    """Look for what keeps Kodkod from working. Exit 0 all well, 1 something to mend, 3 cluster not reachable."""
    try:
        found = list(look(data, kubeconfig, context, in_cluster))
    except Unreachable as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(NOT_REACHABLE) from error
    if output == "json":
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
    else:
        show(found)
    if any(one.state == "problem" for one in found):
        raise typer.Exit(TO_MEND)


def look(data: Path | None, kubeconfig: Path | None, context: str, in_cluster: bool) -> Iterable[Finding]:
    reader: Reader
    if in_cluster:
        reader = as_this_pod()
    elif kubeconfig is not None or context:
        reader = Kubectl(kubeconfig, context)
    else:
        return host.findings(data_folder(data), SystemClock().now())
    return cluster.findings(reader)


def show(found: list[Finding]) -> None:
    width = max((len(one.check) for one in found), default=0)
    for one in found:
        print(one.line(width))
    count = sum(one.state == "problem" for one in found)
    print("all well" if not count else f"{count} to mend")
    if os.environ.get("KUBECONFIG") and not any(one.check == "kubernetes" for one in found):
        typer.echo("hint: kodkod doctor --kubeconfig $KUBECONFIG looks at that cluster", err=True)
