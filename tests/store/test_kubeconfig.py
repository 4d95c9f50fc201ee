"""A kubeconfig says where the API is and who one is to it; a broken one is refused by its part."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kodkod.server.certificates import authority, signed
from kodkod.store import kubeconfig
from kodkod.store.kubeconfig import KubeconfigError

GOOD = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: one, user: admin}}]
clusters: [{name: one, cluster: {server: "https://127.0.0.1:9443/", certificate-authority: ca.pem}}]
users: [{name: admin, user: {tokenFile: token}}]
"""


def test_reads_the_current_context_with_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(GOOD)
    (tmp_path / "ca.pem").write_text("CERTIFICATES")
    (tmp_path / "token").write_text("secret\n")

    found = kubeconfig.load(tmp_path / "config")

    assert found.server == "https://127.0.0.1:9443"
    assert found.token == "secret"
    assert found.authority == "CERTIFICATES"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("- a list", "not a kubeconfig", id="not a mapping"),
        pytest.param("{", "cannot be read", id="not YAML"),
        pytest.param(GOOD.replace("current-context: here", "current-context: there"), "contexts", id="no such context"),
        pytest.param(GOOD.replace("user: admin}", "user: nobody}"), "users", id="no such user"),
        pytest.param(GOOD.replace("server:", "sever:"), "no server", id="no server"),
    ],
)
def test_names_the_part_that_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "config").write_text(text)

    with pytest.raises(KubeconfigError, match=named):
        kubeconfig.load(tmp_path / "config")


def test_a_client_certificate_and_its_key_are_an_identity(tmp_path: Path) -> None:
    ours = authority(datetime.now(UTC))
    certificate, key = signed(ours, "admin", datetime.now(UTC), is_server=False)
    (tmp_path / "key.pem").write_bytes(key)
    encoded = base64.b64encode(certificate).decode()
    user = f"client-certificate-data: {encoded}, client-key: key.pem"
    (tmp_path / "config").write_text(GOOD.replace("tokenFile: token", user).replace("ca.pem", "none"))
    with pytest.raises(KubeconfigError, match="certificate-authority"):
        kubeconfig.load(tmp_path / "config")
    (tmp_path / "none").write_bytes(ours[0])

    found = kubeconfig.load(tmp_path / "config")

    assert found.token == ""
    assert key.decode() in found.certificate and key.decode() not in repr(found)
    found.ssl_context()


def test_a_program_may_tell_the_token(tmp_path: Path) -> None:
    told = """{\\"status\\": {\\"token\\": \\"$MARK\\"}}"""
    script = tmp_path / "login"
    script.write_text(f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" | grep -q ExecCredential && echo "{told}"\n')
    script.chmod(0o755)
    (tmp_path / "ca.pem").write_text("CERTIFICATES")
    asked = f"exec: {{command: {script}, env: [{{name: MARK, value: t0ken}}]}}"
    (tmp_path / "config").write_text(GOOD.replace("tokenFile: token", asked))
    assert kubeconfig.load(tmp_path / "config").token == "t0ken"
    (tmp_path / "config").write_text(GOOD.replace("tokenFile: token", "exec: {command: /nowhere/login}"))
    with pytest.raises(KubeconfigError, match="/nowhere/login"):
        kubeconfig.load(tmp_path / "config")
