"""What does `kodkod up` do where it cannot listen? Says so at once, starts nothing, leaves nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from kodkod.cli.up import refuse_taken


def test_a_port_of_somebody_else_is_told_with_a_cure(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "kodkod.cli.app", "up", "--data", str(data), "--listen", listen, "--detach"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: cannot listen on {listen}: Address already in use\nhint: choose another one with --listen HOST:PORT\n"
    )
    assert not (data / "run/up.log").exists()


def test_an_address_of_nobody_here_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        refuse_taken("192.0.2.1", 9443)
    assert "cannot listen on 192.0.2.1:9443" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_free_port_is_left_free(host: str) -> None:
    refuse_taken(host, 0)
