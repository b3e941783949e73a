# METADATA
# title: Ingresses are encrypted
# custom:
#   match: {kinds: [networking.k8s.io/Ingress], operations: [CREATE]}
package policies.ingress

deny contains {"msg": "no TLS", "field": "spec.tls"} if not input.request.object.spec.tls
