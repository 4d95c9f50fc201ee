#!/usr/bin/env python3
"""The command line client of captures as one file: needs Python 3 and nothing else.

    calicoctl version
    calicoctl captured-packets copy  NAME [-n NAMESPACE | -a] [-d FOLDER]
    calicoctl captured-packets clean NAME [-n NAMESPACE | -a]

Reads the kubeconfig named by --config or KUBECONFIG (or ~/.kube/config) and needs the right get or delete on
packetcaptures/files there. Exit status: 0 done, 1 something failed or nothing was found, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

VERSION = "v0.1.0"
DONE, FAILED, USAGE = 0, 1, 2
TIMEOUT_S = 60
ATTEMPTS = 6
"""A file whose connection or node breaks is taken up again this often, with growing pauses: some fifteen seconds."""
CHUNK_BYTES = 256 * 1024
PARTIAL, NOT_FOUND = 206, 404
GROUP = "/apis/projectcalico.org/v3"
FILES = "packetcaptures/files"
SERVED_BY = {
    "packetcaptures": (GROUP, "/apis/crd.projectcalico.org/v1"),
    FILES: (GROUP, "/apis/data.kodkod.dev/v1"),
}
"""Where somebody else serves projectcalico.org/v3, the others stand in."""
KEY = re.compile(r"""\s*[\w."'-]+:(\s|$)""")
"""The beginning of a mapping's line; `arn:aws:…` is a plain value."""


class Failure(Exception):
    """Something that the person who asked should read. code: the server's, where it said something."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    parser = parser_of()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return USAGE
    try:
        if options.command == "version":
            return show_version(options)
        return captured_packets(options)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return FAILED


def parser_of() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-c", "--config", default=None, help="kubeconfig (default: KUBECONFIG, ~/.kube/config)")
    common.add_argument("--context", default=None, help="context of the kubeconfig")
    common.add_argument("-l", "--log-level", default=None, help="accepted for compatibility")
    common.add_argument("--allow-version-mismatch", action="store_true", help="accepted for compatibility")
    parser = argparse.ArgumentParser(prog="calicoctl", description=str(__doc__).split("\n")[0])
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("version", parents=[common], help="versions of client and cluster")
    packets = commands.add_parser("captured-packets", parents=[common], help="copy or clean the files of a capture")
    packets.add_argument("action", choices=["copy", "clean"])
    packets.add_argument("name", metavar="NAME", help="name of the PacketCapture")
    place = packets.add_mutually_exclusive_group()
    place.add_argument("-n", "--namespace", default="default", help="namespace of the capture (default: default)")
    place.add_argument("-a", "--all-namespaces", action="store_true", help="captures of this name everywhere")
    packets.add_argument("-d", "--dest", "--destination", default=".", help="destination folder of copy (default: .)")
    return parser


def show_version(options: argparse.Namespace) -> int:
    print(f"Client Version:    {VERSION}")
    try:
        cluster = Cluster.of(options)
        information = json.loads(cluster.ask(f"{GROUP}/clusterinformations/default"))
    except Failure as failure:
        print(f"Cluster not reached: {failure}", file=sys.stderr)
        return DONE
    print(f"Cluster Calico Enterprise Version: {information['spec'].get('cnxVersion', 'unknown')}")
    return DONE


def captured_packets(options: argparse.Namespace) -> int:
    cluster = Cluster.of(options)
    namespaces = [options.namespace]
    if options.all_namespaces:
        namespaces = namespaces_of(cluster, options.name)
        if not namespaces:
            raise Failure(f"no capture named {options.name} and no file of one in any namespace")
    failures = 0
    for namespace in namespaces:
        try:
            if options.action == "copy":
                prefix = f"{namespace}_" if len(namespaces) > 1 else ""
                failures += copy(cluster, namespace, options.name, Path(options.dest), prefix)
            else:
                clean(cluster, namespace, options.name)
        except Failure as failure:
            print(f"error: {namespace}/{options.name}: {failure}", file=sys.stderr)
            failures += 1
    return FAILED if failures else DONE


def namespaces_of(cluster: Cluster, name: str) -> list[str]:
    """Namespaces with a capture of this name, or with files of one that is gone."""
    listed = json.loads(cluster.ask(f"{cluster.group_of('packetcaptures')}/packetcaptures"))["items"]
    found = {item["metadata"]["namespace"] for item in listed if item["metadata"]["name"] == name}
    left = json.loads(cluster.ask(f"{cluster.group_of(FILES)}/packetcaptures/{quote(name)}/files"))
    for node in left["unreachable"]:
        print(f"error: node {node} did not answer; files that only it has are not seen", file=sys.stderr)
    return sorted(found | {item["namespace"] for item in left["items"]})


def copy(cluster: Cluster, namespace: str, name: str, folder: Path, prefix: str) -> int:
    """Fetch the files into the folder, under their own names. Returns how many could not be had."""
    if not folder.is_dir():
        raise Failure(f"{folder} is not a folder")
    print(f"Copy capture files for {namespace}/{name} to {folder}")
    path = files_of(cluster, namespace, name)
    listed = json.loads(cluster.ask(path))
    failures = 0
    for node in listed["unreachable"]:
        print(f"error: node {node} did not answer; its files are missing", file=sys.stderr)
        failures += 1
    if not listed["items"] and not failures:
        raise Failure("no file found")
    for item, shown in named(listed["items"]):
        # Only the last part of a name is used: a server may not choose where a file lands.
        target = folder / (prefix + Path(shown).name)
        try:
            cluster.save(f"{path}/{quote(item['node'])}/{quote(item['id'])}", target)
        except Failure as failure:
            print(f"error: {item['name']} on {item['node']}: {failure}", file=sys.stderr)
            failures += 1
    return failures


def named(items: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Each file with the name it gets: its own, with the node before it where two nodes have the same."""
    names = [item["name"] for item in items]
    return [
        (item, item["name"] if names.count(item["name"]) == 1 else f"{item['node']}_{item['name']}") for item in items
    ]


def clean(cluster: Cluster, namespace: str, name: str) -> None:
    print(f"Clean capture files for {namespace}/{name}")
    cluster.ask(files_of(cluster, namespace, name), "DELETE")


def files_of(cluster: Cluster, namespace: str, name: str) -> str:
    group = cluster.group_of(FILES)
    return f"{group}/namespaces/{quote(namespace)}/packetcaptures/{quote(name)}/files"


class Cluster:
    """The server of a kubeconfig's context."""

    def __init__(self, server: str, token: str, trust: ssl.SSLContext) -> None:
        self._server = server.rstrip("/")
        self._token = token
        self._trust = trust

    @staticmethod
    def of(options: argparse.Namespace) -> Cluster:
        path = Path(options.config or os.environ.get("KUBECONFIG") or Path.home() / ".kube/config")
        try:
            document = parse(path.read_text())
        except OSError as error:
            raise Failure(f"kubeconfig {path}: {error.strerror}") from error
        context = entry_of(document, "contexts", options.context or document.get("current-context"), path)["context"]
        cluster = entry_of(document, "clusters", context.get("cluster"), path)["cluster"]
        user = entry_of(document, "users", context.get("user"), path)["user"]
        trust = ssl.create_default_context()
        try:
            if data := cluster.get("certificate-authority-data"):
                trust = ssl.create_default_context(cadata=base64.b64decode(data).decode())
            elif file := cluster.get("certificate-authority"):
                trust = ssl.create_default_context(cafile=str(path.parent / file))
        except (OSError, ValueError) as error:
            raise Failure(f"kubeconfig {path}: the certificate authority cannot be read: {error}") from error
        if not isinstance(cluster.get("server"), str):
            raise Failure(f"kubeconfig {path}: cluster {context.get('cluster')} names no server")
        return Cluster(cluster["server"], identify(user, path, trust), trust)

    def group_of(self, resource: str) -> str:
        """The first group that serves a resource here."""
        for group in SERVED_BY[resource]:
            try:
                listed = json.loads(self.ask(group))["resources"]
            except Failure as failure:
                if failure.code != NOT_FOUND:
                    raise
                continue
            if any(one["name"] == resource for one in listed):
                return group
        raise Failure(f"no API group serves {resource}: is Kodkod installed here?")

    def ask(self, path: str, method: str = "GET") -> bytes:
        """The body of an answer. Raises Failure with the server's own words."""
        try:
            with self._open(path, method) as answer:
                body: bytes = answer.read()
                return body
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from error

    def save(self, path: str, target: Path) -> None:
        """Write an answer's body to a file, in one step at its end; a broken connection is taken up where it broke."""
        partial = target.with_name(target.name + ".part")
        partial.unlink(missing_ok=True)
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._append(path, partial)
                    break
                except (OSError, http.client.HTTPException) as error:
                    if attempt == ATTEMPTS or not may_pass(error):
                        raise self._failure(error) from error
                    time.sleep(attempt)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _append(self, path: str, partial: Path) -> None:
        """Fetch what is missing. A body shorter than announced is a broken connection."""
        have = partial.stat().st_size if partial.exists() else 0
        with self._open(path, "GET", have) as answer, partial.open("ab") as out:
            if answer.status != PARTIAL:
                out.truncate(0)
            missing = int(answer.headers.get("Content-Length", -1))
            while chunk := answer.read(CHUNK_BYTES):
                out.write(chunk)
                missing -= len(chunk)
        if missing > 0:
            raise ConnectionError(f"{missing} bytes are missing")

    def _open(self, path: str, method: str, begin: int = 0) -> Any:
        request = urllib.request.Request(self._server + path, method=method)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if begin:
            request.add_header("Range", f"bytes={begin}-")
        return urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._trust)

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, urllib.error.HTTPError):
            return Failure(words_of(error), error.code)
        return Failure(f"{self._server} is not reached: {getattr(error, 'reason', error)}")


def may_pass(error: Exception) -> bool:
    """Whether the same request may go well in a moment: what the server refuses it refuses again."""
    return not isinstance(error, urllib.error.HTTPError) or error.code >= 500


def words_of(error: urllib.error.HTTPError) -> str:
    """What the server said: a line of text, or the message of a Status."""
    text = error.read().decode(errors="replace").strip()
    try:
        return f"{error.code}: {json.loads(text)['message']}"
    except (ValueError, KeyError, TypeError):
        return text or f"status {error.code}"


def identify(user: dict[str, Any], path: Path, trust: ssl.SSLContext) -> str:
    """The bearer token of a kubeconfig's user; empty where it has a client certificate, which goes into `trust`."""
    if isinstance(user.get("exec"), dict):
        user = ask_plugin(user["exec"], path)
    try:
        if user.get("token"):
            return str(user["token"])
        if user.get("tokenFile"):
            return (path.parent / str(user["tokenFile"])).read_text().strip()
        certificate, key = (pem(user, name, path) for name in ("client-certificate", "client-key"))
        if not certificate or not key:
            raise Failure(f"kubeconfig {path}: the user has no token, tokenFile, client certificate or exec")
        with tempfile.NamedTemporaryFile() as file:  # readable for us alone, and gone at once
            file.write(certificate + b"\n" + key)
            file.flush()
            trust.load_cert_chain(file.name)
    except (OSError, ValueError) as error:
        raise Failure(f"kubeconfig {path}: the user's credentials cannot be read: {error}") from error
    return ""


def pem(user: dict[str, Any], name: str, path: Path) -> bytes:
    """A certificate or key, from the file itself or from where it points; empty where there is none."""
    if data := user.get(f"{name}-data"):
        return base64.b64decode(data)
    return (path.parent / user[name]).read_bytes() if user.get(name) else b""


def ask_plugin(plugin: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a credential plugin answers, as a kubeconfig's user has it (client.authentication.k8s.io)."""
    words = [str(plugin.get("command"))] + [str(word) for word in plugin.get("args") or []]
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {one["name"]: str(one["value"]) for one in plugin.get("env") or []}
    environment = {**os.environ, **environment, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
    try:
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, timeout=TIMEOUT_S, check=True)
        status = json.loads(done.stdout)["status"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"kubeconfig {path}: credential plugin {words[0]}: {error}") from error
    names = {"token": "token", "clientCertificateData": "client-certificate", "clientKeyData": "client-key"}
    found = {name: status[theirs] for theirs, name in names.items() if status.get(theirs)}
    for name in ("client-certificate", "client-key"):
        if name in found:
            found[f"{name}-data"] = base64.b64encode(found.pop(name).encode()).decode()
    return found


def entry_of(document: dict[str, Any], section: str, name: object, path: Path) -> dict[str, Any]:
    for entry in document.get(section) or []:
        if entry.get("name") == name:
            found: dict[str, Any] = entry
            return found
    raise Failure(f"kubeconfig {path}: no entry {name!r} in {section}")


def parse(text: str) -> dict[str, Any]:
    """A kubeconfig: JSON, or the part of YAML that they are written in (block maps and lists of plain values)."""
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except ValueError as error:
            raise Failure(f"kubeconfig: not JSON: {error}") from error
    else:
        lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        document, rest = block([line for line in lines if line != "---"], 0)
        if rest:
            raise Failure(f"kubeconfig: cannot read the line {rest[0].strip()!r}")
    if not isinstance(document, dict):
        raise Failure("kubeconfig: not a mapping")
    return document


def block(lines: list[str], indent: int) -> tuple[Any, list[str]]:
    """The value whose lines begin at this indent, and the lines after it. Each call takes at least one line."""
    if lines and lines[0].lstrip().startswith("- "):
        items: list[Any] = []
        while lines and depth(lines[0]) == indent and lines[0].lstrip().startswith("- "):
            first = " " * (indent + 2) + lines[0].lstrip()[2:]
            item, lines = block([first, *lines[1:]], indent + 2) if KEY.match(first) else (scalar(first), lines[1:])
            items.append(item)
        return items, lines
    mapping: dict[str, Any] = {}
    while lines and depth(lines[0]) == indent and not lines[0].lstrip().startswith("- "):
        key, _, value = lines[0].strip().partition(":")
        lines = lines[1:]
        if value.strip():
            mapping[key.strip("\"'")] = scalar(value)
        elif lines and (depth(lines[0]) > indent or (depth(lines[0]) == indent and lines[0].lstrip().startswith("- "))):
            mapping[key.strip("\"'")], lines = block(lines, depth(lines[0]))
        else:
            mapping[key.strip("\"'")] = None
    return mapping, lines


def depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def scalar(text: str) -> Any:
    text = text.strip()
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return re.sub(r"\s+#.*$", "", text)


def source(version: str) -> bytes:
    """This very file, for download under a version; it says that version of itself."""
    text = Path(__file__).read_text()
    shown = version if re.fullmatch(r"v?[0-9A-Za-z.+-]{1,64}", version) else VERSION
    return text.replace(f'VERSION = "{VERSION}"', f'VERSION = "{shown}"', 1).encode()


if __name__ == "__main__":
    sys.exit(main())
