package cli

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/api"
)

func (sh *shell) handoffsCommand() *cobra.Command {
	var state, owner, team, person, cursor string
	var limit int
	cmd := &cobra.Command{
		Use: "handoffs", Short: "List what was handed to sales, and how it stands",
		Example: "  cusp handoffs --state live\n  cusp handoffs --owner ann@example.com --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/api/v1/handoffs" + query("state", state, "owner", owner, "team", team, "person", person,
				"limit", strconv.Itoa(limit), "cursor", cursor)
			page, err := fetch[api.Page[api.HandoffItem]](cmd.Context(), sh, path)
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, page)
			}
			return sh.printHandoffs(page)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only these: live, open, accepted, contacted, qualified, rejected, recycled, disqualified, returned, withdrawn")
	cmd.Flags().StringVar(&owner, "owner", "", "only those of this user")
	cmd.Flags().StringVar(&team, "team", "", "only those of this team")
	cmd.Flags().StringVar(&person, "person", "", "only those of this person")
	cmd.Flags().StringVar(&cursor, "cursor", "", "the next of the page before")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, at most 500")
	return cmd
}

func (sh *shell) printHandoffs(page api.Page[api.HandoffItem]) error {
	g := newGrid(sh.p.Stdout, "None. A decision of engage or review hands a lead over.",
		"ID", "PERSON", "STATE", "TRACK", "OWNER", "DUE", "NEXT", "AT", "REASON")
	for i := range page.Items {
		h := &page.Items[i]
		g.row(strconv.FormatInt(h.ID, 10), h.Person, h.State, h.Track, cmp.Or(h.Owner, h.Team), when(h.DueAt, ""), h.NextStep,
			when(h.NextStepAt, ""), cmp.Or(h.Reason, h.Breach))
	}
	if err := g.flush(); err != nil {
		return err
	}
	if page.Next != "" {
		sh.say("\nMore: --cursor %s", page.Next)
	}
	return nil
}

func (sh *shell) handoffCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "handoff", Short: "Show a handoff, answer it, or give it to somebody else",
		Example: "  cusp handoff show 7\n  cusp handoff reject 7 --reason no_budget",
	}, sh.handoffShow(), sh.handoffAccept(), sh.handoffContact(), sh.handoffReject(), sh.handoffRecycle(), sh.handoffQualify(),
		sh.handoffDisqualify(), sh.handoffAssign())
}

func (sh *shell) handoffShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a handoff and how its owner was found", Example: "  cusp handoff show 7", Args: args("the id of the handoff"),
		RunE: func(cmd *cobra.Command, in []string) error {
			path, err := handoffPath(in[0])
			if err != nil {
				return err
			}
			h, err := fetch[api.HandoffItem](cmd.Context(), sh, path)
			if err != nil {
				return err
			}
			return sh.printHandoff(h)
		},
	}
}

func (sh *shell) printHandoff(h api.HandoffItem) error {
	if sh.json {
		return printJSON(sh.p.Stdout, h)
	}
	sh.say("Handoff %d of %s is %s with %s.", h.ID, h.Person, h.State, printable(cmp.Or(h.Owner, h.Team, "marketing")))
	if h.Reason != "" {
		sh.say("Reason: %s", printable(h.Reason))
	}
	if h.NextStep != "" {
		sh.say("Next: %s at %s", h.NextStep, when(h.NextStepAt, "an unknown time"))
	}
	for _, hop := range h.Hops {
		sh.say("  %s", printable(hop.Text))
	}
	return nil
}

// handoffPath is the address of a handoff.
func handoffPath(id string) (string, error) {
	if n, err := strconv.ParseInt(id, 10, 64); err != nil || n < 1 {
		return "", usage("%q is not the id of a handoff; cusp handoffs lists them", id)
	}
	return "/api/v1/handoffs/" + id, nil
}

// answerCommand is one answer; fill completes the request from its flags.
func (sh *shell) answerCommand(name, short, example string, req *api.AnswerRequest, fill func() error) *cobra.Command {
	cmd := &cobra.Command{
		Use: name + " ID", Short: short, Example: "  cusp handoff " + example, Args: args("the id of the handoff"),
		RunE: func(cmd *cobra.Command, in []string) error {
			if fill != nil {
				if err := fill(); err != nil {
					return err
				}
			}
			return sh.postHandoff(cmd, in[0], name, req)
		},
	}
	cmd.Flags().StringVar(&req.Note, "note", "", "in your own words")
	cmd.Flags().StringVar(&req.As, "as", "", "the user for whom you answer; the owner when absent")
	return cmd
}

func (sh *shell) postHandoff(cmd *cobra.Command, id, what string, req any) error {
	path, err := handoffPath(id)
	if err != nil {
		return err
	}
	c, err := sh.connect(cmd.Context(), mustExist)
	if err != nil {
		return err
	}
	defer c.close()
	var h api.HandoffItem
	if err := c.call(cmd.Context(), http.MethodPost, path+"/"+what, req, &h); err != nil {
		return err
	}
	return sh.printHandoff(h)
}

func (sh *shell) handoffAccept() *cobra.Command {
	return sh.answerCommand("accept", "Take a handoff up", "accept 7", &api.AnswerRequest{}, nil)
}

func (sh *shell) handoffContact() *cobra.Command {
	req := &api.AnswerRequest{}
	cmd := sh.answerCommand("contact", "Note that the prospect was reached, or that you tried", "contact 7 --attempt", req, nil)
	cmd.Flags().BoolVar(&req.Attempt, "attempt", false, "the prospect was not reached")
	return cmd
}

func reasoned(cmd *cobra.Command, req *api.AnswerRequest) *cobra.Command {
	cmd.Flags().StringVar(&req.Reason, "reason", "", "one code of the playbook")
	return cmd
}

func (sh *shell) handoffReject() *cobra.Command {
	req := &api.AnswerRequest{}
	return reasoned(sh.answerCommand("reject", "Give a lead back, with one reason", "reject 7 --reason no_budget", req, nil), req)
}

func (sh *shell) handoffDisqualify() *cobra.Command {
	req := &api.AnswerRequest{}
	return reasoned(sh.answerCommand("disqualify", "Say that it is no lead, with one reason", "disqualify 7 --reason not_a_buyer", req, nil), req)
}

func (sh *shell) handoffRecycle() *cobra.Command {
	req := &api.AnswerRequest{}
	var until string
	cmd := reasoned(sh.answerCommand("recycle", "Put a lead off to a date; it comes back by itself", "recycle 7 --reason too_early --until 2027-01-15",
		req, func() error {
			if until == "" {
				return nil
			}
			at, err := time.Parse(time.DateOnly, until)
			if err != nil {
				if at, err = time.Parse(time.RFC3339, until); err != nil {
					return usage("--until must be a date such as 2027-01-15")
				}
			}
			req.Until = at.UTC().Format(time.RFC3339)
			return nil
		}), req)
	cmd.Flags().StringVar(&until, "until", "", "when it comes back; what the reason proposes when absent")
	return cmd
}

func (sh *shell) handoffQualify() *cobra.Command {
	req := &api.AnswerRequest{}
	var fields string
	cmd := sh.answerCommand("qualify", "Say that it is qualified for sales", `qualify 7 --framework '{"budget":"50k"}'`, req, func() error {
		if fields == "" {
			return nil
		}
		if err := json.Unmarshal([]byte(fields), &req.Framework); err != nil {
			return usage("--framework must be a JSON object")
		}
		return nil
	})
	cmd.Flags().StringVar(&fields, "framework", "", "the framework's fields as a JSON object")
	return cmd
}

func (sh *shell) handoffAssign() *cobra.Command {
	req := &api.AssignRequest{}
	cmd := &cobra.Command{
		Use: "assign ID", Short: "Give a handoff to somebody else, or route it anew",
		Example: "  cusp handoff assign 7 --to bob@example.com", Args: args("the id of the handoff"),
		RunE: func(cmd *cobra.Command, in []string) error { return sh.postHandoff(cmd, in[0], "assign", req) },
	}
	cmd.Flags().StringVar(&req.Owner, "to", "", "the user who gets it; absent to route it anew")
	return cmd
}
