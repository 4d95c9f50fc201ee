"""How does kubectl reach the embedded API? By the kubeconfig of an identity."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kodkod.folders import data_folder

app = typer.Typer(add_completion=False)

ADMINISTRATOR = "admin"


@app.command()
def kubeconfig(
    user: Annotated[str, typer.Option("--user", help="Identity: admin, viewer, …")] = ADMINISTRATOR,
    show: Annotated[bool, typer.Option("--show", help="Print the content, not the path.")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")] = None,
) -> None:
    """Print the path of a kubeconfig: export KUBECONFIG=$(kodkod kubeconfig)."""
    folder = data_folder(data)
    path = folder / "kubeconfig" if user == ADMINISTRATOR else folder / "run" / f"{user}.kubeconfig"
    try:
        content = path.read_text()
    except FileNotFoundError:
        print(f"error: no kubeconfig for {user!r} in {folder}", file=sys.stderr)
        known = sorted(file.stem for file in (folder / "run").glob("*.kubeconfig"))
        print("hint: " + (f"known: admin, {', '.join(known)}" if known else "kodkod up makes it"), file=sys.stderr)
        raise typer.Exit(2) from None
    except PermissionError:
        print(f"error: {path} may be read by its owner only", file=sys.stderr)
        raise typer.Exit(3) from None
    print(content if show else path, end="" if show else "\n")
