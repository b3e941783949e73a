{{/* What the probe is told. */}}
{{- define "portcullis.probe" -}}
PORTCULLIS_WEBHOOK_CONFIGURATION: {{ include "portcullis.webhookConfiguration" . }}
PORTCULLIS_PROBE_NAMESPACE: {{ include "portcullis.probeNamespace" . }}
PORTCULLIS_PROBE_DEPLOYMENT: {{ .Release.Namespace }}/{{ include "portcullis.fullname" . }}
# Less than the Pod's own deadline: it says what happened instead of being ended.
PORTCULLIS_PROBE_TIMEOUT: {{ mul .Values.probe.timeoutSeconds 900 | quote }}
{{- end }}

{{- define "portcullis.probeNamespace" -}}
{{ default (ternary "kube-public" "default" (eq .Release.Namespace "default")) .Values.probe.namespace }}
{{- end }}
