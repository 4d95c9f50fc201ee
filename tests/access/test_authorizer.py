"""Who may do what: RBAC as a cluster evaluates it, the built-in roles, and nodes confined to their own reports."""

from collections.abc import Iterable
from typing import Any

import pytest

from kodkod.access import ADMIN, ANONYMOUS, Caller, Request, RoleAuthorizer, bootstrap, lab_caller, node_caller
from kodkod.access.callers import VIEWER
from kodkod.resources import Object
from kodkod.resources.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, Kind

ALICE = Caller("alice", ("dev",))


class Objects:
    """Roles and bindings in memory."""

    def __init__(self) -> None:
        self.held: dict[Kind, list[Object]] = {
            CLUSTER_ROLE: bootstrap.roles(), CLUSTER_ROLE_BINDING: bootstrap.bindings(), ROLE: [], ROLE_BINDING: [],
        }  # fmt: skip
        self.version = 1

    def add(self, kind: Kind, name: str, namespace: str = "", **rest: Any) -> None:
        metadata = {"name": name, "namespace": namespace, "labels": rest.pop("labels", {})}
        self.held[kind].append({"metadata": metadata, **rest})
        self.version += 1

    def kind_version(self, kind: Kind) -> int:
        return self.version

    def snapshot(self, kind: Kind) -> Iterable[Object]:
        return self.held[kind]


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def authorizer(objects: Objects) -> RoleAuthorizer:
    return RoleAuthorizer(objects)


def asks(verb: str, resource: str, namespace: str = "dev", name: str = "", group: str = "projectcalico.org") -> Request:
    plural, _, subresource = resource.partition("/")
    return Request(verb, group, plural, subresource, namespace, name)


def bound(objects: Objects, rules: list[Any], *, subject: Any, namespace: str = "dev") -> None:
    objects.add(ROLE, "r", namespace, rules=rules)
    objects.add(ROLE_BINDING, "b", namespace, roleRef={"kind": "Role", "name": "r"}, subjects=[subject])


CAPTURES = [{"apiGroups": ["projectcalico.org"], "resources": ["packetcaptures"], "verbs": ["get", "create"]}]


async def test_a_role_holds_in_its_namespace_alone(objects: Objects, authorizer: RoleAuthorizer) -> None:
    bound(objects, CAPTURES, subject={"kind": "User", "name": "alice"})
    assert await authorizer.allows(ALICE, asks("create", "packetcaptures"))
    assert not await authorizer.allows(ALICE, asks("create", "packetcaptures", "prod"))
    assert not await authorizer.allows(ALICE, asks("delete", "packetcaptures"))
    assert not await authorizer.allows(Caller("bob"), asks("create", "packetcaptures"))


async def test_reading_packets_is_a_right_of_its_own(objects: Objects, authorizer: RoleAuthorizer) -> None:
    bound(objects, CAPTURES, subject={"kind": "Group", "name": "dev"})
    assert await authorizer.allows(ALICE, asks("get", "packetcaptures"))
    assert not await authorizer.allows(ALICE, asks("get", "packetcaptures/files"))


async def test_names_narrow_a_rule(objects: Objects, authorizer: RoleAuthorizer) -> None:
    bound(objects, [{**CAPTURES[0], "resourceNames": ["mine"]}], subject={"kind": "User", "name": "alice"})
    assert await authorizer.allows(ALICE, asks("get", "packetcaptures", name="mine"))
    assert not await authorizer.allows(ALICE, asks("get", "packetcaptures", name="yours"))


async def test_a_service_account_is_a_subject(objects: Objects, authorizer: RoleAuthorizer) -> None:
    bound(objects, CAPTURES, subject={"kind": "ServiceAccount", "name": "robot"})
    assert await authorizer.allows(Caller("system:serviceaccount:dev:robot"), asks("get", "packetcaptures"))


async def test_a_labelled_role_joins_view_at_once(objects: Objects, authorizer: RoleAuthorizer) -> None:
    objects.add(ROLE_BINDING, "b", "dev", roleRef={"kind": "ClusterRole", "name": "view"},
                subjects=[{"kind": "User", "name": "alice"}])  # fmt: skip
    asked = asks("list", "widgets", group="example.org")
    assert await authorizer.allows(ALICE, asks("list", "packetcaptures"))
    assert not await authorizer.allows(ALICE, asked)
    objects.add(CLUSTER_ROLE, "widgets", labels={"rbac.authorization.k8s.io/aggregate-to-view": "true"},
                rules=[{"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["list"]}])  # fmt: skip
    assert await authorizer.allows(ALICE, asked)


@pytest.mark.parametrize(
    ("caller", "request_", "expected"),
    [
        (ADMIN, asks("create", "packetcaptures"), True),
        (ADMIN, asks("delete", "globalalerts", ""), True),
        (ADMIN, asks("create", "namespaces", "", group=""), False),
        (ADMIN, asks("delete", "pods", group=""), False),
        (ADMIN, Request("get", path="/metrics"), True),
        (VIEWER, asks("list", "packetcaptures"), True),
        (VIEWER, asks("create", "packetcaptures"), False),
        (VIEWER, asks("get", "packetcaptures/files"), False),
        (VIEWER, asks("create", "pods/exec", group=""), False),
        (lab_caller(), asks("create", "pods", group=""), True),
        (lab_caller(), asks("create", "packetcaptures"), False),
        (ANONYMOUS, asks("list", "packetcaptures"), False),
        (ALICE, asks("list", "packetcaptures"), False),
    ],
)
async def test_built_in_identities(
    authorizer: RoleAuthorizer, caller: Caller, request_: Request, expected: bool
) -> None:
    assert await authorizer.allows(caller, request_) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("n1-agent", True),
        ("n1-inspector", True),
        ("n2-agent", False),
        ("n1", False),
        ("n1-x-agent", False),
        ("", False),
    ],
)
async def test_a_node_writes_its_own_reports_alone(authorizer: RoleAuthorizer, name: str, expected: bool) -> None:
    request = Request("patch", "kodkod.dev", "nodereports", "status", name=name)
    assert await authorizer.allows(node_caller("n1"), request) is expected


async def test_a_node_changes_no_status_of_captures(authorizer: RoleAuthorizer) -> None:
    node = node_caller("n1")
    assert await authorizer.allows(node, asks("list", "packetcaptures", ""))
    assert not await authorizer.allows(node, asks("patch", "packetcaptures/status"))
    assert not await authorizer.allows(node, asks("patch", "nodes", "", "n2", group=""))


async def test_a_refusal_says_why_a_node_may_not(authorizer: RoleAuthorizer) -> None:
    why = await authorizer.refusal(node_caller("n1"), Request("patch", "kodkod.dev", "nodereports", name="n2-agent"))
    assert why == 'node "n1" may write only its own NodeReports'


async def test_what_is_granted_is_listed(authorizer: RoleAuthorizer) -> None:
    resources = {resource for grant in await authorizer.grants(VIEWER, "default") for resource in grant.resources}
    assert "packetcaptures" in resources
