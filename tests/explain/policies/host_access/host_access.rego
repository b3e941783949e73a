package kubernetes.admission

# The style of before OPA 1.0, without METADATA.
deny[msg] {
	spaces := {"hostNetwork", "hostPID", "hostIPC"}
	input.pod.spec[name] == true
	spaces[name]
	msg := sprintf("Pod uses %s", [name])
}

deny[msg] {
	container := input.containers[i]
	variable := container.spec.env[_]
	variable.value == "hunter2"
	msg := sprintf("container %d has a guessable password", [i])
}
