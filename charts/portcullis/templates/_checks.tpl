{{/* What the schema cannot say: values that fit each by itself and not together. */}}
{{- define "portcullis.checks" -}}
{{- $v := .Values -}}
{{- if eq $v.image.tag "latest" -}}
  {{- fail "image.tag: latest says not what runs: name a version" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
  {{- fail (printf "autoscaling: minReplicas %v is more than maxReplicas %v" $v.autoscaling.minReplicas $v.autoscaling.maxReplicas) -}}
{{- end -}}
{{- if and (eq $v.certificates.source "provided") (not $v.certificates.provided.secretName) -}}
  {{- fail "certificates.provided.secretName: name the Secret with tls.crt and tls.key, as certificates.source is provided" -}}
{{- end -}}
{{- if and (eq $v.certificates.source "self-managed") (not $v.cluster.enabled) -}}
  {{- fail "cluster.enabled: self-managed certificates are kept in the cluster: enable it, or set certificates.source to provided or cert-manager" -}}
{{- end -}}
{{- if and $v.events.enabled (not $v.cluster.enabled) -}}
  {{- fail "cluster.enabled: Events are written by the API server: enable it, or set events.enabled to false" -}}
{{- end -}}
{{- if and $v.policies.replace (not (or $v.policies.files $v.policies.existingConfigMap)) -}}
  {{- fail "policies.replace: give files or existingConfigMap to have in the place of the shipped policies" -}}
{{- end -}}
{{- if and $v.policies.files $v.policies.existingConfigMap -}}
  {{- fail "policies: give files or existingConfigMap, not both" -}}
{{- end -}}
{{- if and $v.probe.enabled $v.webhooks.validating.enabled -}}
  {{- if eq $v.policies.profile "audit-only" -}}
    {{- fail "policies.profile: audit-only denies nothing, so the probe would fail: set probe.enabled to false" -}}
  {{- end -}}
  {{- if has (include "portcullis.probeNamespace" .) (append $v.webhooks.excludedNamespaces .Release.Namespace) -}}
    {{- fail (printf "probe.namespace: namespace %s is excluded from judgement: name one that is judged, or set probe.enabled to false" (include "portcullis.probeNamespace" .)) -}}
  {{- end -}}
{{- end -}}
{{- range $v.server.extraEnv -}}
  {{- if has .name (list "PORTCULLIS_NAMESPACE" "PORTCULLIS_POD_NAME" "PORTCULLIS_ADDRESS" "PORTCULLIS_OPERATIONS_ADDRESS") -}}
    {{- fail (printf "server.extraEnv: %s is set by the chart" .name) -}}
  {{- end -}}
{{- end -}}
{{- end }}
