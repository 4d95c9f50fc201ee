"""What is renamed between the public group and the one in which a cluster stores objects."""

from kodkod.store.groups import CRD, PUBLIC, renamed

STORED = {
    "apiVersion": "crd.projectcalico.org/v1",
    "kind": "PacketCapture",
    "metadata": {
        "name": "c",
        "managedFields": [{"manager": "kubectl", "apiVersion": "crd.projectcalico.org/v1", "operation": "Apply"}],
        "ownerReferences": [{"apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalAlert", "name": "g"}],
    },
    "spec": {"selector": "all()"},
}


def test_an_object_and_its_field_managers_change_their_group_and_what_it_refers_to_does_not() -> None:
    shown = renamed(STORED, CRD, PUBLIC)
    assert shown["apiVersion"] == "projectcalico.org/v3"
    assert shown["metadata"]["managedFields"][0]["apiVersion"] == "projectcalico.org/v3"
    assert shown["metadata"]["ownerReferences"][0]["apiVersion"] == "crd.projectcalico.org/v1"


def test_there_and_back_is_the_same() -> None:
    before = repr(STORED)
    assert renamed(renamed(STORED, CRD, PUBLIC), PUBLIC, CRD) == STORED
    assert repr(STORED) == before


def test_each_object_of_a_list_and_of_a_table_changes() -> None:
    listed = renamed({"apiVersion": str(CRD), "kind": "PacketCaptureList", "items": [STORED]}, CRD, PUBLIC)
    assert [listed["apiVersion"], listed["items"][0]["apiVersion"]] == ["projectcalico.org/v3"] * 2
    table = {"apiVersion": "meta.k8s.io/v1", "kind": "Table", "rows": [{"cells": ["c"], "object": STORED}]}
    shown = renamed(table, CRD, PUBLIC)
    assert shown["apiVersion"] == "meta.k8s.io/v1"
    assert shown["rows"][0]["object"]["apiVersion"] == "projectcalico.org/v3"


def test_patches_and_objects_of_others_stay() -> None:
    operations = [{"op": "add", "path": "/spec", "value": {"apiVersion": str(CRD)}}]
    assert renamed(operations, CRD, PUBLIC) == operations
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    assert renamed(pod, CRD, PUBLIC) == pod
