"""Who calls through the API server? It names the caller in headers, and proves itself with its own certificate.

Headers alone are worth nothing: they count only on a connection whose certificate is signed by the authority that the
cluster publishes for this purpose, with one of the published names. Whoever sends them otherwise is refused, on record.
Source: ConfigMap kube-system/extension-apiserver-authentication; k8s.io/apiserver, request header authentication.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from kodkod.access import ANONYMOUS, Caller
from kodkod.resources import Object, kinds
from kodkod.server.auth import Authenticator, BadToken, Misused
from kodkod.server.peers import peer_of
from kodkod.store import Resources
from kodkod.store.informer import Informer

NAMESPACE, CONFIG_MAP = "kube-system", "extension-apiserver-authentication"


@dataclass(frozen=True, slots=True)
class Published:
    """What a cluster says of its front proxy. names: empty means that any name of this authority will do."""

    authority: str
    names: frozenset[str]
    user: tuple[str, ...]
    group: tuple[str, ...]
    extra: tuple[str, ...]

    @staticmethod
    def of(data: Mapping[str, str]) -> Published | None:
        """None where the cluster has no front proxy."""
        authority = data.get("requestheader-client-ca-file", "")
        if not authority:
            return None

        def listed(key: str) -> tuple[str, ...]:
            return tuple(map(str, json.loads(data.get(f"requestheader-{key}") or "[]")))

        return Published(
            authority,
            frozenset(listed("allowed-names")),
            listed("username-headers"),
            listed("group-headers"),
            listed("extra-headers-prefix"),
        )


class FrontProxy:
    """Implements `server.auth.Authenticator`: the front proxy's word, else what `direct` says of a bearer token.

    trust: called with the authority's PEM whenever another one is published.
    """

    def __init__(self, resources: Resources, direct: Authenticator, trust: Callable[[str], None]) -> None:
        self._informer = Informer(resources, kinds.CONFIG_MAP, NAMESPACE, field_selector=f"metadata.name={CONFIG_MAP}")
        self._direct = direct
        self._trust = trust
        self.published: Published | None = None

    @property
    def is_synced(self) -> bool:
        """Whether it is known what the cluster publishes, be it nothing."""
        return self._informer.is_synced

    async def run(self) -> None:
        """Follow what the cluster publishes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informer.run())
            async for change in self._informer.changes():
                self._take(change.object if change.type != "DELETED" else None)

    def _take(self, obj: Object | None) -> None:
        found = Published.of((obj or {}).get("data") or {})
        if found is not None and (self.published is None or found.authority != self.published.authority):
            self._trust(found.authority)
        self.published = found

    async def caller_of(self, connection: HTTPConnection) -> Caller:
        published, peer = self.published, peer_of(connection)
        if published is None or not claims(connection.headers, published):
            return await self._direct.caller_of(connection)
        if peer is None or (published.names and peer.common_name not in published.names):
            shown = f"the certificate of {peer.common_name!r}" if peer is not None else "no certificate"
            raise Misused(ANONYMOUS, f"a front proxy's headers came with {shown}")
        return named(connection.headers, published)

    async def caller_of_token(self, token: str) -> Caller:
        return await self._direct.caller_of_token(token)


def claims(headers: Headers, published: Published) -> bool:
    """Whether a request speaks as a front proxy does, rightly or not."""
    return any(name in headers for name in (*published.user, *published.group)) or any(
        name.startswith(prefix.lower()) for name in headers for prefix in published.extra
    )


def named(headers: Headers, published: Published) -> Caller:
    """The caller in a front proxy's headers. Raises BadToken where it names none."""
    user = next((headers[name] for name in published.user if headers.get(name)), "")
    if not user:
        raise BadToken
    groups = next((tuple(headers.getlist(name)) for name in published.group if name in headers), ())
    extra: dict[str, tuple[str, ...]] = {}
    for prefix in published.extra:
        for name in dict.fromkeys(headers.keys()):
            if name.startswith(prefix.lower()):
                extra[unquote(name[len(prefix) :])] = tuple(headers.getlist(name))
    return Caller(user, groups, extra=tuple(sorted(extra.items())))
