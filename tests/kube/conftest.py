"""A playground server for the whole folder, and the kubectl of this machine."""

from collections.abc import Iterator

import pytest

from kodkod.testing.scenarios import Kubectl, Playground, machines_kubectl, playground


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    found = machines_kubectl()
    if found is None:
        pytest.skip("there is no kubectl on this machine")
    return found


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    with playground(tmp_path_factory.mktemp("kubectl")) as running:
        yield running
