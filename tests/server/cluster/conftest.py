"""A small cluster in memory: the embedded store, and reviews answered from tables. And a real API server."""

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.server.cluster.foreign import ACCESS_REVIEW, TOKEN_REVIEW
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.store.errors import Unavailable
from kodkod.testing.clock import SimulatedClock

from .kubernetes import Installed, api_server, install


class SmallCluster(EmbeddedResources):
    """users: what a review says of a token, by (token, audience); rights: (user, verb, resource, namespace)."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(MEMORY, clock)
        self.clock = clock
        self.users: dict[tuple[str, str], dict[str, Any]] = {}
        self.rights: set[tuple[str, str, str, str]] = set()
        self.asked: list[Object] = []
        self.is_away = False

    async def create(self, kind: Kind, obj: Object, namespace: str | None = None, **options: Any) -> Object:
        if self.is_away:
            raise Unavailable("connection refused")
        if kind is TOKEN_REVIEW:
            return self._token(obj)
        if kind is ACCESS_REVIEW:
            return self._access(obj)
        return await super().create(kind, obj, namespace, **options)

    def _token(self, review: Object) -> Object:
        self.asked.append(review)
        audience = next(iter(review["spec"].get("audiences") or []), "")
        user = self.users.get((review["spec"]["token"], audience))
        if user is None:
            return {**review, "status": {"authenticated": False}}
        return {**review, "status": {"authenticated": True, "user": user, "audiences": [audience] if audience else []}}

    def _access(self, review: Object) -> Object:
        self.asked.append(review)
        spec = review["spec"]
        attributes = spec.get("resourceAttributes") or {}
        target = "/".join(filter(None, [attributes.get("resource", ""), attributes.get("subresource", "")]))
        key = (spec["user"], attributes.get("verb", ""), target, attributes.get("namespace", ""))
        return {**review, "status": {"allowed": key in self.rights}}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
async def cluster(clock: SimulatedClock) -> AsyncIterator[SmallCluster]:
    resources = SmallCluster(clock)
    await resources.open()
    for namespace in ("kube-system", "kodkod-system", "tigera-dpi"):
        await resources.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    yield resources
    await resources.close()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A real API server with what the chart makes; face and server run as processes beside it."""
    with api_server(tmp_path_factory.mktemp("kubernetes")) as server:
        # The API server reaches an extension that is no pod on port 443 alone, so it has an address of its own.
        host = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        install(server, host)
        with Installed(server, host).running() as found:
            yield found
