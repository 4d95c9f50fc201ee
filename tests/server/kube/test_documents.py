"""What clients read of the API: discovery, OpenAPI, tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.resources import kinds
from kodkod.server.kube import discovery, openapi, protobuf, tables

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
STORED = kinds.group_versions()


@given(st.integers(min_value=0, max_value=2**63))
def test_a_varint_reads_back(value: int) -> None:
    assert list(protobuf.fields(protobuf.varint(1 << 3) + protobuf.varint(value))) == [(1, value)]


@given(st.binary(max_size=300))
def test_any_bytes_are_fields_or_a_named_fault(data: bytes) -> None:
    try:
        list(protobuf.fields(data))
    except protobuf.Malformed as error:
        assert "byte" in str(error)


@pytest.mark.parametrize("document", [pytest.param(openapi.v2(STORED), id="v2")])
def test_every_kind_lets_the_server_validate(document: dict[str, Any]) -> None:
    for group_version, kind in openapi.every_served(STORED):
        patch = document["paths"][openapi.path_of(group_version, kind)]["patch"]
        assert {"fieldValidation", "dryRun"} <= {parameter["name"] for parameter in patch["parameters"]}
        assert patch[openapi.GVK]["kind"] == kind.kind


def test_free_form_kinds_have_no_properties() -> None:
    pod = openapi.definition(kinds.POD.group_version, kinds.POD, "#/definitions/")
    assert "properties" not in pod


def test_v2_in_protobuf_names_every_definition() -> None:
    (definitions,) = [value for number, value in protobuf.fields(openapi.v2_protobuf(STORED)) if number == 9]
    assert isinstance(definitions, bytes)
    names = set()
    for _, named in protobuf.fields(definitions):
        assert isinstance(named, bytes)
        (name,) = [value for number, value in protobuf.fields(named) if number == 1]
        assert isinstance(name, bytes)
        names.add(name.decode())
    assert names == set(openapi.v2(STORED)["definitions"])


def test_v3_has_a_document_for_each_group_and_none_for_others() -> None:
    for key in openapi.v3_index(STORED)["paths"]:
        document = openapi.v3(key)
        assert document is not None
        assert document["components"]["schemas"]
    assert openapi.v3("apis/nobody.example/v1") is None


def test_short_names_stand_in_one_group_only() -> None:
    holders = [
        str(group_version)
        for group_version in kinds.group_versions()
        for entry in discovery.resources(group_version)["resources"]
        if "pcap" in entry.get("shortNames", ())
    ]
    assert holders == ["projectcalico.org/v3"]


def test_the_public_group_is_discovered_before_the_backing_one() -> None:
    names = discovery.group_names(discovery.every_group())
    assert names.index("projectcalico.org") < names.index("crd.projectcalico.org")


def test_aggregated_and_legacy_discovery_name_the_same_resources() -> None:
    for item in discovery.aggregated(discovery.every_group(), core=False)["items"]:
        for version in item["versions"]:
            group_version = kinds.GroupVersion(item["metadata"]["name"], version["version"])
            legacy = {entry["name"] for entry in discovery.resources(group_version)["resources"]}
            assert {entry["resource"] for entry in version["resources"]} == {name for name in legacy if "/" not in name}


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        pytest.param(timedelta(seconds=119), "119s", id="seconds"),
        pytest.param(timedelta(minutes=3, seconds=20), "3m20s", id="minutes and seconds"),
        pytest.param(timedelta(minutes=59), "59m", id="minutes"),
        pytest.param(timedelta(hours=3, minutes=5), "3h5m", id="hours and minutes"),
        pytest.param(timedelta(hours=40), "40h", id="hours"),
        pytest.param(timedelta(days=3, hours=5), "3d5h", id="days and hours"),
        pytest.param(timedelta(days=300), "300d", id="days"),
        pytest.param(timedelta(days=800), "2y70d", id="years and days"),
        pytest.param(timedelta(seconds=-60), "<invalid>", id="in the future"),
    ],
)
def test_ages_are_spelt_as_kubectl_does(ago: timedelta, shown: str) -> None:
    assert tables.age((NOW - ago).isoformat(), NOW) == shown


def test_a_row_has_name_columns_and_age() -> None:
    capture = {
        "metadata": {"name": "c", "namespace": "dev", "creationTimestamp": "2026-11-22T09:59:30Z"},
        "spec": {"selector": "all()"},
    }

    found = tables.table(kinds.PACKET_CAPTURE, [capture], {"resourceVersion": "7"}, NOW)

    titles = [column["name"] for column in found["columnDefinitions"]]
    cells = dict(zip(titles, found["rows"][0]["cells"], strict=True))
    assert cells["Name"] == "c"
    assert cells["Selector"] == "all()"
    assert cells["Age"] == "30s"
    assert found["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
