{{/* The namespaces are fixed: the workshop, the server's certificate and the product's users know them by name. */}}
{{- define "kodkod.namespace" -}}kodkod-system{{- end }}
{{- define "kodkod.inspectors" -}}tigera-dpi{{- end }}

{{- define "kodkod.server" -}}https://kodkod-server.kodkod-system.svc:9443{{- end }}

{{- define "kodkod.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Labels of every object. Call with (list . "component"). */}}
{{- define "kodkod.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: kodkod
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: kodkod
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{/* Labels of a pod: nothing that changes with each version. Call with ("app" "component"). */}}
{{- define "kodkod.podLabels" -}}
k8s-app: {{ index . 0 }}
app.kubernetes.io/name: kodkod
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: kodkod
{{- end }}

{{/* Group in which the objects are stored, and by which our own processes know them. */}}
{{- define "kodkod.storedGroup" -}}
{{ if eq .Values.api.mode "v3-crds" }}projectcalico.org{{ else }}crd.projectcalico.org{{ end }}
{{- end }}

{{/* Whether this release made an object, or nobody did: then it may be written. Call with (list . object). */}}
{{- define "kodkod.isOurs" -}}
{{- $root := index . 0 -}}
{{- $found := index . 1 -}}
{{- if not $found }}true
{{- else }}
{{- $notes := dig "metadata" "annotations" (dict) $found -}}
{{- if and (eq (get $notes "meta.helm.sh/release-name") $root.Release.Name) (eq (get $notes "meta.helm.sh/release-namespace") $root.Release.Namespace) }}true{{ end }}
{{- end }}
{{- end }}

{{/* Security context of a process that needs no right of the node. */}}
{{- define "kodkod.restrictedPod" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "kodkod.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Security context of a node's process. Kubernetes gives added capabilities to user 0 alone. */}}
{{- define "kodkod.nodeContainer" -}}
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
seccompProfile: {type: RuntimeDefault}
capabilities:
  drop: [ALL]
  add:
    # packet sockets on the workloads' interfaces
    - NET_RAW
    # asking the kernel by netlink for the addresses behind a veth: which host interface belongs to which pod
    - NET_ADMIN
{{- end }}

{{- define "kodkod.env" -}}
- name: KODKOD_API_MODE
  value: {{ .Values.api.mode }}
- name: KODKOD_NODE
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: KODKOD_NODE_IP
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}

{{/* The token that only our own server takes: at the API server it is worth nothing. */}}
{{- define "kodkod.tokenVolume" -}}
- name: kodkod-token
  projected:
    sources:
      - serviceAccountToken: {audience: kodkod, expirationSeconds: 3600, path: token}
{{- end }}
{{- define "kodkod.tokenMount" -}}
- {name: kodkod-token, mountPath: /var/run/secrets/kodkod, readOnly: true}
{{- end }}

{{- define "kodkod.pullSecrets" -}}
imagePullSecrets:
  {{- range .Values.image.pullSecrets }}
  - name: {{ . }}
  {{- end }}
{{- end }}

{{/* Call with (list . "auto|always|never"). */}}
{{- define "kodkod.isMonitored" -}}
{{- $root := index . 0 -}}
{{- $how := index . 1 -}}
{{- if or (eq $how "always") (and (eq $how "auto") ($root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}true{{ end }}
{{- end }}
