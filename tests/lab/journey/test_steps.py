"""When is a step of the journey done? Checks that are content with the right answer only."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest

from kodkod.lab import workshop
from kodkod.lab.journey import steps, texts
from kodkod.lab.journey.runner import perform
from kodkod.lab.journey.steps import Answer, Check, Step


def said(output: str, code: int = 0) -> Answer:
    return Answer(code, output, "")


EVENT = {
    "name": "Signature Triggered Alert",
    "origin": "dpi.dev/nginx-dpi",
    "dest_port": 8080,
    "record": {"snort_signature_id": "57461", "objectRef.name": "set"},
}
WANTED = {"origin": "dpi.dev/nginx-dpi", "record.snort_signature_id": "57461", "dest_port": "8080"}


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        pytest.param(steps.succeeds, said(""), id="succeeds"),
        pytest.param(steps.says("^b"), said("a\nb"), id="says, on any line"),
        pytest.param(steps.applied("x.y"), said("globalalert.projectcalico.org/x.y unchanged\n"), id="applied again"),
        pytest.param(steps.is_silent_about("x"), said("y"), id="silent"),
        pytest.param(steps.events(WANTED), said(json.dumps({"items": [EVENT]})), id="an event of ours"),
        pytest.param(
            steps.events(WANTED), said(json.dumps({"hits": {"hits": [{"_source": EVENT}]}})), id="an event of _search"
        ),
    ],
)
def test_content(check: Check, answer: Answer) -> None:
    assert check(answer) == ""


@pytest.mark.parametrize(
    ("check", "answer", "names"),
    [
        pytest.param(steps.succeeds, said("", 3), "exit code 3", id="a failure"),
        pytest.param(steps.says("^b"), said("b", 1), "exit code 1", id="said, but failed"),
        pytest.param(steps.says("^b", "c"), said("ab"), "^b, c", id="not said"),
        pytest.param(steps.applied("x.y"), said("globalalert/xay created"), "x", id="a dot is a dot"),
        pytest.param(steps.is_silent_about("x"), said("x"), "still", id="still there"),
        pytest.param(steps.events(WANTED), said(json.dumps({"items": []})), "57461", id="no event"),
        pytest.param(steps.events(WANTED), said("<html>"), "57461", id="no JSON"),
        pytest.param(
            steps.events(WANTED | {"dest_port": "80"}), said(json.dumps({"items": [EVENT]})), "80", id="another port"
        ),
    ],
)
def test_not_content_and_says_why(check: Check, answer: Answer, names: str) -> None:
    assert names in check(answer)


@pytest.mark.parametrize("signatures", [texts.COMMUNITY, texts.STARTER], ids=["community", "starter"])
def test_both_texts_are_walked_whole_and_in_order(signatures: texts.Signatures) -> None:
    labels = list(dict.fromkeys(step.label for step in texts.whole(signatures, None)))
    assert labels == [
        "P1", "P2", "P3", *(f"A{number}" for number in range(1, 13)), *(f"B{number}" for number in range(1, 6)),
    ]  # fmt: skip


def test_every_manifest_that_a_command_names_exists() -> None:
    named = [
        word.removeprefix("demo/")
        for step in texts.whole(texts.STARTER, None)
        for word in step.command.split()
        if word.startswith("demo/")
    ]
    assert len(named) >= 8
    assert all((workshop.examples() / name).exists() for name in named), named


def test_a_walk_goes_on_after_a_miss_and_remembers(tmp_path: Path) -> None:
    told = StringIO()
    walked = perform(
        [
            Step("1", "echo v7", "a version", steps.says("v7"), remember="VERSION"),
            Step("2", "false", "it works", steps.succeeds),
            Step("3", 'echo "$VERSION"', "the version again", steps.says("^v7$")),
        ],
        {"PATH": "/usr/bin:/bin"},
        tmp_path,
        told,
    )
    assert (walked.happened, walked.missed, walked.whole) == (("1", "3"), ("2",), False)
    assert "✗ it works: exit code 1" in told.getvalue()


def test_a_step_is_repeated_until_its_fact_is_there(tmp_path: Path) -> None:
    command = "cat fact 2>/dev/null || { echo here > fact; false; }"
    step = Step("1", command, "the fact is there", steps.says("here"), within_s=30)
    walked = perform([step], {"PATH": "/usr/bin:/bin"}, tmp_path, StringIO())
    assert walked.whole
