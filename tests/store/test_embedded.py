"""The verbs behave as a real API server's: versions, generations, owners, finalizers, managers, pages, watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kodkod.resources import kinds
from kodkod.store import APPLY, JSON, Patch, Preconditions, WatchEvent
from kodkod.store.embedded import EmbeddedResources
from kodkod.store.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    UnsupportedPatch,
    VersionTooLarge,
)
from kodkod.testing.clock import SimulatedClock

CAPTURE = kinds.PACKET_CAPTURE


def capture(name: str = "c", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "PacketCapture",
        "metadata": {"name": name, "namespace": "dev"},
        "spec": {"selector": "app == 'web'", **spec},
    }


async def test_a_new_object_gets_what_only_the_server_gives(store: EmbeddedResources) -> None:
    made = await store.create(CAPTURE, {**capture(), "status": {"state": "Error"}})

    assert made["metadata"]["generation"] == 1
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"] == "2026-11-22T10:00:00Z"
    assert "status" not in made


async def test_a_name_is_taken_once(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())

    with pytest.raises(AlreadyExists):
        await store.create(CAPTURE, capture())


async def test_a_namespace_must_be_there(store: EmbeddedResources) -> None:
    with pytest.raises(NotFound, match='namespaces "nope" not found'):
        await store.create(CAPTURE, {"metadata": {"name": "c"}, "spec": {}}, "nope")


async def test_a_name_is_made_from_its_prefix(store: EmbeddedResources) -> None:
    made = await store.create(CAPTURE, {"metadata": {"generateName": "gen-"}, "spec": {}}, "dev")

    assert made["metadata"]["name"].startswith("gen-")
    assert len(made["metadata"]["name"]) == len("gen-") + 5


async def test_a_wrong_object_names_every_fault(store: EmbeddedResources) -> None:
    with pytest.raises(Invalid) as refused:
        await store.create(kinds.GLOBAL_ALERT, {"metadata": {"name": "a"}, "spec": {"severity": 500, "dataSet": "x"}})

    assert {cause.field for cause in refused.value.causes} >= {"spec.severity", "spec.dataSet", "spec.description"}


async def test_strict_refuses_an_unknown_field_and_warn_mentions_it(store: EmbeddedResources) -> None:
    with pytest.raises(BadRequest, match=r'unknown field "spec\.bogus"'):
        await store.create(CAPTURE, capture(bogus=1), field_validation="Strict")

    told: list[str] = []
    made = await store.create(CAPTURE, capture(bogus=1), warnings=told)
    assert told == ['unknown field "spec.bogus"']
    assert "bogus" not in made["spec"]


async def test_generation_counts_changes_of_the_desired_state_only(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())

    labelled = await store.patch(CAPTURE, "c", {"metadata": {"labels": {"a": "b"}}}, "dev")
    assert labelled["metadata"]["generation"] == 1
    status = {"status": {"state": "Capturing"}}
    reported = await store.patch(CAPTURE, "c", status, "dev", subresource="status")
    assert reported["metadata"]["generation"] == 1
    changed = await store.patch(CAPTURE, "c", {"spec": {"selector": "all()"}}, "dev")
    assert changed["metadata"]["generation"] == 2
    assert changed["status"] == {"state": "Capturing"}


async def test_a_write_that_changes_nothing_leaves_the_version(store: EmbeddedResources) -> None:
    made = await store.create(CAPTURE, capture())

    again = await store.patch(CAPTURE, "c", {"spec": {"selector": "app == 'web'"}}, "dev")

    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_stale_update_is_a_conflict_and_one_without_version_is_invalid(store: EmbeddedResources) -> None:
    made = await store.create(CAPTURE, capture())
    await store.patch(CAPTURE, "c", {"metadata": {"labels": {"a": "b"}}}, "dev")

    with pytest.raises(Conflict, match="has been modified"):
        await store.update(CAPTURE, made)
    with pytest.raises(Invalid, match="must be specified for an update"):
        await store.update(CAPTURE, capture())


async def test_json_patches_apply_whole_or_not_at_all(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())
    failing = [
        {"op": "replace", "path": "/spec/selector", "value": "all()"},
        {"op": "test", "path": "/spec/selector", "value": "x"},
    ]

    with pytest.raises(Invalid):
        await store.patch(CAPTURE, "c", failing, "dev", how=JSON)

    assert (await store.get(CAPTURE, "c", "dev"))["spec"]["selector"] == "app == 'web'"


async def test_strategic_patches_are_refused_where_a_real_server_refuses_them(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())

    with pytest.raises(UnsupportedPatch):
        await store.patch(CAPTURE, "c", {"spec": {}}, "dev", how=Patch.STRATEGIC)


async def test_apply_makes_changes_and_withdraws(store: EmbeddedResources) -> None:
    wanted = capture(filters=[{"protocol": "TCP"}])
    made = await store.patch(CAPTURE, "c", wanted, "dev", how=APPLY, field_manager="kubectl")
    assert made["metadata"]["managedFields"][0]["operation"] == "Apply"

    without = await store.patch(CAPTURE, "c", capture(), "dev", how=APPLY, field_manager="kubectl")
    assert "filters" not in without["spec"]


async def test_apply_of_anothers_field_is_a_conflict_unless_forced(store: EmbeddedResources) -> None:
    await store.patch(CAPTURE, "c", capture(), "dev", how=APPLY, field_manager="kubectl")
    other = capture(selector="all()")

    with pytest.raises(Conflict, match='conflict with "kubectl"'):
        await store.patch(CAPTURE, "c", other, "dev", how=APPLY, field_manager="other")

    forced = await store.patch(CAPTURE, "c", other, "dev", how=APPLY, field_manager="other", force=True)
    assert forced["spec"]["selector"] == "all()"


async def test_a_dry_run_answers_and_keeps_nothing(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture(), dry_run=True)

    with pytest.raises(NotFound):
        await store.get(CAPTURE, "c", "dev")


async def test_a_finalizer_holds_an_object_back_until_it_goes(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())
    await store.patch(CAPTURE, "c", {"metadata": {"finalizers": ["x.io/f"]}}, "dev")

    marked = await store.delete(CAPTURE, "c", "dev")
    assert marked["metadata"]["deletionTimestamp"]
    with pytest.raises(Invalid, match="no new finalizers"):
        await store.patch(CAPTURE, "c", {"metadata": {"finalizers": ["x.io/f", "y.io/g"]}}, "dev")

    await store.patch(CAPTURE, "c", {"metadata": {"finalizers": None}}, "dev")
    with pytest.raises(NotFound):
        await store.get(CAPTURE, "c", "dev")


async def test_what_is_owned_goes_with_its_owner_or_is_orphaned(store: EmbeddedResources) -> None:
    alert = {"metadata": {"name": "a"}, "spec": {"description": "d", "severity": 1, "dataSet": "dns"}}
    owner = await store.create(kinds.GLOBAL_ALERT, alert)
    reference = {"apiVersion": owner["apiVersion"], "kind": "GlobalAlert", "name": "a", "uid": owner["metadata"]["uid"]}
    for name in ("one", "two"):
        owned = capture(name)
        owned["metadata"]["ownerReferences"] = [reference]
        await store.create(CAPTURE, owned)

    await store.delete(kinds.GLOBAL_ALERT, "a")

    assert (await store.list(CAPTURE, "dev")).items == []


async def test_deletion_heeds_its_preconditions(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())

    with pytest.raises(Conflict, match="Precondition failed: UID"):
        await store.delete(CAPTURE, "c", "dev", preconditions=Preconditions(uid="another"))


async def test_a_namespace_takes_its_objects_with_it(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())

    await store.delete(kinds.NAMESPACE, "dev")

    assert (await store.list(CAPTURE)).items == []
    with pytest.raises(NotFound):
        await store.get(kinds.NAMESPACE, "dev")


async def test_a_namespace_waits_for_a_held_object_and_takes_no_new_ones(store: EmbeddedResources) -> None:
    held = capture()
    held["metadata"]["finalizers"] = ["x.io/f"]
    await store.create(CAPTURE, held)

    await store.delete(kinds.NAMESPACE, "dev")
    assert (await store.get(kinds.NAMESPACE, "dev"))["status"]["phase"] == "Terminating"
    with pytest.raises(Forbidden):
        await store.create(CAPTURE, capture("late"))

    await store.patch(CAPTURE, "c", {"metadata": {"finalizers": None}}, "dev")
    with pytest.raises(NotFound):
        await store.get(kinds.NAMESPACE, "dev")


async def test_pages_join_to_the_whole_and_carry_the_first_version(store: EmbeddedResources) -> None:
    for index in range(5):
        await store.create(CAPTURE, capture(f"c{index}"))

    first = await store.list(CAPTURE, "dev", limit=2)
    await store.create(CAPTURE, capture("later"))
    second = await store.list(CAPTURE, "dev", limit=10, continue_token=first.continue_token)

    assert [obj["metadata"]["name"] for obj in first.items] == ["c0", "c1"]
    assert first.remaining == 3
    assert [obj["metadata"]["name"] for obj in second.items] == ["c2", "c3", "c4", "later"]
    assert second.resource_version == first.resource_version


@pytest.mark.parametrize("token", ["nonsense", "W10="])
async def test_a_token_of_nobodys_is_refused(store: EmbeddedResources, token: str) -> None:
    with pytest.raises(BadRequest):
        await store.list(CAPTURE, continue_token=token)


async def test_selectors_choose_and_unknown_fields_are_refused(store: EmbeddedResources) -> None:
    labelled = capture()
    labelled["metadata"]["labels"] = {"team": "red"}
    await store.create(CAPTURE, labelled)
    await store.create(CAPTURE, capture("plain"))

    chosen = await store.list(CAPTURE, label_selector="team in (red),team!=x")
    assert [obj["metadata"]["name"] for obj in chosen.items] == ["c"]
    with pytest.raises(BadRequest, match="field label not supported"):
        await store.list(CAPTURE, field_selector="spec.foo=x")


async def test_a_version_from_the_future_is_told_apart(store: EmbeddedResources) -> None:
    with pytest.raises(VersionTooLarge):
        await store.list(CAPTURE, resource_version="999")
    with pytest.raises(Gone):
        await anext(store.watch(CAPTURE, resource_version="999"))


async def taken(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    found = []
    async with asyncio.timeout(5):
        while len(found) < count:
            event = await anext(events)
            found.append((event.type, event.object["metadata"].get("name", "")))
    return found


async def test_a_watch_begins_with_what_is_there_and_follows(store: EmbeddedResources) -> None:
    await store.create(CAPTURE, capture())
    events = store.watch(CAPTURE, "dev", resource_version="", initial_events=True)

    assert await taken(events, 2) == [("ADDED", "c"), ("BOOKMARK", "")]
    await store.patch(CAPTURE, "c", {"metadata": {"labels": {"a": "b"}}}, "dev")
    await store.delete(CAPTURE, "c", "dev")
    assert await taken(events, 2) == [("MODIFIED", "c"), ("DELETED", "c")]


async def test_leaving_a_selection_is_a_deletion_and_entering_an_addition(store: EmbeddedResources) -> None:
    made = await store.create(CAPTURE, capture())
    version = made["metadata"]["resourceVersion"]
    events = store.watch(CAPTURE, "dev", resource_version=version, label_selector="team=blue")

    for team in ("blue", "green", "blue"):
        await store.patch(CAPTURE, "c", {"metadata": {"labels": {"team": team}}}, "dev")

    assert [type_ for type_, _ in await taken(events, 3)] == ["ADDED", "DELETED", "ADDED"]


async def test_objects_versions_and_history_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "resources.db"
    first = EmbeddedResources(path, SimulatedClock())
    await first.open()
    await first.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    made = await first.create(CAPTURE, capture())
    changed = await first.patch(CAPTURE, "c", {"spec": {"selector": "all()"}}, "dev")
    await first.close()

    second = EmbeddedResources(path, SimulatedClock())
    await second.open()

    assert await second.get(CAPTURE, "c", "dev") == changed
    events = second.watch(CAPTURE, resource_version=made["metadata"]["resourceVersion"])
    assert await taken(events, 1) == [("MODIFIED", "c")]
    later = await second.create(CAPTURE, capture("later"))
    assert int(later["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])
    await second.close()
