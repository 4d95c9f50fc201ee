"""The 86 scenarios of the corpora with this machine's kubectl. `make verify SUITES=kubectl` adds Debian's 1.20."""

import os
from pathlib import Path

import pytest
from bench.verify import kubectl as suite

from kodkod.testing.scenarios import Kubectl, Playground, Scenario

pytestmark = [pytest.mark.kubectl, pytest.mark.corpora]

CORPORA = Path(os.environ.get("KODKOD_CORPORA", "unset"))
PREAMBLE, SCENARIOS = suite.load(CORPORA) if (CORPORA / suite.FILE).exists() else ("", [])


@pytest.mark.skipif(not SCENARIOS, reason="KODKOD_CORPORA has no kubectl scenarios")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(ground: Playground, kubectl: Kubectl, scenario: Scenario) -> None:
    outcome = ground.run(kubectl, scenario, PREAMBLE)
    if outcome.result == "skipped":
        pytest.skip(f"does not apply to kubectl {kubectl.version}")
    assert outcome.result == "passed", outcome.said
