"""What users do with kubectl, on objects of ours: scenarios that need no data from elsewhere."""

import pytest

from kodkod.testing.scenarios import Kubectl, Playground, Scenario

pytestmark = pytest.mark.kubectl

PREAMBLE = r"""
set -e -o pipefail
cat > capture.yaml <<Y
apiVersion: projectcalico.org/v3
kind: PacketCapture
metadata: {name: dev-capture-nginx, namespace: default}
spec: {selector: app == "web"}
Y
cat > alert.yaml <<Y
apiVersion: projectcalico.org/v3
kind: GlobalAlert
metadata: {name: network.lateral.access}
spec: {description: seen, severity: 100, dataSet: flows, metric: sum, field: num_flows, condition: gt, threshold: 0}
Y
refused() { ! "$@" 2>err; }
says() { grep -q -- "$1" "${2:-/dev/stdin}" || { echo "not said: $1"; cat "${2:-/dev/null}"; return 1; }; }
"""

SCENARIOS = [
    Scenario(
        "apply, see the state, delete",
        """
        $K apply -f capture.yaml | says created
        $K apply -f capture.yaml | says unchanged
        $K patch pcap dev-capture-nginx --type=merge --subresource=status -p \
          '{"status": {"summary": {"nodes": 2, "files": 3, "bytes": 15},
                       "files": [{"node": "a", "state": "Capturing", "fileNames": ["x", "y"], "bytes": 10},
                                 {"node": "b", "state": "Error", "fileNames": ["z"], "bytes": 5}]}}' > /dev/null
        $K get pcap dev-capture-nginx > out; says 'Error *2 *3 *15' out
        $K get pcap -o wide > out; says 'app == "web"' out
        $K delete -f capture.yaml | says deleted
        refused $K get pcap dev-capture-nginx; says NotFound err
        """,
    ),
    Scenario(
        "a wrong port names itself and its cure",
        """
        sed -i 's/spec: .*/spec: {filters: [{protocol: TCP, ports: ["80-90"]}]}/' capture.yaml
        refused $K apply -f capture.yaml
        says 'spec.filters\\[0\\].ports\\[0\\]' err; says 'write "80:90"' err
        """,
    ),
    Scenario(
        "a wrong selector names the place",
        """
        sed -i "s/spec: .*/spec: {selector: app = web}/" capture.yaml
        refused $K apply -f capture.yaml; says 'at offset 4' err
        """,
    ),
    Scenario(
        "a metric without a condition is refused in the product's words",
        """
        sed -i 's/condition: gt, //' alert.yaml
        refused $K apply -f alert.yaml; says 'metrics require a condition' err
        """,
    ),
    Scenario(
        "one object under both groups",
        """
        $K apply -f alert.yaml > /dev/null
        name=network.lateral.access
        $K get globalalerts.crd.projectcalico.org $name -o yaml | says 'apiVersion: crd.projectcalico.org/v1'
        $K get globalalert.p $name -o yaml | says 'apiVersion: projectcalico.org/v3'
        """,
    ),
    Scenario(
        "the version that the download path wants",
        "$K get clusterinformation default -ojsonpath='{.spec.cnxVersion}' | says ^v",
    ),
    Scenario(
        "the inspector's bounds are written back",
        """
        path='{.spec.componentResources[0].resourceRequirements.limits.memory}'
        $K get intrusiondetection tigera-secure -o jsonpath="$path" | says 1Gi
        """,
    ),
    Scenario(
        "a viewer sees and changes nothing",
        """
        $K apply -f capture.yaml > /dev/null
        $KV get pcap dev-capture-nginx > /dev/null
        refused $KV delete pcap dev-capture-nginx; says Forbidden err
        test "$($KV auth can-i get packetcaptures --subresource=files || true)" = no
        """,
    ),
    Scenario(
        "a viewer has no verb that writes, of any kind",
        """
        $KV auth can-i --list > rights
        says packetcaptures rights; says rulesets rights
        ! grep -v 'selfsubject' rights | grep -E 'create|update|patch|delete|\\*\\]$' || { cat rights; false; }
        refused $KV create -f alert.yaml; says Forbidden err
        $K create -f alert.yaml > /dev/null
        refused $KV annotate globalalert network.lateral.access a=b; says Forbidden err
        refused $KV delete globalalert network.lateral.access; says Forbidden err
        """,
    ),
    Scenario(
        "an agent writes its own report alone",
        """
        report() { printf 'apiVersion: kodkod.dev/v1alpha1\\nkind: NodeReport\\n'
                   printf 'metadata: {name: %s}\\nspec: {node: %s, role: agent}\\n' $1 $2; }
        report test-node-agent test-node | $KA apply -f - | says created
        refused $KA create -f <(report other-agent other); says 'only its own NodeReports' err
        report other-agent other | $K apply -f - > /dev/null
        refused $KA patch nodereport other-agent --type=merge -p '{"spec": {"role": "inspector"}}'
        says Forbidden err
        refused $KA patch nodereport other-agent --type=merge --subresource=status -p '{"status": {"ready": true}}'
        says Forbidden err
        $KA patch nodereport test-node-agent --type=merge --subresource=status -p '{"status": {"ready": true}}' | \
          says patched
        refused $KA create -f capture.yaml; says Forbidden err
        $K create -f capture.yaml > /dev/null
        refused $KA patch pcap dev-capture-nginx --type=merge --subresource=status -p '{"status": {"state": "Error"}}'
        says Forbidden err
        """,
    ),
    Scenario(
        "a reader of one namespace sees its captures, files, events and logs alone",
        """
        v3=/apis/projectcalico.org/v3/namespaces name=packetcaptures/dev-capture-nginx/files
        other=kodkod-system
        $K create -f capture.yaml > /dev/null
        sed "s/namespace: default/namespace: $other/" capture.yaml | $K create -f - > /dev/null
        for ask in "get pcap" "get --raw $v3/default/$name" "get --raw /v1/events" "get --raw /v1/logs/flows"; do
          refused $KL $ask; grep -Eq 'forbidden|Forbidden' err || { cat err; false; }
        done
        cat > reader.yaml <<Y
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {apiGroups: [projectcalico.org], resources: [packetcaptures, packetcaptures/files], verbs: [get, list, watch]}
- {apiGroups: [kodkod.dev], resources: [events, logs], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: 'system:kodkod:lab', apiGroup: rbac.authorization.k8s.io}]
Y
        $K apply -f reader.yaml > /dev/null
        $KL get pcap -o name | says dev-capture-nginx
        $KL get --raw $v3/default/$name | says PacketCaptureFiles
        refused $KL get --raw /packet-capture/download/default/dev-capture-nginx/files.zip
        says NotFound err
        $KL get --raw /v1/events | says items
        $KL get --raw '/v1/logs/flows?limit=1' | says items
        $KL get --raw '/tigera_secure_ee_events*/_search' | says hits
        refused $KL get pcap -n $other; says Forbidden err
        refused $KL get pcap -A; says Forbidden err
        refused $KL get --raw $v3/$other/$name; says orbidden err
        refused $KL get --raw /apis/projectcalico.org/v3/$name; says orbidden err
        refused $KL get --raw /packet-capture/download/$other/dev-capture-nginx/files.zip; says orbidden err
        refused $KL delete pcap dev-capture-nginx; says Forbidden err
        refused $KL delete --raw $v3/default/$name; says orbidden err
        test "$($KL auth can-i get packetcaptures.projectcalico.org --subresource=files)" = yes
        test "$($KL auth can-i get packetcaptures.projectcalico.org --subresource=files -n $other || true)" = no
        $K delete -f reader.yaml > /dev/null
        refused $KL get pcap; says Forbidden err
        """,
    ),
    Scenario(
        "a role binding opens one namespace's captures",
        """
        cat > role.yaml <<Y
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewers-capture, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: Group, name: 'system:kodkod:viewers', apiGroup: rbac.authorization.k8s.io}]
Y
        $K apply -f role.yaml > /dev/null
        $KV apply -f capture.yaml | says created
        $K delete -f role.yaml > /dev/null
        refused $KV delete -f capture.yaml; says Forbidden err
        """,
    ),
    Scenario(
        "describe shows the events of an alert and of an inspection, counted",
        """
        told() { $K get $1 $2 ${3:+-n $3} -o jsonpath='{.metadata.uid}' > uid
                 printf 'apiVersion: v1\\nkind: Event\\nmetadata: {name: %s.1, namespace: %s}\\n' $2 ${3:-default}
                 printf 'reason: Fired\\ntype: Normal\\ncount: 3\\nmessage: it held\\nsource: {component: kodkod}\\n'
                 printf 'firstTimestamp: %s\\nlastTimestamp: %s\\n' $(date -u -d -1min +%FT%TZ) $(date -u +%FT%TZ)
                 printf 'involvedObject: {kind: %s, name: %s, uid: %s%s}\\n' $1 $2 $(cat uid) "${3:+, namespace: $3}"; }
        $K apply -f alert.yaml > /dev/null
        sed 's/PacketCapture/DeepPacketInspection/; s/dev-capture-nginx/dpi/' capture.yaml | $K apply -f - > /dev/null
        told GlobalAlert network.lateral.access | $KL create -f - > /dev/null
        told DeepPacketInspection dpi default | $KL create -f - > /dev/null
        for object in 'globalalert network.lateral.access' 'deeppacketinspection dpi'; do
          $K describe $object > out; says 'Normal *Fired *[0-9]*s (x3 over [0-9]*s) *kodkod *it held' out
        done
        $KL delete event network.lateral.access.1 dpi.1 > /dev/null
        """,
    ),
    Scenario(
        "server-side apply tells who owns the field",
        """
        $K apply --server-side -f capture.yaml > /dev/null
        sed -i 's/"web"/"db"/' capture.yaml
        refused $K apply --server-side --field-manager=another -f capture.yaml; says 'conflict with "kubectl"' err
        $K apply --server-side --field-manager=another --force-conflicts -f capture.yaml > /dev/null
        $K get pcap dev-capture-nginx -o jsonpath='{.spec.selector}' | says db
        """,
    ),
    Scenario(
        "a watch shows what happens",
        """
        ($K get pcap -w --output-watch-events > seen & echo $! > pid; wait) &
        for _ in $(seq 100); do [ -s seen ] && break; $K apply -f capture.yaml > /dev/null; sleep 0.2; done
        $K delete -f capture.yaml > /dev/null
        for _ in $(seq 100); do grep -q DELETED seen && break; sleep 0.1; done
        kill $(cat pid); says ADDED seen; says DELETED seen
        """,
    ),
    Scenario(
        "explain speaks our words",
        "$K explain pcap.spec.endTime | tr -s ' \\n' ' ' | says 'Setting it to now stops the capture'",
    ),
    Scenario(
        "20,000 brackets are refused soon",
        """
        { echo 'apiVersion: projectcalico.org/v3'; echo 'kind: PacketCapture'
          echo 'metadata: {name: deep, namespace: default}'
          echo "spec: {selector: \\"$(printf '(%.0s' $(seq 20000))\\"}"; } > deep.yaml
        refused timeout 5 $K create -f deep.yaml; says 'nested more than' err
        """,
    ),
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_kubectl(ground: Playground, kubectl: Kubectl, scenario: Scenario) -> None:
    outcome = ground.run(kubectl, scenario, PREAMBLE)
    assert outcome.result == "passed", outcome.said
