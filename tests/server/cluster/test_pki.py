"""One authority for an installation: made once, renewed in time, served without a restart."""

import asyncio
import ssl
from datetime import timedelta

from kodkod.resources import kinds
from kodkod.server.cluster.pki import Keys, Pki, Publication, current, names
from kodkod.server.cluster.tls import Serving
from kodkod.testing.clock import SimulatedClock
from kodkod.testing.waiting import until

from .conftest import SmallCluster

HOSTS = names("kodkod-system")


async def test_whoever_starts_first_makes_it_and_all_get_the_same(cluster: SmallCluster, clock: SimulatedClock) -> None:
    server, face = (Pki(cluster, "kodkod-system", clock) for _ in range(2))
    first, second = await asyncio.gather(server.ensure(), face.ensure())
    assert first == second
    secret = await cluster.get(kinds.SECRET, "kodkod-tls", "kodkod-system")
    assert Keys.of(secret) == first


def test_leaves_are_renewed_a_month_before_they_end_and_the_authority_stays(clock: SimulatedClock) -> None:
    made = current(None, HOSTS, clock.now())
    assert current(made, HOSTS, clock.now() + timedelta(days=334)) == made
    renewed = current(made, HOSTS, clock.now() + timedelta(days=336))
    assert (renewed.authority, renewed.server != made.server) == (made.authority, True)


def test_a_further_name_needs_another_certificate(clock: SimulatedClock) -> None:
    made = current(None, HOSTS, clock.now())
    assert current(made, [*HOSTS, "kodkod.example.org"], clock.now()).server != made.server


async def test_the_secret_is_renewed_and_whoever_serves_is_told(cluster: SmallCluster, clock: SimulatedClock) -> None:
    told: list[Keys] = []
    pki = Pki(cluster, "kodkod-system", clock, on_change=[told.append])
    first = await pki.ensure()
    clock.advance(timedelta(days=340).total_seconds())
    task = asyncio.ensure_future(pki.run())

    async def count() -> int:
        return len(told)

    await until(count, lambda number: number > 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told[0].authority == first.authority
    assert told[0].server != first.server
    assert Keys.of(await cluster.get(kinds.SECRET, "kodkod-tls", "kodkod-system")) == told[0]


async def test_the_authority_is_published_where_its_clients_are(cluster: SmallCluster, clock: SimulatedClock) -> None:
    publication = Publication(cluster, ["kodkod-system", "tigera-dpi"])
    task = asyncio.ensure_future(publication.run())
    keys = current(None, HOSTS, clock.now())
    publication.take(keys)

    async def published() -> list[str]:
        found = await cluster.list(kinds.CONFIG_MAP)
        return [item["data"]["ca.crt"] for item in found.items if item["metadata"]["name"] == "kodkod-ca"]

    assert await until(published, lambda found: len(found) == 2) == [keys.authority.decode()] * 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_new_certificate_is_shown_without_a_restart(clock: SimulatedClock) -> None:
    made = current(None, HOSTS, clock.now())
    serving = Serving(made)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=serving.context)
    port = server.sockets[0].getsockname()[1]
    before = await shown(port)
    renewed = current(made, [*HOSTS, "kodkod.example.org"], clock.now())
    serving.take(renewed)
    after = await shown(port)
    server.close()
    assert before == ssl.PEM_cert_to_DER_cert(made.server.decode())
    assert after == ssl.PEM_cert_to_DER_cert(renewed.server.decode())


async def shown(port: int) -> bytes | None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    certificate: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return certificate
