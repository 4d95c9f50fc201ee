"""What does a query's text mean, and how is a wrong one told? Vectors of alerts-and-logs 3.8 and 10.1."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.logs.datasets import ALL, AUDIT, DNS, EVENTS, FLOWS
from kodkod.logs.query import QueryError, bind, parse, predicate, write
from kodkod.logs.query.ast import And, Comparator, Compare, Everything, Key, Not, Or, Pattern, Value, Wildcard, Within

SEEN_IN_THE_WILD = [
    ("dns", "count > 0"),
    ("dns", '"servers.ip" = "127.0.0.1"'),
    ("dns", "count > 100 AND client_name=mypod"),
    ("dns", "client_namespace = ns1 OR client_namespace = ns2"),
    ("dns", "count > 100 AND NOT (client_namespace = ns1 OR client_namespace = ns2)"),
    ("dns", "(qtype = A OR qtype = AAAA) AND rcode != NoError"),
    ("flows", 'process_name IN {"proc1?", "*proc2"} AND source_namespace = ns1'),
    ("dns", "qname NOTIN ${domains}"),
    (
        "flows",
        '("dest_labels.labels"="security=strict" AND "dest_namespace"="dev") AND "source_namespace"!="dev" AND '
        '"proto"="tcp" AND (("action"="allow" AND ("reporter"="dst" OR "reporter"="src")) OR '
        '("action"="deny" AND "reporter"="src"))',
    ),
    ("waf", '"rule_info" IN {"*942100*"}'),
    ("flows", 'dest_name_aggr="threatfeed.ofac-sanctions"'),
    ("flows", '(source_name = "ip-address-list")'),
    (
        "flows",
        '("dest_port" != 53 AND ("dest_namespace" = "kube-system" AND "dest_labels.labels" = "k8s-app=kube-dns"))',
    ),
    ("dns", "qname NOTIN ${domains} AND client_namespace IN ${namespaces}"),
    ("events", 'origin = "x" and source_namespace = "y"'),
    ("events", "type=waf"),
    ("flows", 'dest_namespace = "x" OR dest_service_namespace = "x" OR source_namespace = "x"'),
    (
        "audit",
        '(verb=create OR verb=update OR verb=delete OR verb=patch) AND "objectRef.resource"=globalnetworksets',
    ),
    (
        "flows",
        'dest_labels="application=postgres" AND source_type=net AND action=allow AND proto=tcp AND dest_port=5432',
    ),
    ("vulnerability", 'registry="quay.io/tigera" AND repository="node" AND result="Fail"'),
    ("flows", "process_name NOTIN ${names}    AND\n source_namespace IN ${namespaces}"),
]
LISTS = {"domains": ("*cluster.local",), "namespaces": ("java-app",), "names": ("-", "/apiserver")}


@pytest.mark.parametrize(("dataset", "text"), SEEN_IN_THE_WILD)
def test_queries_seen_in_the_wild_fit_their_data_set(dataset: str, text: str) -> None:
    bind(parse(text), ALL[dataset], LISTS)


@pytest.mark.parametrize(
    ("text", "offset", "words", "hint"),
    [
        ("qname IN {}", 9, "empty set", "name at least one"),
        ('qname IN "a"', 9, "set is expected", '{"a", "b"}'),
        ("dest_namespace=kube-system", 19, 'unexpected "-"', 'quote it: "kube-system"'),
        ("source_ip=10.0.0.1", 14, "unexpected", 'quote it: "10.0.0.1"'),
        ("action==allow", 6, "no operator", 'write "="'),
        ("action=allow && reporter=src", 13, "no operator", 'write "AND"'),
        ("action=allow || reporter=src", 13, "no operator", 'write "OR"'),
        ("!action=allow", 0, "no operator", "NOT"),
        ("(action=allow", 13, "unbalanced bracket", None),
        ("action=allow)", 12, "unbalanced bracket", None),
        ("action=", 7, "a value expected", None),
        ("action=not", 7, "keyword", 'quote it: "not"'),
        ("action=allow reporter=src", 13, '"AND" or "OR" expected', None),
        ('dest_name="open', 10, "quote that does not end", "close it"),
        ("qname=${list}", 6, "right of IN or NOTIN", None),
        ("qname IN ${}", 9, "without a name", None),
    ],
)
def test_a_text_that_cannot_be_read_says_where_and_what_was_meant(
    text: str, offset: int, words: str, hint: str | None
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert words in caught.value.message
    assert hint is None or (caught.value.hint is not None and hint in caught.value.hint)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=b", 'unknown field "a" for data set flows'),
        ("bytes_in > abc", "a number expected"),
        ("proto > tcp", 'operator ">" is not allowed'),
        ("reporter=up", "allowed values: src, dst, fwd"),
        ('source_ip="ten"', "an IP address or CIDR expected"),
        ('source_ip IN {"10.*"}', "wildcards are not allowed"),
        ("end_time > yesterday", "a date expected"),
        ("end_time IN {1}", "IN is not allowed for date"),
        ("dest_name IN ${none}", "no substitution none"),
        ("dest_name IN ${empty}", "substitution empty has no values"),
    ],
)
def test_a_query_that_does_not_fit_the_flows_is_refused(text: str, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        bind(parse(text), FLOWS, {"empty": ()})
    assert words in caught.value.message


def test_an_unknown_field_comes_with_close_names() -> None:
    with pytest.raises(QueryError) as caught:
        bind(parse('dest_namespce="a"'), FLOWS)
    assert caught.value.hint is not None
    assert '"dest_namespace"' in caught.value.hint


def test_precedence_is_not_then_and_then_or() -> None:
    assert parse("a=1 OR b=2 AND NOT c=3") == parse("a=1 OR (b=2 AND (NOT c=3))")
    assert parse("NOT a=1 AND b=2") == parse("(NOT a=1) AND b=2")
    assert parse("NOT (a=1 AND b=2)") != parse("NOT a=1 AND b=2")


def test_quotes_and_white_space_do_not_matter() -> None:
    assert parse("\"dest_port\"='22'") == parse("dest_port=22") == parse('  dest_port\n=  "22" ')
    assert parse('qname in {"a"}') == parse("qname IN {a}")


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "(" * 20_000 + "a=b" + ")" * 20_000, "NOT " * 20_000 + "a=b", "a IN {" + "b," * 20_000 + "b}"],
)
def test_texts_made_to_exhaust_us_are_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(QueryError):
        parse(text)
    assert time.process_time() - started < 1


FLOW = {
    "start_time": 1_700_000_000, "end_time": 1_700_000_010, "action": "allow", "reporter": "src", "proto": "tcp",
    "source_ip": "10.0.0.7", "dest_ip": "2001:DB8::1", "source_namespace": "dev", "dest_port": 443, "bytes_in": 0,
    "dest_labels": {"labels": ["app=nginx", "zone=trusted"]}, "dest_domains": ["WWW.Example.com."],
    "policies": {"enforced_policies": ["0|default|dev/default.allow|allow|0"]}, "nat_outgoing_ports": [1, 2],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", True),
        ('"dest_labels.labels" = "app=nginx"', True),
        ('dest_labels = "app=nginx"', True),
        ('"dest_labels.app" = nginx', True),
        ('"dest_labels.app" IN {"ng*"}', True),
        ('"dest_labels.app" != nginx', False),
        ('"dest_labels.labels" != "zone=trusted"', False),
        ('"dest_labels.labels" != "zone=other"', True),
        ('"dest_labels.labels" NOTIN {"zone=*"}', False),
        ('process_name != "x"', True),
        ('process_name NOTIN {"*"}', True),
        ("NOT process_name = x", True),
        ("bytes_out > 0", False),
        ("NOT bytes_out > 0", True),
        ("bytes_in = 0", True),
        ("bytes_in != 0", False),
        ("dest_port = '443'", True),
        ("dest_port IN {80, 443}", True),
        ("nat_outgoing_ports > 1", True),
        ('source_ip = "10.0.0.0/24"', True),
        ('source_ip != "10.0.0.0/24"', False),
        ('source_ip IN {"10.1.0.0/16", "10.0.0.7"}', True),
        ('dest_ip = "2001:db8:0:0::1"', True),
        ('dest_ip = "2001:db8::/32"', True),
        ('dest_domains = "www.example.COM"', True),
        ('dest_domains IN {"*.example.com"}', True),
        ("action = ALLOW", True),
        ('end_time >= "2023-11-14"', True),
        ('end_time < "2023-11-14 22:13:30"', False),
        ('policies IN {"*|allow|*"}', True),
        ('"policies.pending_policies" IN {"*"}', False),
        ('"source_namespace.keyword" = dev', True),
        ('source_namespace IN {"D*"}', False),
        ('source_namespace IN {"??v"}', True),
        ('source_namespace IN {"d\\*"}', False),
    ],
)
def test_what_a_flow_answers(text: str, answer: bool) -> None:
    assert predicate(bind(parse(text), FLOWS), FLOWS)(FLOW) is answer


def test_dns_codes_match_without_regard_to_case_and_names_as_names() -> None:
    record = {
        "rcode": "ServFail",
        "qname": "x.MyDomain.com",
        "client_labels": ["app=web"],
        "rrsets": [{"rdata": ["a"]}],
    }
    for text in ("rcode=SERVFAIL", 'qname IN {"?.mydomain.com"}', '"client_labels.app"=web', '"rrsets.rdata"=a'):
        assert predicate(bind(parse(text), DNS), DNS)(record)
    assert not predicate(bind(parse('qname IN {"?.mydomain.com"}'), DNS), DNS)({"qname": "xy.mydomain.com"})
    assert predicate(bind(parse('qname = "bücher.example"'), DNS), DNS)({"qname": "xn--bcher-kva.example"})


def test_open_parts_answer_equality_on_any_path() -> None:
    record = {
        "requestObject": {"spec": {"nets": ["10.0.0.0/8"]}},
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    for text in ('"requestObject.spec.nets"="10.0.0.0/8"', '"annotations.authorization.k8s.io/decision"=allow'):
        assert predicate(bind(parse(text), AUDIT), AUDIT)(record)
    event = {"id": "a", "record": {"snort_signature_id": "57461"}}
    assert predicate(bind(parse('"record.snort_signature_id" = "57461" AND _id = a'), EVENTS), EVENTS)(event)


texts = st.text(max_size=12)
keys = st.builds(Key, texts)
patterns = st.lists(st.one_of(texts.filter(bool), st.sampled_from(Wildcard)), max_size=4)


def _pattern(parts: list[str | Wildcard]) -> Pattern:
    """As the parser makes them: neighbouring texts are one, neighbouring stars too."""
    joined: list[str | Wildcard] = []
    for part in parts:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        elif not (joined and part is Wildcard.MANY and joined[-1] is Wildcard.MANY):
            joined.append(part)
    return Pattern(tuple(joined))


leaf = st.one_of(
    st.builds(Compare, keys, st.sampled_from(Comparator), st.builds(Value, texts)),
    st.builds(Within, keys, st.lists(patterns.map(_pattern), min_size=1, max_size=3).map(tuple), st.booleans()),
)
trees = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(st.one_of(st.just(Everything()), trees))
def test_what_is_printed_reads_back_the_same(tree: object) -> None:
    assert parse(write(tree)) == tree  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 0 <= error.offset <= len(text)
