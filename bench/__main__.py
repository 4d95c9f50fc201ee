"""Which benchmarks run? `python -m bench [engine recording startup idle node store api]`; all when none is named.

Results are printed as a table and kept in `bench/results/{name}.json`. `PEERS=1` installs Debian's Suricata and runs
it on the same captures with the same rules; speed is claimed only beside the yardstick of the same run.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
NAMES = ("engine", "recording", "startup", "idle", "node", "store", "api")


def main() -> int:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"error: no benchmark {', '.join(unknown)}", file=sys.stderr)
        print(f"hint: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    for name in wanted:
        rows = importlib.import_module(f"bench.{name}").measure()
        report = {"when": datetime.now(UTC).isoformat(), "rows": rows}
        (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1))
        show(name, rows)
    return 0


def show(name: str, rows: list[dict[str, object]]) -> None:
    print(f"\n{name}")
    if not rows:
        print("  nothing could be measured here (see above)")
        return
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[shown(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(column), *(len(row[at]) for row in cells)) for at, column in enumerate(columns)]
    print("  " + "  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)))
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
