# METADATA
# title: Service accounts of Pods
package lib.account

# The service account that a Pod's spec names; the older serviceAccount counts where serviceAccountName says nothing, as
# in the API server.
name(spec) := spec.serviceAccountName if {
	is_string(spec.serviceAccountName)
	spec.serviceAccountName != ""
} else := spec.serviceAccount if {
	is_string(spec.serviceAccount)
	spec.serviceAccount != ""
} else := "default"
