"""How are the two processes of a node started: by the supervisor of one host, or as pods of a cluster?"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Literal

import typer

from kodkod import telemetry
from kodkod.agent.app import AgentConfig, InCluster, OneHost, run
from kodkod.cli.processes import Data, address, drive
from kodkod.folders import data_folder

agent = typer.Typer(add_completion=False)
inspector = typer.Typer(add_completion=False)

Kubeconfig = Annotated[Path | None, typer.Option("--kubeconfig", help="How to reach the API, and as whom.")]
Node = Annotated[str, typer.Option("--node", help="Name of this node.", envvar="KODKOD_NODE")]
Inside = Annotated[bool, typer.Option("--in-cluster", help="Run as a pod: API and identity are those of the pod.")]
Server = Annotated[str, typer.Option("--server", help="URL of Kodkod's server, with --in-cluster.")]
RunFolder = Annotated[Path | None, typer.Option("--run-dir", help="Folder that holds the file `ready` while it is so.")]
Metrics = Annotated[str, typer.Option("--metrics-listen", help="HOST:PORT or :PORT to serve /metrics on.")]
Rules = Annotated[
    list[Path] | None, typer.Option("--rules-dir", help="A folder of rule files more, such as a mounted volume.")
]


@agent.command()
def run_agent(
    data: Data = None,
    kubeconfig: Kubeconfig = None,
    node: Node = "",
    in_cluster: Inside = False,
    server: Server = "",
    run_dir: RunFolder = None,
    metrics_listen: Metrics = "",
) -> None:
    """Run a node's agent: captures, flow and DNS logs. Needs the right to open packet sockets."""
    place = place_of("agent", data, kubeconfig, in_cluster, server)
    start(AgentConfig("agent", data_folder(data), name_of(node), place, run_dir, metrics_at(metrics_listen)))


@inspector.command()
def run_inspector(
    data: Data = None,
    kubeconfig: Kubeconfig = None,
    node: Node = "",
    in_cluster: Inside = False,
    server: Server = "",
    run_dir: RunFolder = None,
    metrics_listen: Metrics = "",
    rules_dir: Rules = None,
) -> None:
    """Run a node's inspector: packets of selected workloads against rules."""
    place = place_of("inspector", data, kubeconfig, in_cluster, server)
    metrics, folders = metrics_at(metrics_listen), tuple(rules_dir or ())
    start(AgentConfig("inspector", data_folder(data), name_of(node), place, run_dir, metrics, folders))


def start(config: AgentConfig) -> None:
    telemetry.set_up()
    drive(run(config))


def place_of(
    role: Literal["agent", "inspector"], data: Path | None, kubeconfig: Path | None, in_cluster: bool, server: str
) -> OneHost | InCluster:
    if not in_cluster:
        return OneHost(kubeconfig or data_folder(data) / "run" / f"{role}.kubeconfig")
    namespace, node_address = os.environ.get("POD_NAMESPACE", ""), os.environ.get("KODKOD_NODE_IP", "")
    missing = [
        name
        for name, value in (("--server", server), ("POD_NAMESPACE", namespace), ("KODKOD_NODE_IP", node_address))
        if not value
    ]
    if missing:
        typer.echo(f"error: --in-cluster also needs {', '.join(missing)}", err=True)
        raise typer.Exit(2)
    return InCluster(server=server, namespace=namespace, address=node_address)


def name_of(node: str) -> str:
    return node or socket.gethostname()


def metrics_at(listen: str) -> tuple[str, int] | None:
    return address(listen) if listen else None
