"""What do rules say about this capture file? Answers without a server, within a second for a small file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kodkod.cli import alert_lines, rule_paths
from kodkod.cli.folders import cache_folder

if TYPE_CHECKING:
    from kodkod._core import Alert, RuleSet, Scan

app = typer.Typer(add_completion=False)

UNREADABLE = 2
INTERRUPTED = 130
STDIN = "-"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    FAST = "fast"


class Checksums(StrEnum):
    VERIFY = "verify"
    IGNORE = "ignore"


class Dialect(StrEnum):
    SNORT3 = "snort3"
    SNORT2 = "snort2"
    SURICATA = "suricata"


@app.command()
def scan(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="pcap or pcapng, also .gz; - reads standard input.")
    ],
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="PATH", help="Rule file or folder (default: the starter set)."),
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="Variable of the rules, such as HOME_NET.")
    ] = None,
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the alerts.")] = Output.TABLE,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for each alert which bytes satisfied which option.")
    ] = False,
    stats: Annotated[
        Path | None, typer.Option("--stats", metavar="FILE", help="Write numbers of the run as JSON.")
    ] = None,
    checksums: Annotated[
        Checksums, typer.Option("--checksums", help="Whether packets with wrong checksums are left out.")
    ] = Checksums.IGNORE,
    dialect: Annotated[Dialect | None, typer.Option("--dialect", help="Read all rules as this language.")] = None,
) -> None:
    """Judge capture files with detection rules. Alerts go to standard output in packet order.

    Exit code 0: all files were read to their end; 2: a file or rule path could not be read (what was read counts).
    """
    started = time.perf_counter()
    try:
        rule_set = load_rules(rules or [], var or [], dialect)
        loaded = time.perf_counter()
        from kodkod._core import Scan

        scan = Scan(rule_set, checksums=checksums.value, explain=explain)
        complete = judge(scan, files, alert_lines.writer(output.value, explain=explain), output)
    except (rule_paths.UnreadableRulesError, ValueError) as error:
        raise refusal(str(error)) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(INTERRUPTED) from interrupt
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complete = True
    numbers = run_numbers(rule_set, scan, load_s=loaded - started, wall_s=time.perf_counter() - started)
    if stats is not None:
        write_stats(stats, numbers)
    print(
        f"{numbers['alerts']} alerts in {numbers['packets']} packets; rules: {rule_set.full} full, "
        f"{rule_set.degraded} degraded, {rule_set.skipped} skipped",
        file=sys.stderr,
    )
    raise typer.Exit(0 if complete else UNREADABLE)


def load_rules(paths: list[Path], assignments: list[str], dialect: Dialect | None) -> RuleSet:
    """Compile what `--rules` names, or the starter set."""
    from kodkod._core import RuleSet

    texts = rule_paths.read(paths) if paths else rule_paths.starter()
    return RuleSet.compile(
        texts.sources,
        dialect=dialect.value if dialect else None,
        variables=rule_paths.variables(assignments),
        classification=texts.classification,
        cache_dir=str(cache_folder()),
    )


def judge(scan: Scan, files: Iterable[str], text_of: Any, output: Output) -> bool:
    """Print the alerts of each file. False if one of them could not be read to its end."""
    complete = True
    if output is Output.TABLE:
        print(alert_lines.HEADER)
    for file in files:
        try:
            for batch in progress(scan, file):
                if batch:
                    sys.stdout.write("".join(f"{text_of(alert, file)}\n" for alert in batch))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            complain(f"{file}: {error.strerror or error}")
            complete = False
        except ValueError as error:
            complain(f"{file}: {error}")
            complete = False
    sys.stdout.flush()
    return complete


def progress(scan: Scan, file: str) -> Iterator[list[Alert]]:
    """The file's batches; on a terminal, how far we are is told beside them."""
    batches = scan.file(file)
    if not sys.stderr.isatty() or file == STDIN:
        yield from batches
        return
    size = Path(file).stat().st_size or 1
    for batch in batches:
        read = scan.stats()["file_offset"]
        if isinstance(read, int) and read < size:
            sys.stderr.write(f"\r\x1b[K{file}: {100 * read // size} %")
            sys.stderr.flush()
        if batch:
            sys.stderr.write("\r\x1b[K")
        yield batch
    sys.stderr.write("\r\x1b[K")


def run_numbers(rule_set: RuleSet, scan: Scan, *, load_s: float, wall_s: float) -> dict[str, object]:
    """The object that `--stats` writes."""
    from resource import RUSAGE_SELF, getrusage

    engine = scan.stats()
    engine_s, scanned_bytes = engine["engine_s"], engine["bytes"]
    assert isinstance(engine_s, float) and isinstance(scanned_bytes, int)
    return {
        "packets": engine["packets"],
        "bytes": scanned_bytes,
        "flows": engine["flows"],
        "alerts": engine["alerts"],
        "load_s": round(load_s, 6),
        "engine_s": round(engine_s, 6),
        "wall_s": round(wall_s, 6),
        "rss_peak_bytes": getrusage(RUSAGE_SELF).ru_maxrss * 1024,
        "mb_per_s": round(scanned_bytes / engine_s / 1e6, 3) if engine_s else 0.0,
        "rules_full": rule_set.full,
        "rules_degraded": rule_set.degraded,
        "rules_skipped": rule_set.skipped,
        "drops": engine["drops"],
        "cache": rule_set.cache,
    }


def write_stats(path: Path, numbers: dict[str, object]) -> None:
    import json

    try:
        path.write_text(json.dumps(numbers) + "\n")
    except OSError as error:
        raise refusal(f"{path}: {error.strerror or error}") from error


def refusal(message: str) -> typer.Exit:
    complain(message)
    return typer.Exit(UNREADABLE)


def complain(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
