"""What can keep a lab from standing? One tree.

LabError
├── NotAllowed       no right to make namespaces (run as root)
├── MissingProgram   a program of the host is not installed
├── NoFreeNetwork    every address range of ours is in use on this host
├── AnotherLab       another data folder's lab stands on this host
├── ServerAway       the API does not answer
├── TooSlow          a pod did not come to life in time: the host has too much to do
└── CommandFailed    a program of the host refused; its own words are in the text
"""

from __future__ import annotations

from collections.abc import Iterable


class LabError(Exception):
    """hint: what the operator can do; retry: whether waiting may help."""

    hint = ""
    retry = False


class NotAllowed(LabError):
    hint = "run as root: the lab makes network, mount and PID namespaces"


class MissingProgram(LabError):
    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"the lab needs the program {program!r}, which is not installed")
        self.hint = f"apt-get install {package}"


class NoFreeNetwork(LabError):
    hint = "free one of these ranges, or run the lab on another host"

    def __init__(self, candidates: Iterable[object]) -> None:
        super().__init__(f"every address range of the lab is routed already: {', '.join(map(str, candidates))}")


class AnotherLab(LabError):
    def __init__(self, owner: str) -> None:
        super().__init__(f"another lab stands on this host, of data folder {owner}")
        self.hint = f"kodkod lab down --data {owner}"


class ServerAway(LabError):
    hint = "start the server first: kodkod up --detach"
    retry = True


class TooSlow(LabError):
    hint = "end something else on this host, or try again"
    retry = True

    def __init__(self, pod: str, within_s: float) -> None:
        super().__init__(f"pod {pod} was not ready after {within_s:.0f} s")


class CommandFailed(LabError):
    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(f"{command} ended with {code}: {said.strip() or 'no message'}")


class ExecRefused(LabError):
    """The text is for the caller of `kubectl exec`."""


class ExecNotAllowed(ExecRefused):
    hint = "kodkod lab up"


class NoSuchPod(ExecRefused):
    retry = True


class NoSuchContainer(ExecRefused):
    pass
