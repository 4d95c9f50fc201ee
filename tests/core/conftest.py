"""Furniture of the engine's tests: two network namespaces joined by a pair of interfaces, for real packets."""

from __future__ import annotations

import itertools
import os
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Wire:
    """`left` (10.9.0.1) in one namespace, `right` (10.9.0.2) in the other."""

    left: str
    right: str

    def run(self, namespace: str, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a Python program in a namespace, to its end."""
        command = ["ip", "netns", "exec", namespace, "python3", "-c", textwrap.dedent(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    def send_datagrams(self, port: int, first: int, count: int, *, size: int = 100) -> None:
        """Numbered datagrams from left to a port of right."""
        program = """
            import socket, sys
            port, first, count, size = map(int, sys.argv[1:])
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for number in range(first, first + count):
                s.sendto(number.to_bytes(4, "big").ljust(size, b"x"), ("10.9.0.2", port))
        """
        self.run(self.left, program, port, first, count, size)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Skips the test where we may not make namespaces."""
    name = f"kk-e4-{os.getpid()}-{next(_NUMBERS)}"
    ends = Wire(f"{name}l", f"{name}r")
    try:
        if not (_ip(f"netns add {ends.left}") and _ip(f"netns add {ends.right}")):
            pytest.skip("no right to make network namespaces")
        assert _ip(f"link add left netns {ends.left} type veth peer name right netns {ends.right}")
        for namespace, interface, host in [(ends.left, "left", 1), (ends.right, "right", 2)]:
            assert _ip(f"-n {namespace} addr add 10.9.0.{host}/24 dev {interface}")
            assert _ip(f"-n {namespace} link set {interface} up")
            assert _ip(f"-n {namespace} link set lo up")
        yield ends
    finally:
        _ip(f"netns del {ends.left}")
        _ip(f"netns del {ends.right}")


def _ip(arguments: str) -> bool:
    return subprocess.run(["ip", *arguments.split()], capture_output=True, check=False).returncode == 0
