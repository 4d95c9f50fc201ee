"""A rule set travels through ConfigMaps and is in force whole, or not at all."""

from __future__ import annotations

import gzip
import random
from dataclasses import asdict
from pathlib import Path

import pytest

from kodkod.inspection import rule_maps, rulesets
from kodkod.inspection.rulesets import Ruleset

COUNTS = {"full": 2, "degraded": 0, "skipped": 0}
TEXTS = {"a.rules": b"alert a\nalert b\n", "classification.config": b"config classification: x,y,1"}


def described(texts: dict[str, bytes], *, name: str = "mine", replaces_default: bool = False) -> Ruleset:
    return rulesets.described(
        name=name, origin="x", texts=texts, counts=COUNTS, replaces_default=replaces_default, installed_at="now"
    )


def packed(texts: dict[str, bytes], *, name: str = "mine", replaces_default: bool = False) -> dict[str, bytes]:
    ruleset = described(texts, name=name, replaces_default=replaces_default)
    return rule_maps.packed(name, asdict(ruleset), texts)


def mount(folder: Path, keys: dict[str, bytes]) -> None:
    """As the kubelet does: the keys are links through one hidden link."""
    inside = folder / f"..{len(list(folder.glob('..*')))}"
    inside.mkdir(parents=True)
    for key, value in keys.items():
        (inside / key).write_bytes(value)
        if not (folder / key).is_symlink():
            (folder / key).symlink_to(Path("..data") / key)
    new = folder / "..new"
    new.symlink_to(inside.name)
    new.replace(folder / "..data")


def noise(lines: int, seed: int = 1) -> bytes:
    """Rules that do not compress well."""
    generator = random.Random(seed)
    return b"".join(
        b"alert tcp any any -> any any (%b)\n" % generator.randbytes(300).hex().encode() for _ in range(lines)
    )


def names(sources: rulesets.Sources) -> list[str]:
    return [name for name, _ in sources.texts]


def test_a_mounted_set_stands_beside_the_starter_set_or_replaces_it(tmp_path: Path) -> None:
    folder, data = tmp_path / "rules", tmp_path / "data"
    mount(folder, packed(TEXTS))
    sources = rulesets.load(data, [folder])
    assert names(sources) == ["starter.rules", "rules/mine.a.rules"]
    assert dict(sources.texts)["rules/mine.a.rules"] == TEXTS["a.rules"]
    assert sources.classification == TEXTS["classification.config"]
    before = rulesets.fingerprint(data, [folder])
    mount(folder, packed(TEXTS, replaces_default=True))
    assert names(rulesets.load(data, [folder])) == ["rules/mine.a.rules"]
    assert rulesets.fingerprint(data, [folder]) != before


def test_plain_and_compressed_files_put_there_by_hand_count(tmp_path: Path) -> None:
    mount(tmp_path / "rules", {"plain.rules": b"alert a", "small.rules.gz": gzip.compress(b"alert b"), "README": b""})
    assert names(rulesets.load(tmp_path / "data", [tmp_path / "rules"])) == [
        "starter.rules", "rules/plain.rules", "rules/small.rules",
    ]  # fmt: skip


def test_rules_of_the_products_init_container_hide_the_starter_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snort"
    monkeypatch.setattr(rulesets, "SNORT_FOLDER", folder)
    folder.mkdir()
    assert names(rulesets.load(tmp_path, [folder])) == ["starter.rules"]
    (folder / "custom.rules").write_text("alert c")
    assert names(rulesets.load(tmp_path, [folder])) == ["snort/custom.rules"]


def test_a_set_that_is_half_there_is_not_taken(tmp_path: Path) -> None:
    keys = packed({"a.rules": b"alert a", "b.rules": b"alert b"})
    mount(tmp_path / "whole", keys)
    missing = {key: value for key, value in keys.items() if "b.rules" not in key}
    mount(tmp_path / "missing", missing)
    mount(tmp_path / "mixed", {**keys, "mine.b.rules.gz": gzip.compress(b"alert of another version")})
    assert len(rulesets.load(tmp_path, [tmp_path / "whole"]).texts) == 3
    for half in ("missing", "mixed"):
        with pytest.raises(OSError):
            rulesets.load(tmp_path, [tmp_path / half])


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"alert a")[:-9]], ids=["nonsense", "cut"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    mount(tmp_path / "rules", {"bad.rules.gz": content})
    with pytest.raises(OSError, match="damaged") as raised:
        rulesets.load(tmp_path, [tmp_path / "rules"])
    assert str(raised.value.filename).endswith("bad.rules.gz")


def test_large_sets_are_cut_between_rules_and_spread_over_maps(tmp_path: Path) -> None:
    text = noise(6000)
    keys = packed({"big.rules": text})
    bins = rule_maps.binned(keys)
    held = {name: content for name, content in bins.items() if content}
    assert len(held) > 1
    assert all(rule_maps.size(content) <= rule_maps.MAP_BYTES_MAX for content in held.values())
    mount(tmp_path / "rules", {key: value for content in held.values() for key, value in content.items()})
    parts = [part for name, part in rulesets.load(tmp_path / "data", [tmp_path / "rules"]).texts if "big" in name]
    assert b"".join(parts) == text
    assert all(part.startswith(b"alert") and part.endswith(b"\n") for part in parts)


def test_a_rule_over_several_lines_is_left_whole() -> None:
    text = b"alert tcp any any -> any any (\n  msg:x;\n)\n" * 3
    pieces = [bytes(piece) for piece in rule_maps._BETWEEN_RULES.split(text)]
    assert len(pieces) == 3 and pieces[0].endswith(b")")


def test_a_set_takes_the_place_of_what_it_was_and_of_nothing_else() -> None:
    other = packed({"o.rules": b"alert o"}, name="other")
    first = rule_maps.replaced(other, "mine", packed({"a.rules": b"alert a", "b.rules": b"alert b"}))
    second = rule_maps.replaced(first, "mine", packed({"c.rules": b"alert c"}))
    assert sorted(second) == ["mine.c.rules.gz", "mine.ruleset.json", "other.o.rules.gz", "other.ruleset.json"]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(rule_maps.MapsFull, match="8 ConfigMaps"):
        rule_maps.binned(packed({f"{seed}.rules": noise(2000, seed) for seed in range(22)}))
