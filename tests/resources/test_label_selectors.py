"""What `kubectl -l` and `--field-selector` mean."""

import pytest

from kodkod.resources.label_selectors import SelectorTextError, check_fields, of_object, parse_fields, parse_labels

RED = {"team": "red", "tier": "web"}


@pytest.mark.parametrize(
    "text",
    ["", "team=red", "team==red", "team!=blue", "team in (red,x)", "team notin (blue)", "team", "!nope",
     "team in (red),tier!=db", " team = red , tier in ( web ) ", "team=red,"],
)  # fmt: skip
def test_selects(text: str) -> None:
    assert parse_labels(text).matches(RED)


@pytest.mark.parametrize(
    "text", ["team=blue", "team!=red", "nope", "!team", "team in (blue)", "team notin (red)", "x=1"]
)
def test_does_not_select(text: str) -> None:
    assert not parse_labels(text).matches(RED)


@pytest.mark.parametrize("text", ["=", "team in red", "team=red blue", "(a)", "a=b c=d"])
def test_refuses_what_cannot_be_read(text: str) -> None:
    with pytest.raises(SelectorTextError):
        parse_labels(text)


def test_reads_the_form_of_manifests() -> None:
    selector = of_object(
        {"matchLabels": {"team": "red"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}
    )
    assert selector.matches(RED)
    assert not selector.matches({"team": "red"})


def test_fields_are_compared_as_text() -> None:
    pod = {"metadata": {"name": "a"}, "status": {"phase": "Running"}, "spec": {"unschedulable": True}}
    assert parse_fields("metadata.name=a,status.phase!=Pending,").matches(pod)
    assert parse_fields("spec.unschedulable=true").matches(pod)
    assert not parse_fields("metadata.name==b").matches(pod)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(SelectorTextError, match=r"field label not supported: spec\.foo"):
        check_fields(parse_fields("spec.foo=x"), {"metadata.name"}.__contains__)
