"""Does the embedded API serve the real kubectl? The scenarios of the corpora, with the machine's kubectl and Debian's.

Debian's 1.20 is unpacked into a folder of its own, never installed: its package would replace the one on the machine.
Where our design differs from the prototype the scenarios were written for, `ADAPTED` says so; the intent stays.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.verify.result import Result
from kodkod.testing.scenarios import Kubectl, Scenario, kubectl_at, machines_kubectl, playground

FILE = "conformance/kubectl_scenarios.py"
UNPACKED = Path(__file__).parent.parent / "data" / "kubectl-debian"

# A query may name only fields of its data set; the preamble's `x=1` is refused on purpose.
PREAMBLE = ('query: "x=1"', 'query: "qname=example"')

# The printed columns are ours: the folded state, then how much there is; the selector in `-o wide`.
ADAPTED = {
    "get Table columns": (
        "NAME +STATE +SELECTOR +AGE",
        "NAME +STATE +NODES +FILES +BYTES +AGE",
    ),
}


def run(root: Path) -> list[Result]:
    """Every scenario with every kubectl there is; the two run side by side, each against a server of its own."""
    if not (root / FILE).exists():
        return [Result("kubectl scenarios", "skipped", f"{FILE} is not among the corpora")]
    preamble, scenarios = load(root)
    programs = [program for program in (machines_kubectl(), debians_kubectl()) if program is not None]
    if not programs:
        return [Result("kubectl scenarios", "skipped", "there is no kubectl on this machine")]
    newest = max(programs, key=lambda program: tuple(map(int, program.version.split("."))))
    with ThreadPoolExecutor(len(programs)) as threads:
        results = threads.map(lambda program: judged(program, newest, preamble, scenarios), programs)
        return [result for of_one in results for result in of_one]


def load(root: Path) -> tuple[str, list[Scenario]]:
    """The preamble and the scenarios, adapted."""
    spec = importlib.util.spec_from_file_location("kubectl_scenarios", root / FILE)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PRE.replace(*PREAMBLE), [Scenario(name, adapted(name, script)) for name, script in module.S]


def adapted(name: str, script: str) -> str:
    theirs, ours = ADAPTED.get(name, ("", ""))
    return script.replace(theirs, ours) if theirs else script


def judged(kubectl: Kubectl, newest: Kubectl, preamble: str, scenarios: list[Scenario]) -> list[Result]:
    results = []
    with tempfile.TemporaryDirectory(prefix="kodkod-kubectl-") as folder, playground(Path(folder)) as ground:
        for scenario in scenarios:
            outcome = ground.run(kubectl, scenario, preamble, newest)
            case = f"{kubectl.version}: {scenario.name}"
            detail = f"does not apply to {kubectl.version}" if outcome.result == "skipped" else outcome.said
            results.append(Result(case, outcome.result, detail))
            if outcome.result == "failed":
                print(f"  failed {case}\n    {outcome.said[-600:].strip()}", flush=True)
    counts = {kind: sum(result.outcome == kind for result in results) for kind in ("passed", "failed", "skipped")}
    print(f"  kubectl {kubectl.version}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()), flush=True)
    return results


def debians_kubectl() -> Kubectl | None:
    """Debian's kubernetes-client, fetched and unpacked once; None where that cannot be done."""
    program = UNPACKED / "usr/bin/kubectl"
    if not program.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            print("  Debian's kubectl skipped: no apt-get here")
            return None
        with tempfile.TemporaryDirectory() as folder:
            fetched = subprocess.run(
                ["apt-get", "download", "kubernetes-client"], cwd=folder, capture_output=True, check=False
            )
            packages = list(Path(folder).glob("*.deb"))
            if fetched.returncode != 0 or not packages:
                print("  Debian's kubectl skipped: apt-get download kubernetes-client failed")
                return None
            UNPACKED.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(UNPACKED)], check=True)
    return kubectl_at(str(program))
