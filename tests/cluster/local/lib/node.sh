#!/bin/bash
# What is a node here? This is its pid 1, node.sh NAME INDEX: containerd, kubelet and kube-proxy in namespaces of their
# own (mount, network, pid, cgroup, UTS) and on a disk of their own, so that the usual paths of a node
# (/var/lib/kubelet, /var/log/pods, /run/containerd, any hostPath) exist once per node and never on the machine.
set -euo pipefail
# shellcheck source=common.sh
. "$LIB/common.sh"

n=$1 i=$2
N=$S/$n P=$S/pki
root=$N/root

# The node's root is the machine's, read through an overlay: what the node writes goes to STATE/NAME/disk. Folders that
# others must see, or that cannot lie on an overlay (containerd stacks overlays of its own), are bound in from the
# machine.
own_root() {
  local folder
  mkdir -p "$N"/{disk,work,root,containerd,kubelet} "$S/share"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$N/disk,workdir=$N/work" "$root"
  for folder in "$S" "$BIN" "$LIB" "$SYSTEM" ${IMAGES//:/ } ${SHARE//:/ }; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
  done
  mkdir -p "$root"/var/lib/{containerd,kubelet}
  mount --bind "$N/containerd" "$root/var/lib/containerd"
  mount --bind "$N/kubelet" "$root/var/lib/kubelet"
  mount --rbind /dev "$root/dev"
  kernel_mounts "$root"
  mkdir -p "$root/run/old"
  cd "$root"
  pivot_root . run/old
  umount -l /run/old
  rmdir /run/old
  mount --make-rshared / # mounts of pods with mountPropagation travel
}

identity() {
  hostname "$n"
  echo "$n" > /etc/hostname
  echo "$n$S" | md5sum | cut -c1-32 > /etc/machine-id
  echo "nameserver 10.96.0.10" > /etc/resolv.conf
}

network() {
  local j
  until ip link show eth0 > /dev/null 2>&1; do sleep 0.1; done
  ip link set lo up
  ip addr add "10.250.0.$((10 + i))/24" dev eth0
  ip link set eth0 up
  ip route add default via 10.250.0.1
  for j in $(seq "$NODES"); do
    [ "$j" = "$i" ] || ip route add "10.244.$j.0/24" via "10.250.0.$((10 + j))"
  done
  # The second: or answers between two pods of this node bypass kube-proxy's NAT.
  sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
}

# The kubelet sets these, which belong to the whole machine, when they differ from what it wants. It is shown the wanted
# values, so it leaves the real ones alone.
shield_sysctls() {
  local name value
  while read -r name value; do
    echo "$value" > "/run/${name##*/}"
    mount --bind "/run/${name##*/}" "/proc/sys/$name"
  done <<SYSCTLS
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SYSCTLS
}

pod_network() {
  mkdir -p /etc/cni/net.d /opt/cni
  rm -f /etc/cni/net.d/*
  ln -sfn /usr/lib/cni /opt/cni/bin
  cat > /etc/cni/net.d/10-bridge.conflist <<CNI
{"cniVersion": "0.4.0", "name": "bridge", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.$i.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CNI
}

containerd() {
  mkdir -p /etc/containerd
  # restrict_oom_score_adj: in a sandbox root may not lower a score, which a pod's -998 would.
  cat > /etc/containerd/config.toml <<'TOML'
version = 3
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
TOML
  keep "$n-containerd" "$BIN/containerd"
  until ctr version > /dev/null 2>&1; do sleep 0.2; done
}

# import_images FOLDER...: an archive that the node took before is not read again. --local: or the archive's bytes would
# pass through two more processes, which takes three times as long. Unpacked here and now: a kubelet that has it done on
# a busy machine loses patience after two minutes.
import_images() {
  local folder archive
  touch "$N/images"
  for folder in "$@"; do
    for archive in "$folder"/*.tar; do
      grep -qxF "$(stat -c '%n %s %Y' "$archive")" "$N/images" && continue
      ctr -n k8s.io images import --local "$archive"
      stat -c '%n %s %Y' "$archive" >> "$N/images"
    done
  done
}

kubelet() {
  mkdir -p /etc/kubernetes
  cat > /etc/kubernetes/kubelet.yaml <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
address: 0.0.0.0
healthzBindAddress: 127.0.0.1
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $P/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $P/kubelet-$n.crt
tlsPrivateKeyFile: $P/kubelet-$n.key
failSwapOn: false
resolvConf: /etc/resolv.conf
clusterDomain: cluster.local
clusterDNS: [10.96.0.10]
maxPods: 200
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 4s
YAML
  keep "$n-kubelet" "$BIN/kubelet" --config=/etc/kubernetes/kubelet.yaml --kubeconfig="$P/node-$n.kubeconfig" \
    --hostname-override="$n" --node-ip="10.250.0.$((10 + i))"
}

kube_proxy() {
  # conntrack: its limits belong to the machine too; 0 leaves them alone.
  cat > /etc/kubernetes/proxy.yaml <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $P/proxy.kubeconfig}
mode: ${PROXY_MODE:-iptables}
clusterCIDR: 10.244.0.0/16
hostnameOverride: $n
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
  keep "$n-proxy" "$BIN/kube-proxy" --config=/etc/kubernetes/proxy.yaml
}

rm -f "$N/loaded"
own_root
export PATH=$BIN:$PATH # containerd looks for its shim there
identity
network
shield_sysctls
pod_network
containerd
import_images "$SYSTEM"
kubelet
kube_proxy
# shellcheck disable=SC2086 # a list of folders
import_images ${IMAGES//:/ } # meanwhile the kubelet makes its node known
touch "$N/loaded"
while :; do wait || true; sleep 1; done # bash buries the orphans meanwhile
