package playbook_test

import (
	"os"
	"path/filepath"
	"testing"

	"cusp/internal/playbook"
)

// examples are the playbooks that the repository ships.
func examples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../examples/*/playbook.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d example playbooks (%v), want at least 5", len(files), err)
	}
	found := map[string][]byte{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(filepath.Dir(file))] = src
	}
	return found
}

func TestParse_examplesHaveNoFindings(t *testing.T) {
	t.Parallel()
	for name, src := range examples(t) {
		if _, problems := playbook.Parse(name, src); len(problems) > 0 {
			t.Errorf("%v", problems)
		}
	}
}
