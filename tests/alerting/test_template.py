"""How do summaries become sentences? (alerts-and-logs 1.5)"""

from __future__ import annotations

import pytest

from kodkod.alerting.template import TemplateError, parse


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("plain", {}, "plain"),
        ("", {}, ""),
        ("${a}/${b.c}", {"a": "dev", "b.c": "x-*"}, "dev/x-*"),
        ("${sum} of ${avg}", {"sum": 4.0, "avg": 3.5}, "4 of 3.5"),
        ("${sum}", {"sum": 1e21}, "1000000000000000000000"),
        ("${a}", {"a": None}, "-"),
        ("${a}", {}, "-"),
        ("$${a} costs $5", {"a": "x"}, "${a} costs $5"),
        ("$$${a}", {"a": "x"}, "$${a}"),
    ],
)
def test_rendering(source: str, values: dict[str, object], text: str) -> None:
    assert parse(source).render(values) == text


@pytest.mark.parametrize(("source", "offset"), [("ab ${c", 3), ("${}", 0), ("x ${a ${b}", 2)])
def test_a_broken_variable_is_refused_with_its_place(source: str, offset: int) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(source)
    assert caught.value.offset == offset


def test_an_inserted_value_is_never_read_as_a_variable() -> None:
    assert parse("${a}").render({"a": "${b}", "b": "secret"}) == "${b}"
