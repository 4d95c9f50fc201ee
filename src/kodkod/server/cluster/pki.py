"""Whom do the parts of an installation trust? One authority of our own, in a Secret that whoever starts first makes.

    Secret kodkod-tls       ca.crt ca.key      the authority; lives ten years
                            tls.crt tls.key    what server and face show, under the names of their Services
                            client.crt .key    what the server shows to agents' file servers
    ConfigMap kodkod-ca     ca.crt             for everybody who calls them

They are in no manifest: an upgrade leaves them, and nobody but the cluster ever holds the keys. Leaves are renewed a
month before they end.
"""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from kodkod.clock import Clock
from kodkod.resources import Object, kinds
from kodkod.server import certificates
from kodkod.server.cluster import telemetry
from kodkod.store import Resources
from kodkod.store.errors import AlreadyExists, Conflict, NotFound, StoreError

SECRET, CONFIG_MAP = "kodkod-tls", "kodkod-ca"
SERVICES = ("kodkod-server", "kodkod-face")
CLIENT = "kodkod-server"
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
LOOK_S = 60.0
RETRY_S = 5.0
PAUSE_S = 0.1
ATTEMPTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Keys:
    """PEM texts."""

    authority: bytes
    authority_key: bytes
    server: bytes
    server_key: bytes
    client: bytes
    client_key: bytes

    @staticmethod
    def of(secret: Object) -> Keys | None:
        """None for a Secret that nobody has filled yet."""
        data = secret.get("data") or {}
        if not all(data.get(name) for name in FIELDS):
            return None
        return Keys(*(base64.b64decode(data[name]) for name in FIELDS))

    @property
    def data(self) -> dict[str, str]:
        texts = (
            self.authority, self.authority_key, self.server, self.server_key, self.client, self.client_key,
        )  # fmt: skip
        return {name: base64.b64encode(text).decode() for name, text in zip(FIELDS, texts, strict=True)}


FIELDS = ("ca.crt", "ca.key", "tls.crt", "tls.key", "client.crt", "client.key")


def names(namespace: str) -> list[str]:
    """What server and face are called inside the cluster, and by whoever forwards a port."""
    found = ["localhost", "127.0.0.1", "::1"]
    for service in SERVICES:
        inside = f"{service}.{namespace}"
        found += [service, inside, f"{inside}.svc", f"{inside}.svc.cluster.local"]
    return found


def current(keys: Keys | None, hosts: Sequence[str], now: datetime) -> Keys:
    """The keys as they should be now: the same, with leaves made anew where they end soon or lack a name."""
    if keys is None:
        authority, authority_key = certificates.authority(now)
        return renewed(authority, authority_key, hosts, now)
    ends = min(_end(keys.server), _end(keys.client))
    if ends - now > RENEW_BEFORE and certificates.covers(keys.server, hosts):
        return keys
    return renewed(keys.authority, keys.authority_key, hosts, now)


def renewed(authority: bytes, authority_key: bytes, hosts: Sequence[str], now: datetime) -> Keys:
    pair = (authority, authority_key)
    server = certificates.signed(pair, "kodkod", now, hosts=hosts, is_server=True, valid_for=LEAF_LIFE)
    client = certificates.signed(pair, CLIENT, now, is_server=False, valid_for=LEAF_LIFE)
    return Keys(authority, authority_key, *server, *client)


def _end(certificate: bytes) -> datetime:
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


class Pki:
    """Makes, reads and renews the Secret. on_change: called with the keys at the start and when they change."""

    def __init__(
        self, resources: Resources, namespace: str, clock: Clock, hosts: Sequence[str] = (),
        on_change: Sequence[Callable[[Keys], None]] = (),
    ) -> None:  # fmt: skip
        """hosts: names beside those of the Services (an ingress, a load balancer)."""
        self._resources = resources
        self._namespace = namespace
        self._clock = clock
        self._hosts = [*names(namespace), *hosts]
        self.on_change = list(on_change)

    async def ensure(self) -> Keys:
        """The keys, made or renewed if need be. Several may ask at once: one makes them, all get the same.

        Raises StoreError.
        """
        for _ in range(ATTEMPTS_MAX):
            try:
                secret = await self._resources.get(kinds.SECRET, SECRET, self._namespace)
            except NotFound:
                secret = None
            known = Keys.of(secret) if secret is not None else None
            wanted = current(known, self._hosts, self._clock.now())
            if wanted == known:
                return wanted
            try:
                if secret is None:
                    await self._create(wanted)
                else:
                    await self._resources.update(kinds.SECRET, {**secret, "data": wanted.data}, field_manager="kodkod")
                    telemetry.certificates_renewed()
                return wanted
            except (AlreadyExists, Conflict):
                # Somebody else was faster: theirs are read in the next round.
                await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.5))
        raise Conflict(f"Secret {self._namespace}/{SECRET} changes all the time", name=SECRET)

    async def _create(self, keys: Keys) -> None:
        secret = {
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": keys.data,
            "metadata": {"name": SECRET, "namespace": self._namespace, "labels": LABELS},
        }  # fmt: skip
        await self._resources.create(kinds.SECRET, secret, self._namespace, field_manager="kodkod")

    async def run(self) -> None:
        """Look now and then whether somebody renewed it, or a leaf ends soon.

        It is read, not watched: a right to this one Secret is all that is needed.
        """
        told: Keys | None = None
        while True:
            wait_s = LOOK_S
            try:
                keys = await self.ensure()
                if keys != told:
                    for tell in self.on_change:
                        tell(keys)
                    told = keys
            except StoreError as error:
                telemetry.certificates_not_kept(str(error))
                wait_s = RETRY_S
            await asyncio.sleep(wait_s)


async def awaited(pki: Pki) -> Keys:
    """The keys, however long it takes until the cluster answers and lets us read them."""
    while True:
        try:
            return await pki.ensure()
        except StoreError as error:
            telemetry.certificates_not_kept(str(error))
            await asyncio.sleep(RETRY_S)


class Publication:
    """Keeps the authority's certificate in the ConfigMap of some namespaces. `run` is its task."""

    def __init__(self, resources: Resources, namespaces: Sequence[str]) -> None:
        self._resources = resources
        self._namespaces = namespaces
        self._authority = ""
        self._changed = asyncio.Event()

    def take(self, keys: Keys) -> None:
        self._authority = keys.authority.decode()
        self._changed.set()

    async def run(self) -> None:
        """Write where it differs; a namespace that is not there yet is tried again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._published():
                self._changed.set()
                await asyncio.sleep(RETRY_S)

    async def _published(self) -> bool:
        done = True
        for namespace in self._namespaces:
            try:
                await publish(self._resources, namespace, self._authority)
            except NotFound:
                done = False
            except StoreError as error:
                telemetry.certificates_not_kept(str(error))
                done = False
        return done


async def publish(resources: Resources, namespace: str, authority: str) -> None:
    """Raises StoreError; NotFound where there is no such namespace."""
    try:
        known = await resources.get(kinds.CONFIG_MAP, CONFIG_MAP, namespace)
    except NotFound:
        config_map = {
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": authority},
            "metadata": {"name": CONFIG_MAP, "namespace": namespace, "labels": LABELS},
        }  # fmt: skip
        await resources.create(kinds.CONFIG_MAP, config_map, namespace, field_manager="kodkod")
        return
    if (known.get("data") or {}).get("ca.crt") != authority:
        patch = {"data": {"ca.crt": authority}}
        await resources.patch(kinds.CONFIG_MAP, CONFIG_MAP, patch, namespace, field_manager="kodkod")


LABELS = {"app.kubernetes.io/name": "kodkod", "app.kubernetes.io/managed-by": "kodkod"}
