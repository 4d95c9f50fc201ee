"""The selector language: each vector of the specification, bounds, and that printing and parsing agree."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.resources.selector import SelectorError, nodes, parse

VALID = [
    "", " ", "all()", " all( )", "!!has(b)", "a in {}", 'a in {"x",}', 'a notin {"x"}', "a startswith 'x'",
    "has( b)||! has(a )", "a in {\"'\", '\"', \"c\"}", 'in == "x"', 'a/b.c_d-e == "v"',
]  # fmt: skip
INVALID = [
    "b == b", "b contains b", "'b1' == b", "b", "a b", "!", 'foo == "bar" &', 'foo == "bar" |', "foo != ||",
    'foo in {"", ||', 'foo in ""', '"FOO', "\"FOO'", "(", '(a == "foo"', ")", "()", "%", 'a == "b" && %', "a ",
    "has(foo) &&", "has (foo)", 'a == "b"\n', "a" * 513 + ' == "b"',
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_is_read(text: str) -> None:
    parse(text)


@pytest.mark.parametrize("text", INVALID, ids=lambda text: text[:20])
def test_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(SelectorError) as refusal:
        parse(text)
    assert 0 <= refusal.value.offset <= len(text)


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ('a != "b"', {}, True),
        ('a not in {"b"}', {}, True),
        ('!a in {"a"}', {"a": "b"}, True),
        ("!(!has(a) || has(b))", {"a": "a"}, True),
        ('a == "b" && c == "d"', {"a": "b", "c": "e"}, False),
        ('a contains "a"', {"a": "bab"}, True),
        ('a ends with "a"', {"a": "aab"}, False),
        ("global()", {}, True),
        ("", {"x": "y"}, True),
        ('a == "A"', {"a": "a"}, False),
    ],
)
def test_means(text: str, labels: dict[str, str], expected: bool) -> None:
    assert parse(text).matches(labels) is expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", "all()"),
        (" (all() )", "all()"),
        ("! (has( b)||! has(a ))", "!(has(b) || !has(a))"),
        ('! (a == "b"&&! c != "d")', '!(a == "b" && !c != "d")'),
        ("a startswith '\"'", "a starts with '\"'"),
        ('a in {"z", "z", "x", "y", "x", "a"}', 'a in {"a", "x", "y", "z"}'),
    ],
)
def test_prints(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize("text", ["(" * 20_000, "!" * 20_000, "has(a) && " * 6_000, "x" * 100_000])
def test_is_refused_soon_however_deep_or_long(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(SelectorError):
        parse(text)
    assert time.process_time() - begun < 1


labels = st.text("abz019_./-", min_size=1, max_size=12)
values = st.text(st.characters(exclude_characters="\"'"), max_size=12)
leaves = st.one_of(
    st.just(nodes.All()),
    st.just(nodes.Global()),
    st.builds(nodes.Has, labels),
    st.builds(nodes.Equals, labels, values, st.booleans()),
    st.builds(nodes.In, labels, st.frozensets(values, max_size=4), st.booleans()),
    st.builds(nodes.Contains, labels, values),
    st.builds(nodes.StartsWith, labels, values),
    st.builds(nodes.EndsWith, labels, values),
)


def grown(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(nodes.And, several), st.builds(nodes.Or, several))


@given(st.recursive(leaves, grown, max_leaves=12), st.dictionaries(labels, values, max_size=4))
def test_what_is_printed_means_the_same(selector: nodes.Selector, endpoint: dict[str, str]) -> None:
    again = parse(str(selector))
    assert str(again) == str(parse(str(again)))
    assert again.matches(endpoint) is selector.matches(endpoint)
