"""What do rules say about this capture file? Answers without a server, within a second for a small file.

Read with argparse, unlike the other commands: Typer and the Pydantic under it take longer to import than a small file
takes to judge (a 1 KB file: 75 ms in all instead of 210).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kodkod.cli import alert_lines, rule_paths
from kodkod.folders import cache_folder

if TYPE_CHECKING:
    from kodkod._core import Alert, Dialect, RuleSet, Scan

UNREADABLE = 2
INTERRUPTED = 130
STDIN = "-"


def arguments_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kodkod scan",
        description="Judge capture files with detection rules. Alerts go to standard output in packet order.",
        epilog="Exit code 0: all files were read to their end; 2: a file or rule path could not be read.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="pcap or pcapng, also .gz; - reads standard input")
    add(
        "--rules",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="rule file or folder (default: starter set)",
    )
    add("--var", action="append", default=[], metavar="NAME=VALUE", help="variable of the rules, such as HOME_NET")
    add("-o", "--output", choices=["table", "json", "fast"], default="table", help="form of the alerts")
    add("--explain", action="store_true", help="say for each alert which bytes satisfied which option")
    add("--stats", type=Path, metavar="FILE", help="write numbers of the run as JSON")
    add(
        "--checksums",
        choices=["verify", "ignore"],
        default="ignore",
        help="whether packets with wrong ones are left out",
    )
    add("--dialect", choices=["snort3", "snort2", "suricata"], help="read all rules as this language")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns its exit code."""
    options = arguments_parser().parse_args(arguments)
    try:
        return scan(options)
    except (rule_paths.UnreadableRulesError, ValueError) as error:
        complain(str(error))
        return UNREADABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def scan(options: argparse.Namespace) -> int:
    started = time.perf_counter()
    rule_set = load_rules(options.rules, options.var, options.dialect)
    load_s = time.perf_counter() - started
    from kodkod._core import Scan

    scan = Scan(rule_set, checksums=options.checksums, explain=options.explain)
    try:
        if options.output == "table":
            print(alert_lines.HEADER)
        complete = judge(scan, options.files, alert_lines.writer(options.output, explain=options.explain))
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complete = True
    numbers = run_numbers(rule_set, scan, load_s=load_s, wall_s=time.perf_counter() - started)
    print(
        f"{numbers['alerts']} alerts in {numbers['packets']} packets; rules: {rule_set.full} full, "
        f"{rule_set.degraded} degraded, {rule_set.skipped} skipped",
        file=sys.stderr,
    )
    if options.stats is not None and not write_stats(options.stats, numbers):
        complete = False
    return 0 if complete else UNREADABLE


def load_rules(paths: Sequence[Path], assignments: Sequence[str], dialect: Dialect | None) -> RuleSet:
    """Compile what `--rules` names, or the starter set."""
    from kodkod._core import RuleSet

    texts = rule_paths.read(paths) if paths else rule_paths.starter()
    return RuleSet.compile(
        texts.sources,
        dialect=dialect,
        variables=rule_paths.variables(assignments),
        classification=texts.classification,
        cache_dir=str(cache_folder()),
    )


def judge(scan: Scan, files: Iterable[str], text_of: Callable[[Alert, str], str]) -> bool:
    """Print the alerts of each file. False if one of them could not be read to its end."""
    complete = True
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
            complain(f"{file}: {error}", "what stands before is judged; fetch or write the file anew")
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


def write_stats(path: Path, numbers: dict[str, object]) -> bool:
    import json

    try:
        path.write_text(json.dumps(numbers) + "\n")
    except OSError as error:
        complain(f"{path}: {error.strerror or error}")
        return False
    return True


def complain(message: str, hint: str = "") -> None:
    print(f"error: {message}", *([f"hint: {hint}"] if hint else []), sep="\n", file=sys.stderr)
