// Command pss judges Pods by the checks of the Pod Security Standards as the API server's own admission plugin does.
//
// It writes one line of JSON that lists the checks, each with the versions at which its verdict may change. Then it
// reads Pods, one line of JSON each, and answers each with a line: for every check whether it allows the Pod at each of
// those versions, in the same order; or an error, if the API server could not decode the Pod.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kubejson "sigs.k8s.io/json"
)

// A check with an evaluator of its own: the levels' evaluator would leave out what another check overrides.
type check struct {
	ID       policy.CheckID `json:"id"`
	Level    api.Level      `json:"level"`
	Versions []string       `json:"versions"`

	parsed    []api.Version
	evaluator policy.Evaluator
}

// The answer to one Pod.
type answer struct {
	Allowed map[policy.CheckID][]bool `json:"allowed,omitempty"`
	Error   string                    `json:"error,omitempty"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pss:", err)
		os.Exit(1)
	}
}

func run(input io.Reader, output io.Writer) error {
	checks, err := checks()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(output)
	if err := encoder.Encode(map[string][]check{"checks": checks}); err != nil {
		return err
	}
	lines := bufio.NewReader(input)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(judge(checks, line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// checks lists the checks in force, each at v1.0, where it changes, and at the latest version.
func checks() ([]check, error) {
	var found []check
	for _, one := range policy.DefaultChecks() {
		evaluator, err := policy.NewEvaluator([]policy.Check{one}, nil)
		if err != nil {
			return nil, err
		}
		versions := []string{"v1.0"}
		for _, revision := range one.Versions {
			if version := revision.MinimumVersion.String(); version != "v1.0" {
				versions = append(versions, version)
			}
		}
		versions = append(versions, "latest")
		parsed := make([]api.Version, len(versions))
		for i, version := range versions {
			if parsed[i], err = api.ParseVersion(version); err != nil {
				return nil, err
			}
		}
		found = append(found, check{one.ID, one.Level, versions, parsed, evaluator})
	}
	return found, nil
}

// judge decodes a Pod as the API server does, keys compared with their case, and has each check look at it.
func judge(checks []check, line []byte) answer {
	var pod corev1.Pod
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(line, &pod); err != nil {
		return answer{Error: err.Error()}
	}
	allowed := make(map[policy.CheckID][]bool, len(checks))
	for _, check := range checks {
		for _, version := range check.parsed {
			results := check.evaluator.EvaluatePod(api.LevelVersion{Level: check.Level, Version: version}, &pod.ObjectMeta, &pod.Spec)
			allowed[check.ID] = append(allowed[check.ID], policy.AggregateCheckResults(results).Allowed)
		}
	}
	return answer{Allowed: allowed}
}
