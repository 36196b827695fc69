package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/playbook"
)

func (sh *shell) playbookCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "playbook", Short: "Check, show, compare, test and publish playbooks",
		Example: "  cusp playbook check playbook.yaml\n  cusp playbook diff playbook.yaml\n  cusp playbook publish playbook.yaml --note 'Pricing counts more'",
	}, sh.playbookCheck(), sh.playbookShow(), sh.playbookDiff(), sh.playbookSchema(), sh.playbookPublish(), sh.playbookTest())
}

// readFile reads a file that was named on the command line; "-" is standard input.
func (sh *shell) readFile(name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(sh.p.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s cannot be read", name).WithCause(err).WithHint("check its name and permissions")
	}
	return text, nil
}

// checked is what `playbook check --json` prints.
type checked struct {
	File string `json:"file"`
	api.Checked
}

func (sh *shell) playbookCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE…", Short: "Report every mistake with file, line and column",
		Example: "  cusp playbook check playbook.yaml", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("FILE is missing")
			}
			out := []checked{}
			failed := false
			for _, f := range files {
				text, err := sh.readFile(f)
				if err != nil {
					return err
				}
				p, _, problems := handoff.Parse(f, text)
				c := checked{File: f, Checked: api.Checked{OK: problems.Err() == nil, Problems: append([]fault.Problem{}, problems...)}}
				if p != nil {
					c.Name, c.Hash = p.Name, p.Hash
				}
				failed = failed || !c.OK
				out = append(out, c)
			}
			if err := sh.printChecked(out); err != nil {
				return err
			}
			if failed {
				return &silentError{}
			}
			return nil
		},
	}
}

// printChecked reports on standard output what was asked for: findings are the answer of this command.
func (sh *shell) printChecked(all []checked) error {
	if sh.json {
		if len(all) == 1 {
			return printJSON(sh.p.Stdout, all[0])
		}
		return printJSON(sh.p.Stdout, all)
	}
	for _, c := range all {
		for _, p := range c.Problems {
			sh.say("%s\n", p)
		}
		errors := 0
		for _, p := range c.Problems {
			if p.Severity == fault.SeverityError {
				errors++
			}
		}
		switch {
		case !c.OK:
			sh.say("%s: %s.", c.File, count(errors, "mistake"))
		case len(c.Problems) > 0:
			sh.say("%s is right, with %s.", c.File, count(len(c.Problems), "warning"))
		default:
			sh.say("%s is right: %s.", c.File, printable(c.Name))
		}
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (sh *shell) playbookShow() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "show [VERSION]", Short: "Print a published playbook; the one in force when no version is given",
		Example: "  cusp playbook show > playbook.yaml\n  cusp playbook show 3\n  cusp playbook show --all", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, in []string) error {
			if all {
				return sh.listPlaybooks(cmd)
			}
			version := "current"
			if len(in) == 1 {
				if n, err := strconv.Atoi(in[0]); err != nil || n < 1 {
					return usage("%q is not a version; cusp playbook show --all lists them", in[0])
				}
				version = in[0]
			}
			item, err := fetch[api.PlaybookItem](cmd.Context(), sh, "/api/v1/playbooks/"+version)
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, item)
			}
			_, err = io.WriteString(sh.p.Stdout, strings.TrimRight(item.Source, "\n")+"\n")
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "list the versions instead")
	return cmd
}

func (sh *shell) listPlaybooks(cmd *cobra.Command) error {
	page, err := fetch[api.Page[flow.PlaybookInfo]](cmd.Context(), sh, "/api/v1/playbooks?limit=500")
	if err != nil {
		return err
	}
	if sh.json {
		return printJSON(sh.p.Stdout, page)
	}
	g := newGrid(sh.p.Stdout, "None yet. cusp playbook publish FILE publishes the first.", "VERSION", "NAME", "PUBLISHED", "BY", "HASH", "NOTE")
	for _, p := range page.Items {
		g.row(strconv.Itoa(p.Version), p.Name, p.PublishedAt, p.PublishedBy, p.Hash[:min(12, len(p.Hash))], p.Note)
	}
	return g.flush()
}

func (sh *shell) playbookDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff FROM [TO]", Short: "Say in words what differs; with one file, from the playbook in force to it",
		Long:    "FROM and TO are files, or the number of a published version. Two files need no database.",
		Example: "  cusp playbook diff playbook.yaml\n  cusp playbook diff 3 playbook.yaml\n  cusp playbook diff old.yaml new.yaml",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, in []string) error {
			var req api.DiffRequest
			var err error
			if len(in) == 2 {
				if req.From, err = sh.side(in[0]); err != nil {
					return err
				}
			}
			if req.To, err = sh.side(in[len(in)-1]); err != nil {
				return err
			}
			d, err := sh.diff(cmd, req)
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, d)
			}
			sh.printDiff(d)
			return nil
		},
	}
}

// side is a version when the word is a number, else a file.
func (sh *shell) side(word string) (api.Side, error) {
	if n, err := strconv.Atoi(word); err == nil && n > 0 {
		return api.Side{Version: n}, nil
	}
	text, err := sh.readFile(word)
	return api.Side{Source: string(text), File: word}, err
}

func (sh *shell) diff(cmd *cobra.Command, req api.DiffRequest) (d api.Differences, err error) {
	if req.From.Source != "" && req.To.Source != "" {
		return api.Compare(api.Draft{Source: req.From.Source, File: req.From.File}, api.Draft{Source: req.To.Source, File: req.To.File})
	}
	c, err := sh.connect(cmd.Context(), mustExist)
	if err != nil {
		return d, err
	}
	defer c.close()
	err = c.call(cmd.Context(), http.MethodPost, "/api/v1/playbooks/diff", req, &d)
	return d, err
}

func (sh *shell) printDiff(d api.Differences) {
	if len(d.Changes) == 0 {
		sh.say("No difference: both decide alike.")
		return
	}
	section := ""
	for _, c := range d.Changes {
		if c.Section != section {
			section = c.Section
			sh.say("%s", section)
		}
		sh.say("  %-8s %s", c.Kind, printable(c.String()))
	}
}

func (sh *shell) playbookSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of playbooks, for editors",
		Example: "  cusp playbook schema > playbook.schema.json", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			_, err := sh.p.Stdout.Write(playbook.Schema())
			return err
		},
	}
}

func (sh *shell) playbookPublish() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "publish FILE", Short: "Make a playbook the one in force",
		Example: "  cusp playbook publish playbook.yaml --note 'Pricing counts more'", Args: args("FILE"),
		RunE: func(cmd *cobra.Command, in []string) error {
			text, err := sh.readFile(in[0])
			if err != nil {
				return err
			}
			// Checked here too, so that mistakes name the file and no database is made for a wrong one.
			if _, _, problems := handoff.Parse(in[0], text); problems.Err() != nil {
				return problems
			}
			c, err := sh.connect(cmd.Context(), mayCreate)
			if err != nil {
				return err
			}
			defer c.close()
			var done api.PublishedItem
			req := api.PublishRequest{Draft: api.Draft{Source: string(text), File: in[0]}, Note: note}
			if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/playbooks", req, &done); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, done)
			}
			for _, p := range done.Problems {
				sh.say("%s\n", p)
			}
			sh.say("%s is in force as version %d. People are judged by it from now on.", printable(done.Name), done.Version)
			return nil
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why it changes")
	return cmd
}
