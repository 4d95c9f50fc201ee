"""One part of an installation as a process of its own: `python parts.py face|server CONFIG`, ended by SIGTERM."""

import json
import sys
from pathlib import Path

from kodkod import telemetry
from kodkod.cli.processes import drive
from kodkod.server.cluster import app, face

if __name__ == "__main__":
    part, given = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    telemetry.set_up()
    data, account = Path(given["data"]), Path(given["account"])
    host, port, environment = given["host"], given["port"], given["environment"]
    if part == "face":
        drive(face.run(face.FaceConfig(host, port, given["server"], data, account, Path(given["token"]), environment)))
    else:
        drive(app.run(app.ClusterConfig(data, host, port, (host,), account, environment)))
