{{- define "portcullis.environment" -}}
{{ include "portcullis.ownEnvironment" . }}
{{- with .Values.server.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The server's settings. Each is the variable of an option of `policy serve`. */}}
{{- define "portcullis.ownEnvironment" -}}
{{- $v := .Values -}}
{{- $settings := dict
  "PORTCULLIS_ADDRESS" (printf "%s:8443" $v.server.listen)
  "PORTCULLIS_OPERATIONS_ADDRESS" (printf "%s:9443" $v.server.listen)
  "PORTCULLIS_TLS_MIN" $v.server.tlsMin
  "PORTCULLIS_POLICY_BUDGET" $v.server.policyBudgetMilliseconds
  "PORTCULLIS_BODY_LIMIT" $v.server.bodyLimitMiB
  "PORTCULLIS_DRAIN_DELAY" $v.server.drainDelayMilliseconds
  "PORTCULLIS_LOG_FORMAT" $v.server.logFormat -}}
{{- with $v.policies.profile }}{{ $_ := set $settings "PORTCULLIS_PROFILE" . }}{{ end -}}
{{- if include "portcullis.policies" . -}}
  {{- $_ := set $settings (ternary "PORTCULLIS_POLICIES" "PORTCULLIS_EXTRA_POLICIES" $v.policies.replace) "/etc/portcullis/policies" -}}
{{- end -}}
{{- if $v.configuration -}}
  {{- $_ := set $settings "PORTCULLIS_CONFIG" "/etc/portcullis/configuration/config.yaml" -}}
{{- end -}}
{{- if .Values.cluster.enabled -}}
  {{- $_ := set $settings "PORTCULLIS_CLUSTER" "true" -}}
{{- end -}}
{{- if .Values.events.enabled -}}
  {{- $_ := set $settings "PORTCULLIS_EVENTS" "true" -}}
{{- end -}}
{{- if eq $v.certificates.source "self-managed" -}}
  {{- $_ := set $settings "PORTCULLIS_CERTIFICATES" "self-managed" -}}
  {{- $_ := set $settings "PORTCULLIS_SERVICE" (include "portcullis.fullname" .) -}}
  {{- $_ := set $settings "PORTCULLIS_LEASE" (include "portcullis.fullname" .) -}}
  {{- $_ := set $settings "PORTCULLIS_WEBHOOK_CONFIGURATION" (include "portcullis.webhookConfiguration" .) -}}
  {{- with $v.certificates.selfManaged.lifetime }}{{ $_ := set $settings "PORTCULLIS_CERTIFICATE_LIFETIME" . }}{{ end -}}
  {{- with $v.certificates.selfManaged.caLifetime }}{{ $_ := set $settings "PORTCULLIS_CA_LIFETIME" . }}{{ end -}}
{{- else -}}
  {{- $_ := set $settings "PORTCULLIS_CERTIFICATES" "files" -}}
  {{- $_ := set $settings "PORTCULLIS_TLS_CERT" "/etc/portcullis/tls/tls.crt" -}}
  {{- $_ := set $settings "PORTCULLIS_TLS_KEY" "/etc/portcullis/tls/tls.key" -}}
{{- end -}}
{{- if $v.clientAuthentication.caConfigMap -}}
  {{- $_ := set $settings "PORTCULLIS_CLIENT_CA" "/etc/portcullis/client-ca/ca.crt" -}}
  {{- with $v.clientAuthentication.names }}{{ $_ := set $settings "PORTCULLIS_CLIENT_NAME" (join "," .) }}{{ end -}}
{{- end -}}
{{- with $v.traces.endpoint -}}
  {{- $_ := set $settings "PORTCULLIS_OTLP_ENDPOINT" . -}}
  {{- $_ := set $settings "PORTCULLIS_TRACE_RATIO" $v.traces.ratio -}}
  {{- $_ := set $settings "PORTCULLIS_TRACE_POLICIES_ABOVE" (int64 $v.traces.policiesAboveMicroseconds) -}}
{{- end -}}
{{- range $name, $value := $settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
- name: PORTCULLIS_NAMESPACE
  valueFrom:
    fieldRef: {fieldPath: metadata.namespace}
- name: PORTCULLIS_POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
{{- end }}

{{/* The ConfigMap of policies, if the release has its own. */}}
{{- define "portcullis.policies" -}}
{{- if .Values.policies.existingConfigMap -}}
{{ .Values.policies.existingConfigMap }}
{{- else if .Values.policies.files -}}
{{ include "portcullis.fullname" . }}-policies
{{- end -}}
{{- end }}

{{/* What is mounted, below /etc/portcullis: name and source of each volume. Directories, as files mounted by subPath
are never written again. */}}
{{- define "portcullis.volumes" -}}
{{- with include "portcullis.policies" . }}
- name: policies
  configMap: {name: {{ . }}}
{{- end }}
{{- if .Values.configuration }}
- name: configuration
  configMap: {name: {{ include "portcullis.fullname" . }}-configuration}
{{- end }}
{{- if ne .Values.certificates.source "self-managed" }}
- name: tls
  # Readable for the group that the Pod's fsGroup gives it, and nobody else.
  secret: {secretName: {{ include "portcullis.tlsSecret" . }}, defaultMode: 0440}
{{- end }}
{{- with .Values.clientAuthentication.caConfigMap }}
- name: client-ca
  configMap: {name: {{ . }}}
{{- end }}
{{- end }}
