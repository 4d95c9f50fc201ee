"""Which words are commands? The table of them, each imported when it is typed.

A command's module offers `app`, a `typer.Typer` with one command or several, or `main`, a function of its arguments
that returns the exit code. Invoked under the name `calicoctl`, the program is the product-compatible client instead.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("kodkod.cli.up", "Start server, agent and inspector on this host."),
    "down": ("kodkod.cli.down", "Stop what `kodkod up` started."),
    "status": ("kodkod.cli.status", "What is observed: processes, captures, inspections, drops, disk."),
    "kubeconfig": ("kodkod.cli.kubeconfig", "Path or content of a kubeconfig for the embedded API."),
    "demo": ("kodkod.cli.demo", "The workshop, command by command, on real packets."),
    "lab": ("kodkod.lab.commands", "The practice cluster: pods in network namespaces."),
    "captured-packets": ("kodkod.capture.commands:main", "Copy or clean the files of a packet capture."),
    "scan": ("kodkod.cli.scan:main", "Judge capture files with rules; no server needed."),
    "rules": ("kodkod.cli.rules", "Check, install and list rule sets."),
    "doctor": ("kodkod.cli.doctor.command", "What keeps Kodkod from working here, and the cure."),
    "server": ("kodkod.cli.processes:server", "The control plane: API, controllers, ingest, console."),
    "face": ("kodkod.cli.processes:face", "projectcalico.org/v3 in a cluster: the API face over the CRDs."),
    "agent": ("kodkod.cli.node_roles:agent", "A node's agent: captures, flow and DNS logs."),
    "inspector": ("kodkod.cli.node_roles:inspector", "A node's inspector: packets against rules."),
}
USAGE = 2


def main() -> None:
    """Entry point of `kodkod` (and of `calicoctl`)."""
    if Path(sys.argv[0]).name == "calicoctl":
        from kodkod.capture.calicoctl import main as calicoctl

        sys.exit(calicoctl(sys.argv[1:]))
    word, *rest = sys.argv[1:] or ["--help"]
    if word in {"-h", "--help", "help"}:
        print(overview())
    elif word == "--version":
        from kodkod import __version__

        print(f"kodkod {__version__}")
    elif word in COMMANDS:
        run(word, rest)
    else:
        sys.exit(unknown(word))


def run(word: str, arguments: list[str]) -> None:
    """Import one command and hand it its arguments. Exits with the command's code."""
    module_name, _, attribute = COMMANDS[word][0].partition(":")
    entry = getattr(importlib.import_module(module_name), attribute or "app")
    if attribute == "main":
        # A command that has to start fast reads its arguments itself.
        sys.exit(entry(arguments))
    import typer

    app: typer.Typer = entry
    typer.main.get_command(app)(args=arguments, prog_name=f"kodkod {word}")


def overview() -> str:
    width = max(map(len, COMMANDS))
    rows = (f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
    return "\n".join(
        [
            "Usage: kodkod COMMAND [OPTIONS]",
            "",
            "Packet capture, deep packet inspection and security alerts for workloads, driven by kubectl.",
            "",
            "Commands:",
            *rows,
            "",
            "`kodkod COMMAND --help` explains one.",
            "Exit codes: 0 done, 1 no or partial, 2 usage, 3 not reachable or allowed.",
        ]
    )


def unknown(word: str) -> int:
    print(f"error: no command {word!r}", file=sys.stderr)
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    print(f"hint: did you mean {close[0]!r}?" if close else "hint: kodkod --help lists the commands", file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    main()
