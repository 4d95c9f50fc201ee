"""How does an alert of the engine look to people and to programs?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kodkod.inspection.alert_line import NANOS, end, fast_line

if TYPE_CHECKING:
    from kodkod._core import Alert

HEADER = f"{'TIME':<27} {'PACKET':>8} {'RULE':<16} {'PRIO':>4} {'PROTO':<6} {'SOURCE':<24} {'DESTINATION':<24} MESSAGE"


def json_line(alert: Alert, file: str, *, explain: bool) -> str:
    """One JSON object, keys as the contract lists them. `why` is there only if asked for."""
    record: dict[str, Any] = {
        "ts": timestamp(alert["ts_ns"]),
        "file": file,
        "packet": alert["packet"],
        "gid": alert["gid"],
        "sid": alert["sid"],
        "rev": alert["rev"],
        "msg": alert["msg"],
        "class": alert["classtype"],
        "priority": alert["priority"],
        "action": alert["action"],
        "proto": alert["proto"],
        "src_ip": alert["src_ip"],
        "src_port": alert["src_port"],
        "dst_ip": alert["dst_ip"],
        "dst_port": alert["dst_port"],
        "direction": alert["direction"],
        "app_proto": alert["app_proto"],
        "flow_id": alert["flow_id"],
        "vlan": alert["vlan"],
    }
    if explain:
        record["why"] = alert["why"]
    return json.dumps(record, ensure_ascii=False)


def table_line(alert: Alert) -> str:
    """One row under HEADER."""
    rule = f"{alert['gid']}:{alert['sid']}:{alert['rev']}"
    source = end(alert["src_ip"], alert["src_port"])
    destination = end(alert["dst_ip"], alert["dst_port"])
    return (
        f"{timestamp(alert['ts_ns']):<27} {alert['packet']:>8} {rule:<16} {alert['priority']:>4} "
        f"{alert['proto']:<6} {source:<24} {destination:<24} {printable(alert['msg'])}"
    )


def explanation_lines(alert: Alert) -> list[str]:
    """Under a row of the table: each option that was satisfied, where and by which bytes."""
    return [
        f"    {printable(why['option'])}  in {why['buffer'] or 'packet'} [{why['offset']}+{why['length']}]"
        f"{'  ' + why['bytes'] if why['bytes'] else ''}"
        for why in alert["why"]
    ]


def timestamp(ts_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    seconds, nanos = divmod(ts_ns, NANOS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanos // 1000:06d}Z"


def printable(text: str) -> str:
    """Without control characters: a rule's message must not steer the reader's terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def writer(output: str, *, explain: bool) -> Callable[[Alert, str], str]:
    """The text of one alert in the chosen form, without the line's end."""
    if output == "json":
        return lambda alert, file: json_line(alert, file, explain=explain)
    if output == "fast":
        return lambda alert, _: printable(fast_line(alert))
    return lambda alert, _: "\n".join([table_line(alert), *(explanation_lines(alert) if explain else [])])
