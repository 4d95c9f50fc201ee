#!/bin/bash
# What runs in the sandbox? This is its pid 1: the control plane, and a bridge, lan0, that the nodes are plugged into.
# Started by up.sh in namespaces of its own.
# shellcheck disable=SC2153 # S, BIN, LIB, NODES come from up.sh
set -euo pipefail
# shellcheck source=common.sh
. "$LIB/common.sh"

P=$S/pki
started=$(date +%s.%N)
export KUBECONFIG=$P/admin.kubeconfig

say() { echo "$(echo "$started $(date +%s.%N)" | awk '{printf "%.1f", $2 - $1}') s: $*"; }
kubectl() { "$BIN/kubectl" "$@" 2>/dev/null; }

network() {
  hostname cp
  ip link set lo up
  ip link add lan0 type bridge
  ip addr add 10.250.0.1/24 dev lan0
  ip link set lan0 up
  sysctl -qw net.ipv4.ip_forward=1
}

certificates() {
  local i nodes=()
  for i in $(seq "$NODES"); do nodes+=("n$i=10.250.0.$((10 + i))"); done
  bash "$LIB/pki.sh" "$P" "${nodes[@]}"
}

control_plane() {
  # Without fsync a write costs no disk flush. What etcd wrote outlives a killed etcd (the kernel has it), not a machine
  # that loses power.
  keep cp-etcd "$BIN/etcd" --data-dir "$S/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
  # Aggregator routing: the API server reaches extension API servers and webhooks at their pods' addresses, since no
  # kube-proxy runs here.
  keep cp-apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --advertise-address=10.250.0.1 --bind-address=0.0.0.0 --secure-port=6443 \
    --tls-cert-file="$P/apiserver.crt" --tls-private-key-file="$P/apiserver.key" --client-ca-file="$P/ca.crt" \
    --kubelet-client-certificate="$P/apiserver-kubelet-client.crt" \
    --kubelet-client-key="$P/apiserver-kubelet-client.key" \
    --kubelet-certificate-authority="$P/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-key-file="$P/sa.pub" --service-account-signing-key-file="$P/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.96.0.0/16 \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --enable-aggregator-routing=true --requestheader-client-ca-file="$P/front-proxy-ca.crt" \
    --requestheader-allowed-names=front-proxy-client --requestheader-username-headers=X-Remote-User \
    --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$P/front-proxy-client.crt" --proxy-client-key-file="$P/front-proxy-client.key"
  until kubectl get --raw /readyz > /dev/null; do sleep 0.3; done
  say "API server ready"
  local controller=$P/controller-manager.kubeconfig scheduler=$P/scheduler.kubeconfig
  keep cp-controller-manager "$BIN/kube-controller-manager" --kubeconfig="$controller" \
    --authentication-kubeconfig="$controller" --authorization-kubeconfig="$controller" --leader-elect=false \
    --root-ca-file="$P/ca.crt" --service-account-private-key-file="$P/sa.key" \
    --cluster-signing-cert-file="$P/ca.crt" --cluster-signing-key-file="$P/ca.key" \
    --use-service-account-credentials=true --allocate-node-cidrs=false --bind-address=127.0.0.1
  keep cp-scheduler "$BIN/kube-scheduler" --kubeconfig="$scheduler" --authentication-kubeconfig="$scheduler" \
    --authorization-kubeconfig="$scheduler" --leader-elect=false --bind-address=127.0.0.1
}

other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# node_once I: run node I until its pid 1 ends. Its namespaces are new, its disk is kept.
node_once() {
  local i=$1 n=n$1 outer init
  ( join_cgroup "$n" > /dev/null
    exec unshare -m -C -n -u -p --fork --kill-child bash "$LIB/node.sh" "$n" "$i" ) >> "$S/log/$n.log" 2>&1 &
  outer=$!
  until init=$(pgrep -P "$outer" -x bash) && other_network "$init"; do sleep 0.05; done
  echo "$init" > "$S/pid/$n"
  ip link add "v$i" type veth peer name eth0 netns "$init"
  ip link set "v$i" master lan0 up
  wait "$outer" || true
  ip link del "v$i" 2>/dev/null || true
}

nodes() {
  local i
  for i in $(seq "$NODES"); do
    ip route add "10.244.$i.0/24" via "10.250.0.$((10 + i))"
    keep "node-n$i" node_once "$i"
  done
}

# ready_nodes: how many nodes reported themselves ready since we started. (In a cluster that comes up again, an old
# report is still there.)
ready_nodes() {
  local ready='.status.conditions[?(@.type=="Ready")]'
  kubectl get nodes -o jsonpath="{range .items[*]}{$ready.status} {$ready.lastHeartbeatTime}{'\n'}{end}" |
    awk -v since="$(date -u -d "@$started" +%FT%TZ)" '$1 == "True" && $2 >= since {n++} END {print n + 0}'
}

images_loaded() {
  local i
  for i in $(seq "$NODES"); do [ -e "$S/n$i/loaded" ] || return 1; done
}

dns_answers() {
  kubectl -n kube-system rollout status deployment/coredns > /dev/null &&
    kubectl get --raw /api/v1/namespaces/kube-system/services/kube-dns:metrics/proxy/metrics > /dev/null
}

network
certificates
kernel_mounts ""
mount --make-rshared /
control_plane
nodes
keep cp-outside python3 "$LIB/outside.py" 10.250.0.1
keep cp-loadbalancer python3 "$LIB/loadbalancer.py" "$P"
kubectl apply -f "$LIB/dns.yaml" > /dev/null
until kubectl get serviceaccount default > /dev/null; do sleep 0.1; done
if [ "$NODES" -gt 0 ]; then
  until [ "$(ready_nodes)" -ge "$NODES" ]; do sleep 0.3; done
  say "$NODES nodes ready"
  until images_loaded && dns_answers; do sleep 0.3; done
fi
say "cluster ready" | tee "$S/ready"
while :; do wait || true; sleep 1; done # bash buries the orphans meanwhile
