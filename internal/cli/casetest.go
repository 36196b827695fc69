package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

// testResult is one case as `playbook test --json` prints it.
type testResult struct {
	Case        string          `json:"case"`
	Title       string          `json:"title"`
	Passed      bool            `json:"passed"`
	Differences []fault.Problem `json:"differences"`
	Error       string          `json:"error,omitempty"`
}

func (sh *shell) playbookTest() *cobra.Command {
	var dir string
	var write bool
	cmd := &cobra.Command{
		Use: "test PLAYBOOK", Short: "Run the cases of a playbook: people and what should be said of them",
		Long: "A case is a folder with facts.yaml and want.yaml, below the folder cases beside the playbook.\n" +
			"--write makes want.yaml for cases that have none, from what the playbook says now.",
		Example: "  cusp playbook test playbook.yaml\n  cusp playbook test playbook.yaml --cases more-cases --write",
		Args:    args("PLAYBOOK"),
		RunE: func(_ *cobra.Command, in []string) error {
			text, err := sh.readFile(in[0])
			if err != nil {
				return err
			}
			p, problems := playbook.Parse(in[0], text)
			if err := problems.Err(); err != nil {
				return err
			}
			if dir == "" {
				dir = filepath.Join(filepath.Dir(in[0]), "cases")
			}
			return sh.testCases(p, dir, write)
		},
	}
	cmd.Flags().StringVar(&dir, "cases", "", "folder of the cases (cases beside the playbook when not given)")
	cmd.Flags().BoolVar(&write, "write", false, "write want.yaml where there is none")
	return cmd
}

func (sh *shell) testCases(p *playbook.Playbook, dir string, write bool) error {
	found, problems := cases.Load(os.DirFS(dir), ".", p)
	if len(problems) > 0 {
		return problems
	}
	if len(found) == 0 {
		return fault.New(fault.NotFound, "there is no case in %s", dir).
			WithHint("a case is a folder that holds facts.yaml and want.yaml")
	}
	report := cases.Run(p, found, flow.ExplainCase)
	if write {
		if err := writeWants(dir, &report); err != nil {
			return err
		}
	}
	if err := sh.printReport(&report); err != nil {
		return err
	}
	if report.Failed() > 0 && !write {
		return &silentError{}
	}
	return nil
}

func (sh *shell) printReport(report *cases.Report) error {
	if sh.json {
		out := struct {
			Passed    int             `json:"passed"`
			Failed    int             `json:"failed"`
			Cases     []testResult    `json:"cases"`
			Unreached cases.Unreached `json:"unreached"`
		}{len(report.Results) - report.Failed(), report.Failed(), []testResult{}, report.Unreached}
		for i := range report.Results {
			r := &report.Results[i]
			t := testResult{Case: r.Case.Name, Title: r.Case.Title, Passed: r.Passed(), Differences: append([]fault.Problem{}, r.Differences...)}
			if r.Err != nil {
				t.Error = r.Err.Error()
			}
			out.Cases = append(out.Cases, t)
		}
		return printJSON(sh.p.Stdout, out)
	}
	for i := range report.Results {
		sh.say("%s", report.Results[i].String())
	}
	for _, line := range report.Unreached.Lines() {
		sh.say("%s", line)
	}
	sh.say("\n%s, %d failed", count(len(report.Results), "case"), report.Failed())
	return nil
}

// writeWants makes want.yaml for the cases that have none.
func writeWants(dir string, report *cases.Report) error {
	for i := range report.Results {
		r := &report.Results[i]
		if r.Case.HasWant() || r.Explain == nil {
			continue
		}
		name := filepath.Join(dir, r.Case.Name, "want.yaml")
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a source file of the user
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(cases.WriteWant(r.Explain))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
