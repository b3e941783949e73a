// Command defaults fills what Pods leave unset as the API server does on their way in, by its own functions.
//
// It reads Pods, one line of JSON each, and answers each with a line: the Pod as the API server would hand it to the
// next webhook, or an error if it could not decode the Pod.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	kubejson "sigs.k8s.io/json"
)

// What became of a Pod.
type answer struct {
	Pod   *corev1.Pod `json:"pod,omitempty"`
	Error string      `json:"error,omitempty"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "defaults:", err)
		os.Exit(1)
	}
}

func run(input io.Reader, output io.Writer) error {
	encoder := json.NewEncoder(output)
	lines := bufio.NewReader(input)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(fill(line)); err != nil {
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

// fill decodes a Pod as the API server does, keys compared with their case, and sets its defaults.
func fill(line []byte) answer {
	var pod corev1.Pod
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(line, &pod); err != nil {
		return answer{Error: err.Error()}
	}
	defaults.SetObjectDefaults_Pod(&pod)
	return answer{Pod: &pod}
}
