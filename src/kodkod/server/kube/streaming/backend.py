"""Who can run a command inside a pod? The seam between the exec wires and whatever holds the pods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ExecError(Exception):
    """Root of this room's refusals; the text is for the caller of `kubectl exec`.

    ExecError
    ├── ExecUnavailable    nothing here runs commands (no lab, or the lab does not allow it)
    ├── PodNotFound        no such pod runs here
    └── ContainerNotFound  the pod has no such container
    """


class ExecUnavailable(ExecError):
    """The operator's move: start the lab, or allow exec in it."""


class PodNotFound(ExecError):
    """The caller's move: another name; a pod that is starting is worth a retry."""


class ContainerNotFound(ExecError):
    """The caller's move: another `-c`."""


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """What `kubectl exec` asked: the query of the request, parsed.

    container: None where the caller named none (the pod's first one then).
    """

    namespace: str
    pod: str
    container: str | None
    command: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


class Process(Protocol):
    """One running command. Each method is used by one task at a time; `kill` and `resize` by any."""

    async def read_stdout(self) -> bytes:
        """The next bytes, b"" at the end. With a tty this is all the terminal shows."""
        ...

    async def read_stderr(self) -> bytes:
        """The next bytes, b"" at the end (at once with a tty)."""
        ...

    async def write_stdin(self, data: bytes) -> None:
        """Hand bytes over, waiting while the process does not take them; dropped once it has closed its input."""
        ...

    async def close_stdin(self) -> None:
        """Half close: the process reads end of file. Without effect on a tty."""
        ...

    def resize(self, *, columns: int, rows: int) -> None:
        """Tell a tty its window size; without a tty nothing happens."""
        ...

    async def wait(self) -> int:
        """The exit code; 128 + N for a process that signal N ended."""
        ...

    def kill(self) -> None:
        """End the process and what it started. Harmless when it has ended."""
        ...


class ExecBackend(Protocol):
    """Whatever holds the pods."""

    async def start(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Process:
        """Start a command in a pod, as the pod's own user, in all of the pod's namespaces.

        stdin: False gives the process an input that is at its end.

        Raises one of `ExecError`'s children.
        """
        ...
