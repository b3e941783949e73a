{{/* The security context of every container of the chart. */}}
{{- define "portcullis.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- end }}

{{/* The security context of every Pod of the chart. */}}
{{- define "portcullis.podSecurity" -}}
fsGroup: 65532
runAsGroup: 65532
runAsNonRoot: true
runAsUser: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "portcullis.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Pods to ask for. Under an autoscaler the autoscaler says how many, and with null whatever else has taken the
Deployment over: the number there is stays, as a field that a release gives up falls back to 1. The first install under
an autoscaler begins with the least. Where Helm cannot ask the cluster (helm template, GitOps), the field is left out.
*/}}
{{- define "portcullis.replicas" -}}
{{- if and (not .Values.autoscaling.enabled) (not (kindIs "invalid" .Values.replicas)) -}}
replicas: {{ .Values.replicas }}
{{- else if include "portcullis.connected" . -}}
{{- $spec := (lookup "apps/v1" "Deployment" .Release.Namespace (include "portcullis.fullname" .)).spec -}}
{{- if .Values.autoscaling.enabled -}}
replicas: {{ ($spec).replicas | default .Values.autoscaling.minReplicas }}
{{- else if $spec -}}
replicas: {{ $spec.replicas }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether Helm talks to the cluster that it renders for. */}}
{{- define "portcullis.connected" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}true{{ end -}}
{{- end }}

{{/* Serve on for the delay, then finish what is in flight (15 s at the most), then 5 s for the node. */}}
{{- define "portcullis.gracePeriod" -}}
{{ add (div (add .Values.server.drainDelayMilliseconds 999) 1000) 20 }}
{{- end }}

{{/* A Pod of one command, for hooks and tests: (dict "root" . "arguments" list "environment" dict). */}}
{{- define "portcullis.commandPod" -}}
serviceAccountName: {{ include "portcullis.fullname" .root }}-hooks
automountServiceAccountToken: true
restartPolicy: Never
securityContext:
  {{- include "portcullis.podSecurity" .root | nindent 2 }}
{{- with include "portcullis.pullSecrets" .root }}
{{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
- name: policy
  image: {{ include "portcullis.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: {{ toJson .arguments }}
  env:
  {{- range $name, $value := .environment }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {memory: 64Mi}
  securityContext:
    {{- include "portcullis.containerSecurity" .root | nindent 4 }}
{{- end }}
