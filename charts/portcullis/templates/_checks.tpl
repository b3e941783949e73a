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
{{- $profiles := list "" "recommended" "baseline" "restricted" "audit-only" "none" -}}
{{- if not (or $v.policies.replace (has $v.policies.profile $profiles)) -}}
  {{- fail (printf "policies.profile: the shipped policies have no profile %s: name one of %s"
    $v.policies.profile (rest $profiles | join ", ")) -}}
{{- end -}}
{{- if eq (int $v.service.port) (int $v.service.operationsPort) -}}
  {{- fail (printf "service: port and operationsPort are both %d: change one" (int $v.service.port)) -}}
{{- end -}}
{{- if and $v.clientAuthentication.names (not $v.clientAuthentication.caConfigMap) -}}
  {{- fail "clientAuthentication.caConfigMap: name the ConfigMap of the CA, as without it no name is asked for" -}}
{{- end -}}
{{- include "portcullis.checkNetworks" . -}}
{{- include "portcullis.checkLifetimes" . -}}
{{- include "portcullis.checkAlerts" . -}}
{{- include "portcullis.checkNames" . -}}
{{- if and $v.probe.enabled $v.webhooks.validating.enabled -}}
  {{- include "portcullis.checkProbe" . -}}
{{- end -}}
{{- end }}

{{/* Beyond the schema's pattern: no number over 255, and as many groups as an IPv6 address has. */}}
{{- define "portcullis.checkNetworks" -}}
{{- $byte := "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])" -}}
{{- $groups := "[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})" -}}
{{- $address := printf "^((%s[./]){4}|%s{7}/|(%s{0,6})?::(%s{0,6})?/)" $byte $groups $groups $groups -}}
{{- range .Values.networkPolicy.apiServerCIDRs -}}
  {{- if not (regexMatch $address .) -}}
    {{- fail (printf "networkPolicy.apiServerCIDRs: %s is no network such as 10.0.0.0/8 or fd00::/8" .) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* What the server takes; with any other it would end as soon as it starts. */}}
{{- define "portcullis.checkLifetimes" -}}
{{- $seconds := dict "s" 1 "m" 60 "h" 3600 "d" 86400 "y" 31536000 -}}
{{- range $name := list "lifetime" "caLifetime" -}}
  {{- with index $.Values.certificates.selfManaged $name -}}
    {{- $total := mul (regexFind "^[0-9]+" .) (get $seconds (regexFind "[a-z]$" .)) -}}
    {{- if or (lt $total 10) (gt $total (mul 100 $seconds.y)) -}}
      {{- fail (printf "certificates.selfManaged.%s: %s is no time from 10s to 100y" $name .) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* The file is asked, so that an alert that is new or gone needs no second list. */}}
{{- define "portcullis.checkAlerts" -}}
{{- $alerts := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
  {{- range .rules -}}
    {{- $alerts = append $alerts .alert -}}
  {{- end -}}
{{- end -}}
{{- range .Values.metrics.prometheusRule.disabled -}}
  {{- if not (has . $alerts) -}}
    {{- fail (printf "metrics.prometheusRule.disabled: there is no alert %s in files/alerts.yaml" .) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* What the chart sets itself cannot be given beside it: the API server refuses a name that is there twice, or takes
the one that nobody meant. */}}
{{- define "portcullis.checkNames" -}}
{{- $labels := append (include "portcullis.ownLabels" . | fromYaml | keys) "app.kubernetes.io/component" -}}
{{- $mesh := "sidecar.istio.io/inject" -}}
{{- include "portcullis.checkTaken" (dict "value" "commonLabels"
  "given" (keys .Values.commonLabels) "own" (append $labels $mesh)) -}}
{{- $labels = concat $labels (keys .Values.commonLabels) (ternary list (list $mesh) .Values.mesh.inject) -}}
{{- include "portcullis.checkTaken" (dict "value" "podLabels" "given" (keys .Values.podLabels) "own" $labels) -}}
{{- include "portcullis.checkTaken" (dict "value" "server.extraEnv"
  "given" (include "portcullis.namesOf" .Values.server.extraEnv | fromJsonArray)
  "own" (include "portcullis.namesOf" (include "portcullis.ownEnvironment" . | fromYamlArray) | fromJsonArray)) -}}
{{- include "portcullis.checkTaken" (dict "value" "webhooks.matchConditions"
  "given" (include "portcullis.namesOf" .Values.webhooks.matchConditions | fromJsonArray)
  "own" (include "portcullis.namesOf" (include "portcullis.ownMatchConditions" . | fromYamlArray) | fromJsonArray)) -}}
{{- end }}

{{/* The names of the items of a list. */}}
{{- define "portcullis.namesOf" -}}
{{- $names := list -}}
{{- range . -}}
  {{- $names = append $names .name -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{/* Names that are given, and the chart's own: (dict "value" "podLabels" "given" list "own" list). */}}
{{- define "portcullis.checkTaken" -}}
{{- $seen := list -}}
{{- range sortAlpha .given -}}
  {{- if has . $.own -}}
    {{- fail (printf "%s: %s is set by the chart" $.value .) -}}
  {{- end -}}
  {{- if has . $seen -}}
    {{- fail (printf "%s: %s is there twice" $.value .) -}}
  {{- end -}}
  {{- $seen = append $seen . -}}
{{- end -}}
{{- end }}

{{/* The probe's Pod is denied only where the release judges. Of its namespace's labels only the name is known here: if
the selector asks for others, somebody has to say which namespace bears them. */}}
{{- define "portcullis.checkProbe" -}}
{{- $v := .Values -}}
{{- if eq $v.policies.profile "audit-only" -}}
  {{- fail "policies.profile: audit-only denies nothing, so the probe would fail: set probe.enabled to false" -}}
{{- end -}}
{{- $namespace := include "portcullis.probeNamespace" . -}}
{{- $excluded := has $namespace (append $v.webhooks.excludedNamespaces .Release.Namespace) -}}
{{- $expressions := $v.webhooks.namespaceSelector.matchExpressions | default list -}}
{{- range $key, $value := $v.webhooks.namespaceSelector.matchLabels -}}
  {{- $expressions = append $expressions (dict "key" $key "operator" "In" "values" (list $value)) -}}
{{- end -}}
{{- range $expressions -}}
  {{- if eq .key "kubernetes.io/metadata.name" -}}
    {{- $named := has $namespace (.values | default list) -}}
    {{- $excluded = or $excluded (eq .operator "DoesNotExist") (and (eq .operator "NotIn") $named)
      (and (eq .operator "In") (not $named)) -}}
  {{- else if and (has .operator (list "In" "Exists")) (not $v.probe.namespace) -}}
    {{- fail (printf "probe.namespace: webhooks.namespaceSelector asks for the label %s: %s, or %s"
      .key "name a namespace that bears it" "set probe.enabled to false") -}}
  {{- end -}}
{{- end -}}
{{- if $excluded -}}
  {{- fail (printf "probe.namespace: namespace %s is excluded from judgement: %s, or set probe.enabled to false"
    $namespace "name one that is judged") -}}
{{- end -}}
{{- end }}
