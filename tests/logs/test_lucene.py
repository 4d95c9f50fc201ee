"""What do query strings mean, as people type them into `q=` and Kibana's box?"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.logs.datasets import EVENTS, FLOWS
from kodkod.logs.lucene import Manner, bind, parse
from kodkod.logs.lucene.moments import moment
from kodkod.logs.query import QueryError, predicate

NOW = datetime(2026, 11, 25, 12, 30, 15, tzinfo=UTC)
EVENT = {
    "id": "dev_dpi_1",
    "time": int(NOW.timestamp()) - 600,
    "type": "deep_packet_inspection",
    "origin": "dpi.dev/sample-dpi",
    "name": "Signature Triggered Alert",
    "description": "Signature Triggered Alert: MALWARE-BACKDOOR Perl.Backdoor.PULSECHECK variant (1:57461:1)",
    "severity": 100,
    "source_ip": "10.240.0.66",
    "source_namespace": "dev",
    "source_name_aggr": "netshoot-7c9-*",
    "dest_port": 8080,
    "record": {"snort_signature_id": "57461", "snort_alert": "[**] trojan [**]", "priority": 1},
}


def answers(text: str, *, default_and: bool = False, fields: tuple[str, ...] = ()) -> bool:
    bound = bind(parse(text, default_and=default_and), EVENTS, Manner(NOW, fields))
    return predicate(bound, EVENTS)(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*:*",
        "Signature",
        "signature",
        "PULSECHECK",
        "57461",
        "trojan",
        "8080",
        "10.240.0.66",
        "10.240.0.0/16",
        "Sig*",
        "p?lsecheck",
        "dpi.dev/sample-dpi",
        '"Signature Triggered Alert"',
        '"triggered alert"',
        "nonsense Signature",
        "type:deep_packet_inspection",
        "type:deep*",
        'type:"deep_packet_inspection"',
        "type:(global_alert OR deep_packet_inspection)",
        "type.keyword:deep_packet_inspection",
        "name:signature",
        'description:"MALWARE-BACKDOOR Perl"',
        "description:pulse*",
        "severity:100",
        "severity:>50",
        "severity:>=100",
        "severity:[50 TO 100]",
        "severity:[50 TO *]",
        "severity:{99 TO 100]",
        "severity:>50 AND type:deep_packet_inspection",
        "severity:>50 && NOT type:global_alert",
        "+severity:>50 -type:global_alert",
        "!type:global_alert",
        "time:[now-15m TO now]",
        "time:>now-1h",
        "time:>=2026-11-25",
        "time:2026-11-25",
        "time:[2026-11-25 TO 2026-11-25]",
        "@timestamp:[2026-11-25T12:00:00Z TO 2026-11-25T13:00:00Z]",
        'time:["2026-11-25 12:00:00" TO *]',
        "source_ip:10.240.0.0/16",
        'source_ip:"10.240.0.66"',
        "_exists_:source_ip",
        "source_ip:*",
        "NOT _exists_:dest_ip",
        "record.snort_signature_id:57461",
        "record.snort_alert:trojan",
        "_id:dev_dpi_1",
        r"origin:dpi.dev\/sample-dpi",
        r"origin:\dpi.*",
        "Signature^2",
        "source_name_aggr:netshoot-7c9-\\*",
        "source_namespace:dev OR nonsense",
    ],
)
def test_this_event_is_found_by(text: str) -> None:
    assert answers(text)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "Signa",
        "snort_alert",
        '"Alert Triggered"',
        "type:DEEP_packet_inspection",
        "source_namespace:de",
        "severity:>100",
        "severity:{50 TO 100}",
        "severity:[* TO 99]",
        "Signature AND nonsense",
        "+nonsense Signature",
        "Signature -severity:100",
        "NOT Signature",
        "time:[now-5m TO now]",
        "time:>2026-11-25",
        "time:2026-11-24",
        "source_ip:10.241.0.0/16",
        "_exists_:dest_ip",
        "dest_ip:*",
        "type:(global_alert OR waf)",
        # As Lucene reads it: an optional clause counts only where none is required.
        "Signature OR nonsense AND other",
        "Signature OR nonsense AND severity:100",
    ],
)
def test_this_event_is_not_found_by(text: str) -> None:
    assert not answers(text)


def test_the_default_operator_and_the_default_fields_are_the_askers() -> None:
    assert answers("Signature nonsense")
    assert not answers("Signature nonsense", default_and=True)
    assert answers("Signature OR nonsense", default_and=True)
    assert answers("dev", fields=("source_namespace",))
    assert not answers("dev", fields=("dest_namespace",))


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("nam:x", 0, 'unknown field "nam"'),
        ("severity:high", 9, "a number expected"),
        ("severity:>", 10, "a value after the comparison expected"),
        ("severity:[1 2]", 12, '"TO" expected'),
        ("severity:[1 TO 2", 16, '"]" or "}" expected'),
        ("[1 TO 2]", 0, "a range needs a field"),
        ("name:>5", 0, "not allowed for keyword"),
        ("name:/sig.*/", 5, "regular expressions are not supported"),
        ("signatur~1", 8, "fuzzy"),
        ('"a b"~2', 5, "fuzzy"),
        ('"open', 0, "quote that does not end"),
        ("(a OR b", 7, "unbalanced bracket"),
        ("a)", 1, 'unexpected ")"'),
        ("()", 0, "nothing stands between"),
        ("AND a", 0, "nothing before it"),
        ("a AND", 5, "a word or phrase expected"),
        ("type:", 5, "a value expected at the end"),
        ("time:soon", 5, "a date expected"),
        ("source_ip:ten", 10, "an IP address or CIDR expected"),
        ("{a", 2, '"TO" expected'),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(text: str, offset: int, said: str) -> None:
    with pytest.raises(QueryError) as refusal:
        bind(parse(text), EVENTS, Manner(NOW))
    assert said in refusal.value.message
    assert refusal.value.offset == offset


@pytest.mark.parametrize("text", ["(" * 20_000, "a:" * 8_000, "NOT " * 4_000, "a " * 8_000, "a" * 20_000, "[" * 20_000])
def test_texts_made_to_exhaust_us_are_refused_or_answered_at_once(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(QueryError):
        bind(parse(text), EVENTS, Manner(NOW))
    assert time.process_time() - begun < 1


@given(st.text(alphabet='ab:*?"()[]{}<>=+-!\\/~^ANDORTO 19._&|', max_size=24))
def test_any_text_is_answered_or_refused_with_a_place(text: str) -> None:
    try:
        bound = bind(parse(text), FLOWS, Manner(NOW))
    except QueryError as error:
        assert 0 <= error.offset <= len(text)
    else:
        predicate(bound, FLOWS)({"source_namespace": "a"})


@pytest.mark.parametrize(
    ("text", "to_end", "expected"),
    [
        ("now", False, "2026-11-25T12:30:15+00:00"),
        ("now-1h", False, "2026-11-25T11:30:15+00:00"),
        ("now-1d/d", False, "2026-11-24T00:00:00+00:00"),
        ("now/d+6h", False, "2026-11-25T06:00:00+00:00"),
        ("now/d", True, "2026-11-25T23:59:59.999000+00:00"),
        ("now/w", False, "2026-11-23T00:00:00+00:00"),
        ("now-1M/M", False, "2026-10-01T00:00:00+00:00"),
        ("now+1y/y", False, "2027-01-01T00:00:00+00:00"),
        ("now-9M", False, "2026-02-25T12:30:15+00:00"),
    ],
)
def test_date_math(text: str, to_end: bool, expected: str) -> None:
    assert moment(text, NOW, to_end=to_end) == datetime.fromisoformat(expected).timestamp()


@pytest.mark.parametrize("text", ["soon", "now-", "now-1x", "now-999999999y", "NOW", "2026-11-25||/d"])
def test_what_is_no_date_math(text: str) -> None:
    assert moment(text, NOW) is None
