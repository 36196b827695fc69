package cli

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/api"
)

func (sh *shell) teamCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "team", Short: "Make teams and say who is in them",
		Example: "  cusp team add emea --name EMEA\n  cusp team member emea ada@acme.example --weight 2",
	}, sh.teamAdd(), sh.teamList(), sh.teamMember())
}

func (sh *shell) teamAdd() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "add ID", Short: "Make a team; its id is the one that the playbook names",
		Example: "  cusp team add emea --name EMEA", Args: args("the id of the team"),
		RunE: func(cmd *cobra.Command, in []string) error {
			req := api.NewTeamRequest{ID: in[0], Name: name}
			if name == "" {
				req.Name = in[0]
			}
			var out api.TeamItem
			if err := sh.send(cmd.Context(), mayCreate, http.MethodPost, "/teams", req, &out); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("Team %s is made.", printable(out.ID))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "how people call it; the id when left out")
	return cmd
}

func (sh *shell) teamList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show every team with its members", Example: "  cusp team list --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			teams, err := fetch[api.Page[api.TeamItem]](cmd.Context(), sh, "/api/v1/teams")
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, teams)
			}
			g := newGrid(sh.p.Stdout, "None yet. cusp team add --help shows how to add one.",
				"TEAM", "NAME", "MEMBERS (WEIGHT)")
			for _, t := range teams.Items {
				var members []string
				for _, m := range t.Members {
					members = append(members, m.User+" ("+strconv.Itoa(m.Weight)+")")
				}
				g.row(t.ID, t.Name, strings.Join(members, ", "))
			}
			return g.flush()
		},
	}
}

func (sh *shell) teamMember() *cobra.Command {
	var weight int
	cmd := &cobra.Command{
		Use: "member TEAM USER", Short: "Give a user a place in a team, or another weight; weight 0 takes the place away",
		Example: "  cusp team member emea ada@acme.example --weight 2\n  cusp team member emea bob@acme.example --weight 0",
		Args:    args("the id of the team", "the user: an e-mail address or id"),
		RunE: func(cmd *cobra.Command, in []string) error {
			var out api.UserItem
			path := "/teams/" + url.PathEscape(in[0]) + "/members"
			if err := sh.send(cmd.Context(), mustExist, http.MethodPost, path, api.PutMemberRequest{User: in[1], Weight: weight}, &out); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("%s has weight %d in team %s.", printable(out.Email), weight, printable(in[0]))
			return nil
		},
	}
	cmd.Flags().IntVar(&weight, "weight", 1, "share of the leads against the team mates'; 0 to 1000")
	return cmd
}

func (sh *shell) absenceCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "absence", Short: "Say when users take no leads",
		Example: "  cusp absence add ada@acme.example --from 2026-08-03T00:00:00+02:00 --until 2026-08-17T00:00:00+02:00",
	}, sh.absenceAdd(), sh.absenceList())
}

func (sh *shell) absenceAdd() *cobra.Command {
	var req api.NewAbsenceRequest
	cmd := &cobra.Command{
		Use: "add USER --from TIME --until TIME", Short: "Say when a user takes no leads; parts of days are as good as days",
		Example: "  cusp absence add ada@acme.example --from 2026-08-03T13:00:00+02:00 --until 2026-08-03T17:00:00+02:00 --note dentist",
		Args:    args("the user: an e-mail address or id"),
		RunE: func(cmd *cobra.Command, in []string) error {
			req.User = in[0]
			for _, text := range []string{req.From, req.Until} {
				if _, err := time.Parse(time.RFC3339, text); err != nil {
					return usage("--from and --until are times with their zone, as in 2026-08-03T13:00:00+02:00")
				}
			}
			var out api.AbsenceItem
			if err := sh.send(cmd.Context(), mustExist, http.MethodPost, "/absences", req, &out); err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, out)
			}
			sh.say("Absence %d: %s takes no leads from %s until %s.", out.ID, printable(in[0]), out.From, out.Until)
			return nil
		},
	}
	cmd.Flags().StringVar(&req.From, "from", "", "when it begins")
	cmd.Flags().StringVar(&req.Until, "until", "", "when the user is back")
	cmd.Flags().StringVar(&req.Note, "note", "", "why, for colleagues")
	return cmd
}

func (sh *shell) absenceList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the absences that are not over", Example: "  cusp absence list --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := fetch[api.Page[api.AbsenceItem]](cmd.Context(), sh, "/api/v1/absences")
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, all)
			}
			g := newGrid(sh.p.Stdout, "Nobody is away, now or later.",
				"ID", "USER", "FROM", "UNTIL", "NOTE")
			for _, x := range all.Items {
				g.row(strconv.FormatInt(x.ID, 10), strconv.FormatInt(x.User, 10), x.From, x.Until, x.Note)
			}
			return g.flush()
		},
	}
}
