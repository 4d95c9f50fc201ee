"""A port that is told to end goes on serving for a moment, if it is to."""

import asyncio
import socket

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kodkod.server.serving import Drain, serve
from kodkod.testing.waiting import until


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


class Beside:
    """Lives beside the port; `ended` once it was cancelled."""

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def answer(port: int) -> str:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as found:
            return await found.text()
    except aiohttp.ClientError:
        return ""


@pytest.mark.parametrize("drains", [True, False])
async def test_it_ends_after_callers_could_hear_of_it(drains: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    app = Starlette(routes=[Route("/", hello)])
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    drain, beside = Drain(2.0) if drains else None, Beside()
    task = asyncio.ensure_future(serve(config, [beside], drain))
    await until(lambda: answer(port), bool)
    task.cancel()
    if drain is not None:
        await asyncio.sleep(0)
        assert (await answer(port), drain.is_draining, beside.ended) == ("hello", True, False)
    await asyncio.wait([task])
    assert (await answer(port), beside.ended) == ("", True)
