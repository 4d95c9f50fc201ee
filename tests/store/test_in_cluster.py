"""The service account of a pod: found, renewed, missing."""

from pathlib import Path

import pytest

from kodkod.store.in_cluster import NotInCluster, TokenFile, load

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    for name, content in (("token", "first\n"), ("ca.crt", "PEM"), ("namespace", "kodkod-system")):
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_pod_knows_its_cluster(account: Path) -> None:
    found = load(POD, account)
    assert (found.server, found.namespace, found.token()) == ("https://10.96.0.1:443", "kodkod-system", "first")


def test_an_address_of_version_six_is_bracketed(account: Path) -> None:
    assert load({**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account).server == "https://[fd00::1]:443"


def test_a_renewed_token_is_used_at_once_and_one_that_is_away_is_remembered(account: Path) -> None:
    token = TokenFile(account / "token")
    assert token() == "first"
    renewed = account / "token.new"
    renewed.write_text("second")
    renewed.replace(account / "token")
    assert token() == "second"
    (account / "token").unlink()
    assert token() == "second"


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
def test_what_is_missing_is_named(account: Path, missing: str) -> None:
    (account / missing).unlink()
    with pytest.raises(NotInCluster, match=missing):
        load(POD, account)


def test_outside_a_pod_there_is_none(account: Path) -> None:
    with pytest.raises(NotInCluster, match="no pod"):
        load({}, account)
