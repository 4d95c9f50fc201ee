"""How does `/v1` say no? One shape: a code that is part of the contract, a message and, where we can guess, a hint."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from kodkod.logs.errors import BadCursor, BadSort, LogsError, QueryTimedOut, RecordRefused, UnknownDataset
from kodkod.logs.query import QueryError
from kodkod.server.kube.answers import CODES
from kodkod.store.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, StoreError, Unavailable


class ProblemBody(BaseModel):
    """What a refusal looks like."""

    code: str
    """One word, stable: forbidden, not_found, conflict, invalid, bad_query, bad_request, too_large, timed_out,
    unavailable."""
    message: str
    hint: str | None = None
    offset: int | None = None
    """Where in the query, in characters from 0."""


class Problem(Exception):
    def __init__(self, status: int, code: str, message: str, hint: str | None = None, offset: int | None = None):
        super().__init__(message)
        self.status = status
        self.body = ProblemBody(code=code, message=message, hint=hint, offset=offset)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody} for status in (400, 403, 404, 409, 413, 422, 503, 504)
}


class ProblemRoute(APIRoute):
    """A route whose errors, the rooms' included, are told in that shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return answer(Problem(422, "bad_request", _first(error)))
            except (Problem, LogsError, QueryError, StoreError, OSError) as error:
                return answer(problem_of(error))

        return told


def answer(problem: Problem) -> Response:
    return JSONResponse(problem.body.model_dump(exclude_none=True), problem.status)


def problem_of(error: Exception) -> Problem:
    """An inner room's error in the words of HTTP."""
    match error:
        case Problem():
            return error
        case QueryError(message=message, hint=hint, offset=offset):
            return Problem(400, "bad_query", message, hint, offset)
        case UnknownDataset():
            return Problem(404, "not_found", str(error))
        case BadCursor() | BadSort() | RecordRefused():
            return Problem(400, "bad_request", str(error))
        case QueryTimedOut():
            return Problem(504, "timed_out", str(error))
        case StoreError(message=message):
            return Problem(CODES.get(type(error), 500), word_of(error), message)
    return Problem(503, "unavailable", "the log store cannot answer now; try again")


def word_of(error: StoreError) -> str:
    match error:
        case NotFound():
            return "not_found"
        case AlreadyExists() | Conflict():
            return "conflict"
        case Invalid():
            return "invalid"
        case Forbidden():
            return "forbidden"
        case Unavailable():
            return "unavailable"
    return "bad_request"


def _first(error: RequestValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
