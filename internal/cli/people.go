package cli

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cusp/internal/api"
	"cusp/internal/flow"
)

// query makes a query string of what is not empty.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

func (sh *shell) peopleCommand() *cobra.Command {
	var decision, stage, track, q, cursor string
	var limit int
	cmd := &cobra.Command{
		Use: "people", Short: "List people as they stand now",
		Example: "  cusp people --decision engage\n  cusp people --q ada@ --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/api/v1/people" + query("decision", decision, "stage", stage, "track", track, "q", q,
				"limit", strconv.Itoa(limit), "cursor", cursor)
			page, err := fetch[api.Page[flow.Summary]](cmd.Context(), sh, path)
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, page)
			}
			return sh.printPeople(page)
		},
	}
	cmd.Flags().StringVar(&decision, "decision", "", "only these: nurture, review, engage, deflect, ignore, disqualify")
	cmd.Flags().StringVar(&stage, "stage", "", "only these: visitor, lead, mql, disqualified")
	cmd.Flags().StringVar(&track, "track", "", "only these: inbound, nurture")
	cmd.Flags().StringVar(&q, "q", "", "how the e-mail address begins")
	cmd.Flags().StringVar(&cursor, "cursor", "", "the next of the page before")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, at most 500")
	return cmd
}

// fetch connects, asks once and disconnects.
func fetch[T any](ctx context.Context, sh *shell, path string) (T, error) {
	var out T
	c, err := sh.connect(ctx, mustExist)
	if err != nil {
		return out, err
	}
	defer c.close()
	err = c.call(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

func (sh *shell) printPeople(page api.Page[flow.Summary]) error {
	g := newGrid(sh.p.Stdout, "Nobody yet. Send events with a write key (cusp key create), or import a table (cusp import people FILE).",
		"PERSON", "E-MAIL OR USER", "COMPANY", "DECISION", "TRACK", "STAGE", "FIT", "INTENT", "LAST SEEN")
	for _, p := range page.Items {
		who := p.Email
		if who == "" {
			who = p.UserID
		}
		fit := "?"
		if p.Fit != nil {
			fit = decimal(*p.Fit, 1)
		}
		g.row(p.ID, who, p.Company, string(p.Decision), string(p.Track), stageOf(string(p.Stage), p.Level), fit, decimal(p.Intent, 1), p.LastSeen)
	}
	if err := g.flush(); err != nil {
		return err
	}
	if page.Next != "" {
		sh.say("\nMore: --cursor %s", page.Next)
	}
	return nil
}

func stageOf(stage string, level int) string {
	if level > 0 {
		return stage + " " + strconv.Itoa(level)
	}
	return stage
}

func decimal(f float64, places int) string { return strconv.FormatFloat(f, 'f', places, 64) }

func (sh *shell) timelineCommand() *cobra.Command {
	var cursor string
	var limit int
	cmd := &cobra.Command{
		Use: "timeline PERSON", Short: "Show what a person did, newest first, and which signals it raised",
		Example: "  cusp timeline ada@acme.example", Args: args("PERSON (an id, an e-mail address or a user id)"),
		RunE: func(cmd *cobra.Command, in []string) error {
			path := personPath(in[0]) + "/timeline" + query("limit", strconv.Itoa(limit), "cursor", cursor)
			page, err := fetch[api.Page[flow.Happening]](cmd.Context(), sh, path)
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, page)
			}
			g := newGrid(sh.p.Stdout, "Nothing yet.", "AT", "WHAT", "NAME OR PATH", "SIGNALS", "REMARKS")
			for _, h := range page.Items {
				g.row(h.At, h.Type, cmp.Or(h.Name, h.Path), strings.Join(h.Signals, ", "), remarks(h))
			}
			if err := g.flush(); err != nil {
				return err
			}
			if page.Next != "" {
				sh.say("\nMore: --cursor %s", page.Next)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&cursor, "cursor", "", "the next of the page before")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, at most 500")
	return cmd
}

func remarks(h flow.Happening) string {
	var out []string
	if h.Turned {
		out = append(out, "turned serious")
	}
	if h.Quarantine != "" {
		out = append(out, "not heard: "+h.Quarantine)
	}
	if len(h.Repeats) > 0 {
		out = append(out, "too soon to count again: "+strings.Join(h.Repeats, ", "))
	}
	return strings.Join(append(out, h.Notes...), "; ")
}

// personPath is the address of a person, whatever they are called by.
func personPath(ref string) string { return "/api/v1/people/" + url.PathEscape(ref) }
