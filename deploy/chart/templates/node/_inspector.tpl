{{- define "kodkod.inspector" -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: tigera-dpi
  namespace: {{ include "kodkod.inspectors" . }}
  labels: {{- include "kodkod.podLabels" (list "tigera-dpi" "inspector") | nindent 4 }}
spec:
  selector:
    matchLabels: {k8s-app: tigera-dpi}
  template:
    metadata:
      labels: {{- include "kodkod.podLabels" (list "tigera-dpi" "inspector") | nindent 8 }}
    spec:
      serviceAccountName: tigera-dpi
      {{- if .Values.image.pullSecrets }}
      {{- include "kodkod.pullSecrets" . | nindent 6 }}
      {{- end }}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      terminationGracePeriodSeconds: 30
      {{- with .Values.inspector.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .Values.inspector.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.inspector.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: tigera-dpi
          image: {{ include "kodkod.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args:
            - inspector
            - --in-cluster
            - --data=/var/lib/kodkod
            - --server={{ include "kodkod.server" . }}
            - --run-dir=/run/kodkod
            - --metrics-listen=:{{ .Values.inspector.metricsPort }}
            - --rules-dir=/etc/kodkod/rules
            - --rules-dir=/usr/etc/snort/rules
            {{- with .Values.inspector.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            {{- include "kodkod.env" . | nindent 12 }}
            {{- with .Values.inspector.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - {name: metrics, containerPort: {{ .Values.inspector.metricsPort }}}
          securityContext: {{- include "kodkod.nodeContainer" . | nindent 12 }}
          readinessProbe:
            exec: {command: [cat, /run/kodkod/ready]}
            periodSeconds: 5
            timeoutSeconds: 5
          volumeMounts:
            {{- include "kodkod.tokenMount" . | nindent 12 }}
            - {name: data, mountPath: /var/lib/kodkod}
            - {name: rules, mountPath: /etc/kodkod/rules, readOnly: true}
            # Filled by the init container snort-rules of IntrusionDetection, where there is one.
            - {name: snort-rules, mountPath: /usr/etc/snort/rules}
            - {name: run, mountPath: /run/kodkod}
            - {name: tmp, mountPath: /tmp}
      volumes:
        {{- include "kodkod.tokenVolume" . | nindent 8 }}
        - name: data
          hostPath: {path: {{ .Values.inspector.dataDir }}, type: DirectoryOrCreate}
        - name: rules
          # As many as `kodkod rules install --kubeconfig` may fill: one ConfigMap holds a megabyte.
          projected:
            sources:
              {{- $map := .Values.inspector.rulesConfigMap }}
              - configMap: {name: {{ $map }}, optional: true}
              {{- range $number := untilStep 2 9 1 }}
              - configMap: {name: {{ $map }}-{{ $number }}, optional: true}
              {{- end }}
        - name: snort-rules
          emptyDir: {}
        - name: run
          emptyDir: {}
        - name: tmp
          emptyDir: {}
{{- end }}
