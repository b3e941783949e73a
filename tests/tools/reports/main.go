// Command reports reads a report on standard input as a consumer would: `reports sarif` by the schema of SARIF 2.1.0,
// refusing properties that SARIF does not have, `reports junit` by a parser of CI systems. It prints what it read as
// one line of JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/joshdk/go-junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "reports:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: reports sarif|junit <report")
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var read any
	switch os.Args[1] {
	case "sarif":
		read, err = readSarif(text)
	case "junit":
		read, err = readJunit(text)
	default:
		err = fmt.Errorf("no report is called %q", os.Args[1])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(read)
}

func readSarif(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&sarif.Report{}); err != nil {
		return nil, err
	}
	report, err := sarif.FromBytes(text)
	if err != nil {
		return nil, err
	}
	if err := report.Validate(); err != nil {
		return nil, err
	}
	return report, nil
}

func readJunit(text []byte) (any, error) {
	suites, err := junit.Ingest(text)
	if err != nil {
		return nil, err
	}
	type test struct{ Suite, Name, Status, Message string }
	tests := []test{}
	for _, suite := range suites {
		for _, one := range suite.Tests {
			tests = append(tests, test{suite.Name, one.Name, string(one.Status), one.Message})
		}
	}
	return tests, nil
}
