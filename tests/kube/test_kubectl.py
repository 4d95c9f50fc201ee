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
          '{"status": {"files": [{"node": "a", "state": "Capturing", "fileNames": ["x", "y"], "bytes": 10},
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
        "an agent writes its own report alone",
        """
        report() { printf 'apiVersion: kodkod.dev/v1alpha1\\nkind: NodeReport\\n'
                   printf 'metadata: {name: %s}\\nspec: {node: %s, role: agent}\\n' $1 $2; }
        report test-node-agent test-node | $KA apply -f - | says created
        refused $KA create -f <(report other-agent other); says 'only its own NodeReports' err
        report other-agent other | $K apply -f - > /dev/null
        refused $KA patch nodereport other-agent --type=merge -p '{"spec": {"role": "inspector"}}'
        says Forbidden err
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
