{{/* The name of the release's objects. */}}
{{- define "portcullis.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The name of what lies in no namespace, or in one of another's: the same release may exist in two namespaces. */}}
{{- define "portcullis.clusterName" -}}
{{ include "portcullis.fullname" . }}.{{ .Release.Namespace }}
{{- end }}

{{/* The name of both webhook configurations. They are called in the order of their names, and what sidecar injectors
(dapr-…, istio-…) add comes after our defaults, which their own containers may have to differ from: hence the a. */}}
{{- define "portcullis.webhookConfiguration" -}}
a-{{ include "portcullis.clusterName" . }}
{{- end }}

{{- define "portcullis.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "portcullis.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the account to use, as serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* The Secret of the serving certificate, by its source. */}}
{{- define "portcullis.tlsSecret" -}}
{{- if eq .Values.certificates.source "provided" -}}
{{ .Values.certificates.provided.secretName }}
{{- else -}}
{{ include "portcullis.fullname" . }}-tls
{{- end -}}
{{- end }}

{{- define "portcullis.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{/* What selects the release's Pods. Never changed: a Deployment's selector cannot be. */}}
{{- define "portcullis.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "portcullis.labels" -}}
{{- toYaml (merge (include "portcullis.ownLabels" . | fromYaml) .Values.commonLabels) -}}
{{- end }}

{{/* The labels of every object, whatever the values. */}}
{{- define "portcullis.ownLabels" -}}
{{- toYaml (dict
  "app.kubernetes.io/name" (default .Chart.Name .Values.nameOverride)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")) -}}
{{- end }}
