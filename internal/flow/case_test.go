package flow

import (
	"os"
	"path/filepath"
	"testing"

	"cusp/internal/playbook/cases"
)

// Every example playbook decides its cases as its authors want.
func TestExplainCase_examples(t *testing.T) {
	t.Parallel()
	books, err := filepath.Glob("../../examples/*/playbook.yaml")
	if err != nil || len(books) < 5 {
		t.Fatalf("%d example playbooks, %v", len(books), err)
	}
	for _, book := range books {
		t.Run(filepath.Base(filepath.Dir(book)), func(t *testing.T) {
			t.Parallel()
			p := parse(t, book)
			found, problems := cases.Load(os.DirFS(filepath.Join(filepath.Dir(book), "cases")), ".", p)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			report := cases.Run(p, found, ExplainCase)
			for _, r := range report.Results {
				if r.Err != nil {
					t.Errorf("%s: %v", r.Case.Name, r.Err)
				}
				for _, d := range r.Differences {
					t.Errorf("%s: %s", r.Case.Name, d)
				}
			}
			if len(report.Results) < 6 {
				t.Errorf("only %d cases", len(report.Results))
			}
		})
	}
}
