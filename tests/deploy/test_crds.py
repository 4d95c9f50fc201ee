"""The CRDs: what a real API server takes, made from the kinds, and in the repository as they are made."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kodkod.resources import kinds
from kodkod.resources.cel import RULES
from kodkod.resources.crds import Definition, Origin, definitions, node, schema_of
from kodkod.resources.kinds import Kind
from kodkod.resources.kinds.operator import DEFAULT_RESOURCES
from kodkod.resources.validation import Checks, fill_defaults, judge

ROOT = Path(__file__).parents[2]
ALL = list(definitions())
REFUSED = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text())
BY_NAME = {kind.kind: kind for kind in kinds.ALL}
FORMATS = {"date-time", "int32", "int64", "double", "byte"}
SCHEMA_KEYS = {
    "type", "format", "description", "default", "enum", "pattern", "properties", "items", "required", "minLength",
    "maxLength", "minimum", "maximum", "maxItems", "additionalProperties", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
}  # fmt: skip


def schemas(definition: Definition) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a definition's schema with its path."""
    yield from walk("", definition.body["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def walk(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(f"{path}.{name}", child)
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield from walk(f"{path}[]", schema[name])


def test_files_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "dev/deploy.py", "--check"], capture_output=True, text=True, check=False
    )

    assert "deploy/crds" not in done.stdout, done.stdout
    assert "chart/files" not in done.stdout, done.stdout


@pytest.mark.parametrize("definition", ALL, ids=lambda one: one.name)
def test_schema_is_structural(definition: Definition) -> None:
    for path, schema in schemas(definition):
        assert schema.keys() <= SCHEMA_KEYS, path
        assert ("type" in schema) != bool(schema.get("x-kubernetes-int-or-string")), path
        assert schema.get("format") in {None, *FORMATS}, path
        assert not {"properties", "additionalProperties"} <= schema.keys(), path
        assert schema.get("type") != "array" or "items" in schema, path
        for key in schema.get("x-kubernetes-list-map-keys", ()):
            assert key in schema["items"]["required"], f"{path}: {key} may be missing"


@pytest.mark.parametrize("definition", ALL, ids=lambda one: one.name)
def test_only_open_models_keep_what_they_do_not_know(definition: Definition) -> None:
    is_open = {path for path, schema in schemas(definition) if schema.get("x-kubernetes-preserve-unknown-fields")}

    kind = BY_NAME[definition.body["spec"]["names"]["kind"]]
    free = {path for path, schema in walk("", schema_of(kind)) if schema.get("type") == "object" and not (
        schema.get("properties") or schema.get("additionalProperties") or path == ".metadata"
    )}  # fmt: skip
    settings = {".spec"} if kind is kinds.FELIX_CONFIGURATION else set()
    assert is_open == free | settings


@pytest.mark.parametrize("definition", ALL, ids=lambda one: one.name)
def test_columns_are_those_of_the_embedded_table(definition: Definition) -> None:
    kind = BY_NAME[definition.body["spec"]["names"]["kind"]]
    shown = {column["name"]: column for column in definition.body["spec"]["versions"][0]["additionalPrinterColumns"]}

    sayable = [column for column in kind.columns if "[*]" not in column.path]
    assert list(shown) == [*(column.name for column in sayable), "Age"]
    for column in sayable:
        assert shown[column.name]["jsonPath"] == column.path
        if column.value is None:
            told = shown[column.name]["type"], shown[column.name].get("priority", 0)
            assert told == (column.type, column.priority), column.name


def test_every_kind_of_the_public_group_is_stored_under_the_other_one() -> None:
    stored = {d.body["spec"]["names"]["kind"] for d in ALL if d.body["spec"]["group"] == "crd.projectcalico.org"}

    assert stored == {kind.kind for kind in kinds.ALL if kind.group == "projectcalico.org"}


def test_status_is_a_subresource_in_both_groups() -> None:
    for definition in ALL:
        kind = BY_NAME[definition.body["spec"]["names"]["kind"]]
        version = definition.body["spec"]["versions"][0]
        assert ("subresources" in version) == kind.status, definition.name


def test_what_calico_owns_is_set_apart() -> None:
    apart = {definition.name for definition in ALL if definition.origin is Origin.CALICO}

    assert apart == {
        f"{plural}.crd.projectcalico.org"
        for plural in ("felixconfigurations", "clusterinformations", "globalnetworksets", "networksets")
    }


def test_intrusion_detection_gets_its_bounds_from_the_schema_alone() -> None:
    obj: dict[str, Any] = {"spec": {}}

    fill_defaults(schema_of(kinds.INTRUSION_DETECTION), obj)

    assert obj["spec"]["componentResources"] == [
        {"componentName": "DeepPacketInspection", "resourceRequirements": DEFAULT_RESOURCES}
    ]


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.kind)
def test_rules_stand_at_nodes_that_are_there(kind: Kind) -> None:
    for rule in RULES[kind]:
        schema = node(schema_of(kind), rule.path)
        assert rule.as_json() in schema["x-kubernetes-validations"]
        if rule.field:
            node(schema, rule.field.removeprefix("."))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['kind']}-{case['says'][0][:40]}")
def test_the_embedded_api_says_what_the_rules_say(case: dict[str, Any]) -> None:
    kind = BY_NAME[case["kind"]]
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": case.get("name", "x")}}
    causes, _ = judge(kind, {**obj, "spec": case["spec"]}, Checks())

    said = [str(cause) for cause in causes]
    for text in case["says"]:
        assert any(text in one for one in said), said


def test_every_rule_has_an_example_that_breaks_it() -> None:
    """What the rules say stands in `refused.yaml`, which a real API server is tried with as well."""
    said = [text for case in REFUSED for text in case["says"]]
    for rules in RULES.values():
        for rule in rules:
            pieces = re.findall(r"'([^']{9,})'", rule.composes) or [rule.says]
            assert any(piece.strip() in text for piece in pieces for text in said), rule.says
