package playbook

import (
	"path/filepath"
	"strings"
	"testing"

	"cusp/internal/goldentest"
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
			goldentest.Equal(t, file+".txt", problems.Error()+"\n")
		})
	}
}
