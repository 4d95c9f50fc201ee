"""What do others make of the same bytes? Debian's Suricata, offline, one core, without checksum verification."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.processes import Cost, run

CONFIGURATION = """%YAML 1.1
---
vars:
  address-groups: {{ HOME_NET: any, EXTERNAL_NET: any, HTTP_SERVERS: any, SMTP_SERVERS: any, SQL_SERVERS: any,
    DNS_SERVERS: any, TELNET_SERVERS: any, SIP_SERVERS: any, AIM_SERVERS: any, SSH_SERVERS: any, FTP_SERVERS: any }}
  port-groups: {{ HTTP_PORTS: "[80,8080]", SHELLCODE_PORTS: "!80", ORACLE_PORTS: 1521, SSH_PORTS: 22, FTP_PORTS: 21,
    FILE_DATA_PORTS: "[$HTTP_PORTS,110,143]", SIP_PORTS: "[5060,5061]" }}
default-log-dir: {folder}
outputs:
  - fast: {{ enabled: yes, filename: fast.log }}
  - stats: {{ enabled: yes, filename: stats.log, append: no }}
app-layer:
  protocols:
    http: {{ enabled: yes }}
    dns: {{ tcp: {{ enabled: yes }}, udp: {{ enabled: yes }} }}
    tls: {{ enabled: yes }}
    smtp: {{ enabled: yes }}
    ftp: {{ enabled: yes }}
    ssh: {{ enabled: yes }}
    smb: {{ enabled: yes }}
classification-file: {classification}
reference-config-file: {reference}
default-rule-path: {folder}
rule-files: [ all.rules ]
"""


def suricata_at_hand() -> bool:
    """Whether Suricata can be run: asked for with PEERS=1, and installed (as root it is installed now)."""
    if os.environ.get("PEERS") != "1":
        return False
    if shutil.which("suricata") is None and os.geteuid() == 0:
        install()
    if shutil.which("suricata") is None:
        print("suricata skipped: it is not installed and could not be")
        return False
    return True


def install() -> None:
    """Install Debian's package; where the release has none (12), from its backports, without keeping that source."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    wanted = ["install", "-y", "-q", "--no-install-recommends", "suricata"]
    if apt(wanted, environment).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "backports.list").write_text(backports_source())
        both = ["-o", f"Dir::Etc::sourceparts={folder}", "-o", f"Dir::State::lists={folder}/lists"]
        main = Path("/etc/apt/sources.list.d")
        for source in main.iterdir() if main.is_dir() else []:
            shutil.copy(source, folder)
        apt([*both, "update", "-q"], environment)
        apt([*both, *wanted, "-t", f"{codename()}-backports"], environment)


def apt(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["apt-get", *arguments], check=False, env=environment, capture_output=True, text=True)


def codename() -> str:
    return next(
        line.partition("=")[2].strip()
        for line in Path("/etc/os-release").open()
        if line.startswith("VERSION_CODENAME=")
    )


def backports_source() -> str:
    """The backports of the mirror that this machine already uses."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    mirror = next(line.split()[0] for line in targets if line.endswith(f" {codename()}"))
    return f"deb {mirror} {codename()}-backports main\n"


def suricata(capture: Path, rules: Path) -> tuple[Cost, float, int]:
    """Run it over a capture. Returns the cost, the seconds spent on packets alone, and the number of rules loaded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        enabled = (line.removeprefix("# ") if line.startswith("# alert") else line for line in rules.open())
        (folder / "all.rules").write_text("".join(enabled))
        configuration = folder / "suricata.yaml"
        system = Path("/etc/suricata")
        configuration.write_text(
            CONFIGURATION.format(
                folder=folder, classification=system / "classification.config", reference=system / "reference.config"
            )
        )
        command = ["suricata", "-c", str(configuration), "-r", str(capture), "-l", str(folder), "-k", "none"]
        cost = run([*command, "--runmode", "single", "-v"])
        log = cost.output + (folder / "suricata.log").read_text() if (folder / "suricata.log").exists() else cost.output
        loaded = re.search(r"(\d+) rules successfully loaded", log)
        elapsed = re.search(r"time elapsed ([\d.]+)s", log)
        return cost, float(elapsed[1]) if elapsed else cost.wall_s, int(loaded[1]) if loaded else 0
