#!/bin/bash
# Who is who in the cluster? pki.sh FOLDER NAME=IP...: two authorities, serving and client certificates and kubeconfigs
# for a control plane at 10.250.0.1 and the named nodes. What exists already is kept, so that a cluster can come up
# again, with more nodes too.
set -euo pipefail

mkdir -p "$1"
cd "$1"
shift

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

authority() {
  [ -e "$1.crt" ] && return
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 3650 -out "$1.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

# certificate NAME SUBJECT serverAuth|clientAuth ALTERNATIVE-NAMES AUTHORITY
certificate() {
  [ -e "$1.crt" ] && return
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  {
    echo keyUsage=critical,digitalSignature
    echo "extendedKeyUsage=$3"
    [ -z "$4" ] || echo "subjectAltName=$4"
  } > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$5.crt" -CAkey "$5.key" -CAcreateserial -days 3650 \
    -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

# client NAME SUBJECT: a client certificate, and a kubeconfig that carries it.
client() {
  certificate "$1" "$2" clientAuth "" ca
  cat > "$1.kubeconfig" <<KUBECONFIG
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://10.250.0.1:6443
    certificate-authority-data: $(base64 -w0 ca.crt)
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$1.crt")
    client-key-data: $(base64 -w0 "$1.key")
contexts:
- name: local
  context:
    cluster: local
    user: $1
current-context: local
KUBECONFIG
}

authority ca
authority front-proxy-ca # signs what the aggregator shows to extension API servers
if [ ! -e sa.pub ]; then
  openssl genrsa -out sa.key 2048 2>/dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
fi
names=IP:127.0.0.1,IP:10.250.0.1,IP:10.96.0.1,DNS:localhost
for suffix in "" .default .default.svc .default.svc.cluster.local; do names+=,DNS:kubernetes$suffix; done
certificate apiserver /CN=kube-apiserver serverAuth "$names" ca
certificate apiserver-kubelet-client /O=system:masters/CN=apiserver-kubelet-client clientAuth "" ca
certificate front-proxy-client /CN=front-proxy-client clientAuth "" front-proxy-ca
client admin /O=system:masters/CN=admin
client controller-manager /CN=system:kube-controller-manager
client scheduler /CN=system:kube-scheduler
client proxy /CN=system:kube-proxy
for node in "$@"; do
  name=${node%%=*}
  client "node-$name" "/O=system:nodes/CN=system:node:$name"
  certificate "kubelet-$name" "/O=system:nodes/CN=system:node:$name" serverAuth "IP:${node#*=},DNS:$name" ca
done
