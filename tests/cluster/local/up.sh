#!/bin/bash
# How does a cluster come up? up.sh STATE [NODES]: one that lives in the folder STATE, with NODES nodes (1 unless told).
# Returns when nodes and DNS are ready. A STATE that was up before comes up with the data it had.
#
# Environment:
#   BIN         the programs, build.sh's OUT/bin (target/cluster/out/bin unless told); beside it lies OUT/system
#   IMAGES      FOLDER[:FOLDER...] of image archives that every node gets
#   SHARE       FOLDER[:FOLDER...] of the machine that nodes see, and write, as they are
#   PROXY_MODE  kube-proxy's mode: iptables (the default) or nftables
#   WAIT        seconds until it gives up, 180 unless told
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib/common.sh
. "$here/lib/common.sh"
die() { echo "up.sh: $*" >&2; exit 1; }
folder() { (cd "$1" 2>/dev/null && pwd -P) || die "no folder $1"; }

[[ $# = [12] ]] || die "usage: up.sh STATE [NODES]"
export NODES=${2:-1} LIB=$here/lib PROXY_MODE=${PROXY_MODE:-iptables} S BIN SYSTEM IMAGES=${IMAGES:-} SHARE=${SHARE:-}
[[ $NODES =~ ^([0-9]|[1-4][0-9]|50)$ ]] || die "NODES is a number up to 50"
mkdir -p "$1"
S=$(folder "$1")
BIN=$(folder "${BIN:-$here/../../../target/cluster/out/bin}")
SYSTEM=$(folder "$BIN/../system")

preflight() {
  local pair
  [ "$(id -u)" = 0 ] || die "needs root"
  for pair in runc:runc iptables:iptables nft:nftables ip:iproute2 conntrack:conntrack ipset:ipset openssl:openssl \
      python3:python3 pgrep:procps nsenter:util-linux /usr/lib/cni/bridge:containernetworking-plugins; do
    command -v "${pair%%:*}" > /dev/null || die "${pair%%:*} is missing: apt-get install ${pair#*:}"
  done
  for pair in hyperkube containerd ctr; do [ -x "$BIN/$pair" ] || die "no $BIN/$pair: run build.sh"; done
  grep -q ':memory:' /proc/self/cgroup || die "this machine has no cgroup v1 hierarchies; v2 was not tried"
  [ "$(stat -f -c %T "$S")" != overlayfs ] || die "$S lies on an overlay; nodes need a plain disk under theirs"
  if [ -e "$S/init" ] && is_sandbox "$(cat "$S/init")"; then die "$S is up already"; fi
}

# The sandbox: everything below one process, in namespaces and cgroups of its own.
start() {
  local outer init
  rm -rf "$S/ready" "$S/pid" "$S/hold" "$S/log"
  mkdir -p "$S/pid" "$S/hold" "$S/log"
  ( join_cgroup "cluster-$$" > "$S/cgroups"
    exec setsid unshare -m -C -p -n -u -i --fork --kill-child bash "$LIB/sandbox.sh"
  ) > "$S/log/sandbox.log" 2>&1 < /dev/null &
  outer=$!
  disown # or bash would report its end
  until init=$(pgrep -P "$outer" -f lib/sandbox.sh); do
    kill -0 "$outer" 2>/dev/null || return 1
    sleep 0.05
  done
  echo "$outer" > "$S/outer"
  echo "$init" > "$S/init"
}

# A component that ended three times before the cluster was ready will not mend itself.
failing() { touch "$S/log/ended"; sort "$S/log/ended" | awk '{n[$1]++} n[$1] == 3 {print $1; exit}'; }

# await: return when the cluster is ready; else reason says why it will not be, and log where to read on.
await() {
  local until=$((SECONDS + ${WAIT:-180})) name
  until [ -e "$S/ready" ]; do
    kill -0 "$(cat "$S/outer")" 2>/dev/null || { reason="the sandbox ended" name=sandbox; break; }
    name=$(failing)
    [ -z "$name" ] || { reason="$name keeps ending"; break; }
    [ $SECONDS -lt $until ] || { reason="not ready after ${WAIT:-180} s" name=sandbox; break; }
    sleep 0.2
  done
  [ -z "$reason" ] || log=$S/log/${name#node-}.log
}

# However it ends before the cluster is ready: say why and leave nothing running.
undo() {
  { echo "up.sh: ${reason:-interrupted}; the end of $log:"; tail -n 20 "$log"; } >&2
  "$here/down.sh" "$S"
}

reason="" log=$S/log/sandbox.log
preflight
trap undo EXIT
trap 'exit 130' INT TERM
start || { reason="the sandbox did not start"; exit 1; }
await
[ -z "$reason" ] || exit 1
trap - EXIT
cat "$S/ready"
