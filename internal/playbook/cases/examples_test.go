package cases_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

var update = flag.Bool("update", false, "write want.yaml for cases that have none")

func TestRun_examples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../examples/*/playbook.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d example playbooks (%v), want at least 5", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			runExample(t, file)
		})
	}
}

func runExample(t *testing.T, file string) {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := playbook.Parse(file, src)
	if p == nil {
		t.Fatalf("%v", problems)
	}
	dir := filepath.Dir(file)
	found, problems := cases.Load(os.DirFS(dir), "cases", p)
	if len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	if len(found) < 6 {
		t.Errorf("%d cases, want at least 6", len(found))
	}
	report := cases.Run(p, found, explain)
	for i := range report.Results {
		r := &report.Results[i]
		if *update && r.Err == nil && !r.Case.HasWant() {
			if err := os.WriteFile(filepath.Join(dir, "cases", r.Case.Name, "want.yaml"), cases.WriteWant(r.Explain), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !r.Passed() {
			t.Error(r.String())
		}
	}
	for _, line := range report.Unreached.Lines() {
		t.Error(line)
	}
}
