// Package goldentest compares what a test got with a checked-in file, so that a change of output is seen
// in review. Run the test with -update to write the file anew.
package goldentest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Equal compares got with a file, named from the folder of the test, line by line.
func Equal(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run this test with -update to write it", err)
	}
	if bytes.Equal(want, []byte(got)) {
		return
	}
	t.Errorf("%s is stale; run this test with -update if the change is meant (-want +got):\n%s", file,
		cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")))
}

func write(t testing.TB, file, got string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // sources are for everybody
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // sources are for everybody
		t.Fatal(err)
	}
}
