{{/* The configuration of one kind of webhook: (dict "root" . "kind" "Validating" "webhook" "validate" "values" …). */}}
{{- define "portcullis.configuration" -}}
{{- $root := .root -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ .kind }}WebhookConfiguration
metadata:
  name: {{ include "portcullis.webhookConfiguration" $root }}
  labels:
    {{- include "portcullis.labels" $root | nindent 4 }}
  annotations:
    # Argo CD applies it when the Deployment is healthy, and deletes it before the Deployment.
    argocd.argoproj.io/sync-wave: "10"
    {{- if eq $root.Values.certificates.source "cert-manager" }}
    cert-manager.io/inject-ca-from: {{ $root.Release.Namespace }}/{{ include "portcullis.fullname" $root }}
    {{- end }}
    {{- with $root.Values.webhooks.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
webhooks:
- name: {{ .webhook }}.portcullis.dev
  admissionReviewVersions: [v1]
  clientConfig:
    {{- if and (eq $root.Values.certificates.source "provided") $root.Values.certificates.provided.caBundle }}
    caBundle: {{ $root.Values.certificates.provided.caBundle | b64enc }}
    {{- else }}
    # caBundle is not set here: the server (self-managed) or cert-manager's injector owns it, and an upgrade leaves it.
    {{- end }}
    service:
      name: {{ include "portcullis.fullname" $root }}
      namespace: {{ $root.Release.Namespace }}
      path: /{{ .webhook }}
      port: {{ $root.Values.service.port }}
  failurePolicy: {{ .failurePolicy }}
  matchPolicy: Equivalent
  {{- if eq .kind "Mutating" }}
  reinvocationPolicy: IfNeeded
  {{- end }}
  sideEffects: None
  timeoutSeconds: {{ .values.timeoutSeconds }}
  namespaceSelector:
    {{- include "portcullis.namespaceSelector" $root | nindent 4 }}
  matchConditions:
    {{- include "portcullis.matchConditions" $root | nindent 4 }}
  rules:
    {{- toYaml .values.rules | nindent 4 }}
{{- end }}

{{/* By the label that the API server itself sets and nobody can change: a namespace's other labels are its owner's. */}}
{{- define "portcullis.namespaceSelector" -}}
{{- $given := .Values.webhooks.namespaceSelector -}}
{{- with $given.matchLabels -}}
matchLabels:
  {{- toYaml . | nindent 2 }}
{{ end -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ append .Values.webhooks.excludedNamespaces .Release.Namespace | uniq | sortAlpha | toJson }}
{{- with $given.matchExpressions }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "portcullis.matchConditions" -}}
{{ include "portcullis.ownMatchConditions" . }}
{{- with .Values.webhooks.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Fields of the request that are empty are not there, and an expression that asks for one is an error, which refuses
the request under failurePolicy Fail: a cluster role has no namespace. */}}
{{- define "portcullis.ownMatchConditions" -}}
# What nodes need to live and to be repaired never waits for a webhook.
- name: not-by-a-node
  expression: '!(has(request.userInfo.groups) && "system:nodes" in request.userInfo.groups)'
- name: not-a-node-or-lease
  expression: '!(request.resource.group == "" && request.resource.resource == "nodes") && !(request.resource.group == "coordination.k8s.io" && request.resource.resource == "leases")'
# The API server writes its own roles before it calls itself ready, and ends if it cannot.
- name: not-by-the-api-server
  expression: 'request.userInfo.username != "system:apiserver"'
# The release's own roles can be repaired when none of its Pods runs.
- name: not-the-release-itself
  expression: '!(request.resource.group == "rbac.authorization.k8s.io" && {{ include "portcullis.ownRole" . }})'
{{- end }}

{{/* By name and namespace: a name alone would let roles elsewhere be called so. */}}
{{- define "portcullis.ownRole" -}}
{{- $name := include "portcullis.clusterName" . -}}
has(request.name) && (has(request.namespace) ? request.namespace == "{{ include "portcullis.probeNamespace" . }}" && request.name == "{{ $name }}-probe" : request.name in {{ list $name (printf "%s-hooks" $name) | toJson }})
{{- end }}

{{/* What the validating configuration's failurePolicy is now. Helm creates it together with the server, which takes a
while to be ready; to refuse everything for so long would be an outage of its own making. So where it does not stand at
Fail yet, it comes as Ignore, and the probe after the install sets it to Fail as soon as a Pod was seen to be denied.
Where Helm cannot ask the cluster (helm template, GitOps), hooks and order are another's: it is Fail at once. */}}
{{- define "portcullis.failurePolicy" -}}
{{- $wanted := .Values.webhooks.validating.failurePolicy -}}
{{- $now := $wanted -}}
{{- if and (eq $wanted "Fail") .Values.probe.enabled (include "portcullis.connected" .) -}}
  {{- $now = "Ignore" -}}
  {{- $found := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" (include "portcullis.webhookConfiguration" .) -}}
  {{- range ($found).webhooks -}}
    {{- $now = .failurePolicy -}}
  {{- end -}}
{{- end -}}
{{- $now -}}
{{- end }}
