#!/bin/bash
# Where do the cluster's programs come from? build.sh [OUT]: builds them out of the Go modules in binaries/ into OUT/bin
# (target/cluster/out unless told). Does nothing where they are up to date.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../target/cluster/out}
mkdir -p "$out/bin" "$out/source" "$out/stamp"
out=$(cd "$out" && pwd)
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off

# required MODULE DEPENDENCY: the version that the module's go.mod names. What API server and kubelets report as theirs
# is set by the linker.
required() { awk -v name="$2" '$1 == name {print $2; exit}' "$here/binaries/$1/go.mod"; }

# build MODULE PROGRAMS LINKER-FLAGS ARGUMENTS...: skipped while sources, arguments and Go are those of the last time.
# In a copy, since the sources may lie in a folder that cannot be written.
build() {
  local module=$1 programs=$2 flags=$3 stamp program fresh=yes
  shift 3
  stamp=$( (go version; echo "$flags $*"; cat "$here/binaries/$module"/*) | sha256sum)
  for program in $programs; do [ -x "$out/bin/$program" ] || fresh=no; done
  [ "$(cat "$out/stamp/$module" 2>/dev/null)" = "$stamp" ] || fresh=no
  if [ $fresh = yes ]; then return; fi
  echo "building $module"
  rm -rf "${out:?}/source/$module"
  mkdir "$out/source/$module"
  cp "$here/binaries/$module"/* "$out/source/$module/"
  chmod -R u+w "$out/source/$module"
  (cd "$out/source/$module" && go build -trimpath -ldflags "-s -w $flags" -o "$out/bin/" "$@")
  echo "$stamp" > "$out/stamp/$module"
}

runtime=github.com/containerd/containerd/v2
build containerd "containerd containerd-shim-runc-v2 ctr" \
  "-X $runtime/version.Version=$(required containerd $runtime | sed s/^v//)" \
  -tags "no_btrfs no_zfs no_devmapper no_aufs" \
  $runtime/cmd/containerd $runtime/cmd/containerd-shim-runc-v2 $runtime/cmd/ctr

chart=helm.sh/helm/v3
build helm helm "-X $chart/internal/version.version=$(required helm $chart)" $chart/cmd/helm

build coredns coredns "" .

release=$(required hyperkube k8s.io/kubernetes)
minor=${release#v1.}
reported=k8s.io/component-base/version
build hyperkube hyperkube \
  "-X $reported.gitVersion=$release -X $reported.gitMajor=1 -X $reported.gitMinor=${minor%%.*} \
-X k8s.io/client-go/pkg/version.gitVersion=$release" .
for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  ln -sfn hyperkube "$out/bin/$name"
done
