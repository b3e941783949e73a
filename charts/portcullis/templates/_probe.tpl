{{/* What the probe is told. */}}
{{- define "portcullis.probe" -}}
PORTCULLIS_WEBHOOK_CONFIGURATION: {{ include "portcullis.webhookConfiguration" . }}
PORTCULLIS_NAMESPACE: {{ include "portcullis.probeNamespace" . }}
{{- end }}

{{- define "portcullis.probeNamespace" -}}
{{ default (ternary "kube-public" "default" (eq .Release.Namespace "default")) .Values.probe.namespace }}
{{- end }}
