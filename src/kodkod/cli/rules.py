"""What becomes of my rules, and which are in force?"""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from kodkod.cli import rule_origins, rule_paths
from kodkod.folders import cache_folder, data_folder

if TYPE_CHECKING:
    from kodkod._core import Receipt, RuleSet
    from kodkod.inspection.rulesets import Ruleset

app = typer.Typer(add_completion=False, no_args_is_help=True)

IMPERFECT = 1
UNREADABLE = 2
UNREACHED = 3

T = TypeVar("T")


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


class Dialect(StrEnum):
    SNORT3 = "snort3"
    SNORT2 = "snort2"
    SURICATA = "suricata"


Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")]
Cluster = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Of a cluster; its inspectors mount what is installed there.")
]
Form = Annotated[Output, typer.Option("-o", "--output", help="Form of the list.")]
Variables = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="Variable of the rules, such as HOME_NET.")
]
Language = Annotated[Dialect | None, typer.Option("--dialect", help="Read all rules as this language.")]


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Rule files and folders.")],
    output: Form = Output.TABLE,
    var: Variables = None,
    dialect: Language = None,
) -> None:
    """Give a receipt for every rule: full, degraded (what is ignored) or skipped (why, where).

    Exit code 0: all full; 1: some degraded or skipped; 2: a path could not be read.
    """
    try:
        texts = rule_paths.read(paths)
        rule_set = compiled(texts.sources, texts.classification, var or [], dialect)
    except (rule_paths.UnreadableRulesError, ValueError) as error:
        raise refusal(str(error)) from error
    print_receipts(rule_set.receipts(), output)
    print_counts(rule_set)
    raise typer.Exit(IMPERFECT if rule_set.degraded or rule_set.skipped else 0)


@app.command()
def install(
    origin: Annotated[str, typer.Argument(metavar="FILE|FOLDER|ARCHIVE|URL", help="Where the rules are.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the set (default: from its origin).")] = None,
    replace_default: Annotated[
        bool, typer.Option("--replace-default", help="Use it in place of the starter set, not beside it.")
    ] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Download also from addresses that are not public.")
    ] = False,
    data: Data = None,
    kubeconfig: Cluster = None,
    var: Variables = None,
    dialect: Language = None,
) -> None:
    """Put a rule set into the data folder; the inspector loads it at once. A set of the same name is replaced whole.

    With --kubeconfig it is put into ConfigMaps of a cluster, whose inspectors have it within a minute or two.
    Exit code 0: installed; 1: installed, but some rules are degraded or skipped (listed); 2: nothing has changed;
    3: the cluster was not reached, or refused.
    """
    from kodkod.inspection import rule_maps, rulesets

    try:
        texts = rule_origins.read(origin, allow_private=allow_private)
        sources = [(file, text) for file, text in texts.items() if file != rule_origins.CLASSIFICATION]
        rule_set = compiled(sources, texts.get(rule_origins.CLASSIFICATION), var or [], dialect)
        ruleset = rulesets.described(
            name=name or rule_origins.set_name(origin),
            origin=origin.partition("?")[0],
            texts=texts,
            counts={"full": rule_set.full, "degraded": rule_set.degraded, "skipped": rule_set.skipped},
            replaces_default=replace_default,
            installed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        if kubeconfig is None:
            rulesets.install(data_folder(data), ruleset, texts)
        else:
            install_in_cluster(kubeconfig, ruleset, texts)
    except (rule_origins.OriginError, rulesets.RulesetError, rule_maps.MapsFull, ValueError) as error:
        raise refusal(str(error)) from error
    except OSError as error:
        raise refusal(f"{error.filename}: {error.strerror}") from error
    print_receipts((receipt for receipt in rule_set.receipts() if receipt["status"] != "full"), Output.TABLE)
    print_counts(rule_set)
    print(f"installed {ruleset.name} ({ruleset.files} files, sha256 {ruleset.digest[:12]})", file=sys.stderr)
    raise typer.Exit(IMPERFECT if rule_set.degraded or rule_set.skipped else 0)


@app.command("list")
def list_sets(data: Data = None, kubeconfig: Cluster = None, output: Form = Output.TABLE) -> None:
    """List the installed sets; the starter set is in force unless one of them replaces it."""
    from dataclasses import asdict

    from kodkod.inspection import rulesets

    found = rulesets.installed(data_folder(data)) if kubeconfig is None else installed_in_cluster(kubeconfig)
    if output is Output.JSON:
        print(json.dumps([asdict(ruleset) for ruleset in found], ensure_ascii=False))
        return
    print(f"{'NAME':<32} {'FULL':>6} {'DEGRADED':>8} {'SKIPPED':>7} {'DEFAULT':<7} {'INSTALLED':<25} ORIGIN")
    if not any(ruleset.replaces_default for ruleset in found):
        print(f"{'starter':<32} {'':>6} {'':>8} {'':>7} {'yes':<7} {'':<25} shipped with Kodkod")
    for ruleset in found:
        default = "yes" if ruleset.replaces_default else "no"
        counts = f"{ruleset.full:>6} {ruleset.degraded:>8} {ruleset.skipped:>7}"
        print(f"{ruleset.name:<32} {counts} {default:<7} {ruleset.installed_at:<25} {ruleset.origin}")


def install_in_cluster(kubeconfig: Path, ruleset: Ruleset, texts: Mapping[str, bytes]) -> None:
    from dataclasses import asdict

    from kodkod.cli import rule_cluster
    from kodkod.inspection import rule_maps

    maps = in_cluster(rule_cluster.install(kubeconfig, ruleset.name, asdict(ruleset), texts))
    print(f"in ConfigMaps {', '.join(maps)} of namespace {rule_maps.NAMESPACE}", file=sys.stderr)


def installed_in_cluster(kubeconfig: Path) -> list[Ruleset]:
    from kodkod.cli import rule_cluster

    return in_cluster(rule_cluster.installed(kubeconfig))


def in_cluster(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    from kodkod.cli import rule_cluster
    from kodkod.store.errors import StoreError

    try:
        return asyncio.run(work)
    except StoreError as error:
        print(f"error: {error}\nhint: {rule_cluster.hint(error)}", file=sys.stderr)
        raise typer.Exit(UNREACHED) from error


def compiled(
    sources: Iterable[tuple[str, bytes]], classification: bytes | None, assignments: list[str], dialect: Dialect | None
) -> RuleSet:
    from kodkod._core import RuleSet

    return RuleSet.compile(
        list(sources),
        dialect=dialect.value if dialect else None,
        variables=rule_paths.variables(assignments),
        classification=classification,
        cache_dir=str(cache_folder()),
    )


def print_receipts(receipts: Iterable[Receipt], output: Output) -> None:
    for receipt in receipts:
        if output is Output.JSON:
            print(json.dumps(receipt, ensure_ascii=False))
        else:
            print("\n".join(receipt_lines(receipt)))


def receipt_lines(receipt: Receipt) -> list[str]:
    """`file:line:column`, which editors can jump to, one line for each reason."""
    rule = f"{receipt['gid']}:{receipt['sid']}:{receipt['rev']}"
    where = f"{receipt['file']}:{receipt['line']}"
    if not receipt["reasons"]:
        return [f"{where}:1: {rule} {receipt['status']}"]
    return [
        f"{where}:{reason['column']}: {rule} {receipt['status']}: {reason['message']} [{reason['code']}]"
        for reason in receipt["reasons"]
    ]


def print_counts(rule_set: RuleSet) -> None:
    total = rule_set.full + rule_set.degraded + rule_set.skipped
    print(
        f"{total} rules: {rule_set.full} full, {rule_set.degraded} degraded, {rule_set.skipped} skipped",
        file=sys.stderr,
    )


def refusal(message: str) -> typer.Exit:
    print(f"error: {message}", file=sys.stderr)
    return typer.Exit(UNREADABLE)
