"""A rule set is replaced whole or not at all, and readers notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodkod.inspection import rulesets

COUNTS = {"full": 2, "degraded": 1, "skipped": 0}


def install(data: Path, name: str = "mine", **changes: object) -> rulesets.Ruleset:
    fields: dict[str, object] = {
        "name": name,
        "origin": "somewhere",
        "texts": {"a.rules": b"alert a", "classification.config": b"config classification: x,y,1"},
        "counts": COUNTS,
        "replaces_default": False,
        "installed_at": "2026-11-25T00:00:00+00:00",
    }
    fields |= changes
    ruleset = rulesets.described(name=name, **{key: fields[key] for key in fields if key != "name"})  # type: ignore[arg-type]
    rulesets.install(data, ruleset, fields["texts"])  # type: ignore[arg-type]
    return ruleset


def names(sources: rulesets.Sources) -> list[str]:
    return [name for name, _ in sources.texts]


def test_a_fresh_host_has_the_starter_set(tmp_path: Path) -> None:
    sources = rulesets.load(tmp_path)
    assert names(sources) == ["starter.rules"]
    assert b"sid:8000001" in sources.texts[0][1]
    assert rulesets.installed(tmp_path) == []


def test_an_installed_set_stands_beside_the_starter_set(tmp_path: Path) -> None:
    install(tmp_path)
    sources = rulesets.load(tmp_path)
    assert names(sources) == ["starter.rules", "mine/a.rules"]
    assert sources.classification == b"config classification: x,y,1"


def test_a_set_may_replace_the_default(tmp_path: Path) -> None:
    install(tmp_path, replaces_default=True)
    assert names(rulesets.load(tmp_path)) == ["mine/a.rules"]


def test_a_set_of_the_same_name_is_replaced_whole(tmp_path: Path) -> None:
    install(tmp_path)
    install(tmp_path, texts={"b.rules": b"alert b"})
    sources = rulesets.load(tmp_path)
    assert names(sources) == ["starter.rules", "mine/b.rules"]
    assert sources.classification is None
    folders = [entry for entry in (tmp_path / "rules" / ".sets").iterdir() if entry.is_dir()]
    assert len(folders) == 1


def test_files_put_there_by_hand_count(tmp_path: Path) -> None:
    (tmp_path / "rules" / "team").mkdir(parents=True)
    (tmp_path / "rules" / "local.rules").write_text("alert local")
    (tmp_path / "rules" / "team" / "x.rules").write_text("alert x")
    (tmp_path / "rules" / "notes.txt").write_text("no rules")
    assert names(rulesets.load(tmp_path)) == ["starter.rules", "local.rules", "team/x.rules"]


def test_a_set_without_a_usable_rule_changes_nothing(tmp_path: Path) -> None:
    install(tmp_path)
    before = rulesets.load(tmp_path)
    with pytest.raises(rulesets.RulesetError, match="not one of its rules"):
        install(tmp_path, texts={"a.rules": b""}, counts={"full": 0, "degraded": 0, "skipped": 9})
    assert rulesets.load(tmp_path) == before


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    install(tmp_path)
    before = rulesets.load(tmp_path)
    with pytest.raises(OSError):
        install(tmp_path, texts={"a" * 300 + ".rules": b"alert"})
    assert rulesets.load(tmp_path) == before


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "UPPER", "x" * 64])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(rulesets.RulesetError, match="cannot name"):
        install(tmp_path, name=name)
    assert not (tmp_path / "rules").exists()


def test_what_was_put_there_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "rules" / "mine").mkdir(parents=True)
    (tmp_path / "rules" / "mine" / "own.rules").write_text("alert own")
    with pytest.raises(rulesets.RulesetError, match="by hand"):
        install(tmp_path)
    assert names(rulesets.load(tmp_path)) == ["starter.rules", "mine/own.rules"]


def test_a_reader_notices_every_change_and_only_changes(tmp_path: Path) -> None:
    seen = [rulesets.fingerprint(tmp_path)]
    assert rulesets.fingerprint(tmp_path) == seen[0]
    install(tmp_path)
    seen.append(rulesets.fingerprint(tmp_path))
    install(tmp_path, texts={"a.rules": b"alert 2"})
    seen.append(rulesets.fingerprint(tmp_path))
    install(tmp_path, texts={"a.rules": b"alert 2"}, replaces_default=True)
    seen.append(rulesets.fingerprint(tmp_path))
    (tmp_path / "rules" / "local.rules").write_text("alert local")
    seen.append(rulesets.fingerprint(tmp_path))
    assert len(set(seen)) == len(seen)


def test_equal_texts_have_equal_digests(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    install(first)
    install(second)
    assert rulesets.load(first).digest == rulesets.load(second).digest
    install(second, texts={"a.rules": b"other"})
    assert rulesets.load(first).digest != rulesets.load(second).digest
