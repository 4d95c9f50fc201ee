#!/bin/bash
# How does a cluster end? down.sh STATE: at once, and nothing of it is left on the machine. What it stored stays in
# STATE, which can be removed afterwards, or brought up again. Does nothing where none is up.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib/common.sh
. "$here/lib/common.sh"
[ $# = 1 ] || { echo "usage: down.sh STATE" >&2; exit 2; }
[ -d "$1" ] || exit 0
cd "$1"

# SIGKILL to the sandbox's pid 1 ends every process in it, containers too, and with the last one its namespaces go:
# mounts, links, addresses, routes, firewall rules. A process that was sent in with `run` is not in the pid namespace:
# it keeps the network namespace until it ends.
end_sandbox() {
  local file
  for file in outer init; do
    [ -e $file ] || continue
    is_sandbox "$(cat $file)" || continue
    kill -KILL "$(cat $file)" 2>/dev/null || true
  done
  for file in outer init; do
    [ -e $file ] || continue
    for _ in $(seq 100); do is_sandbox "$(cat $file)" || break; sleep 0.1; done
  done
}

# What is left is empty cgroups, deepest first.
end_cgroups() {
  local group
  [ -e cgroups ] || return 0
  while read -r group; do
    for _ in $(seq 50); do
      [ -d "$group" ] || break
      find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
      [ ! -d "$group" ] || sleep 0.1
    done
    [ ! -d "$group" ] || { echo "down.sh: $group does not empty" >&2; exit 1; }
  done < cgroups
}

end_sandbox
end_cgroups
rm -f outer init cgroups ready
