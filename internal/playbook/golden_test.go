package playbook

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParse_messages compares whole messages, as people see them, for a folder of bad playbooks.
func TestParse_messages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".txt") {
			continue
		}
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := Parse(name, read(t, filepath.Join("bad", name)))
			if p != nil {
				t.Error("a bad playbook was accepted")
			}
			golden(t, file+".txt", problems.Error()+"\n")
		})
	}
}

// golden compares got with a file, or rewrites the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	// The flag is defined once for the test binary, beside the tests of diff.
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
