"""What does the author ask of the logs? Text → AST (`parse`) → bound to a data set (`bind`) → consumers.

parse(text) -> Query                     positions in every error; `write` prints it canonically
bind(query, dataset, substitutions)      every key known, every value of its class
memory.predicate(bound, dataset)         defines the meaning
duckdb.to_sql(bound)                     must agree with it
"""

from __future__ import annotations

from kodkod.logs.query.ast import And as _And
from kodkod.logs.query.ast import Not as _Not
from kodkod.logs.query.ast import Or as _Or
from kodkod.logs.query.ast import Query, Substitutions, Variable, Within
from kodkod.logs.query.binding import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, HasText, Opposite, bind
from kodkod.logs.query.errors import QueryError
from kodkod.logs.query.memory import Predicate, predicate
from kodkod.logs.query.parser import parse
from kodkod.logs.query.printer import write


def variables(query: Query) -> list[Variable]:
    """Every `${name}` in a query, in order."""
    match query:
        case Within(_, Variable() as variable, _):
            return [variable]
        case _And(operands) | _Or(operands):
            return [found for one in operands for found in variables(one)]
        case _Not(operand):
            return variables(operand)
    return []


__all__ = [
    "EVERYTHING",
    "NOTHING",
    "AllOf",
    "AnyOf",
    "Bound",
    "HasText",
    "Opposite",
    "Predicate",
    "Query",
    "QueryError",
    "Substitutions",
    "bind",
    "parse",
    "predicate",
    "variables",
    "write",
]
