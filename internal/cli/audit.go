package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"cusp/internal/api"
)

func (sh *shell) auditCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "audit", Short: "Read the log of who changed what, and prove that nobody changed the log",
		Example: "  cusp audit list\n  cusp audit verify",
	}, sh.auditList(), sh.auditVerify())
}

func (sh *shell) auditList() *cobra.Command {
	var limit int
	var cursor string
	cmd := &cobra.Command{
		Use: "list", Short: "Show who changed what, in the order in which it happened",
		Example: "  cusp audit list --limit 200\n  cusp audit list --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := fetch[api.Page[api.AuditItem]](cmd.Context(), sh, "/api/v1/audit"+query("limit", strconv.Itoa(limit), "cursor", cursor))
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, log)
			}
			g := newGrid(sh.p.Stdout, "Nothing was changed yet.", "NO", "AT", "WHO", "WHAT", "SUBJECT")
			for i := range log.Items {
				e := &log.Items[i]
				g.row(strconv.FormatInt(e.No, 10), e.At, e.Who, e.What, e.Subject)
			}
			if err := g.flush(); err != nil {
				return err
			}
			if log.Next != "" {
				sh.say("\nThere is more: --cursor %s", log.Next)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, at most 500")
	cmd.Flags().StringVar(&cursor, "cursor", "", "the next of the page before")
	return cmd
}

func (sh *shell) auditVerify() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check every row of the audit log; exits with 1 and names the row that is not as it was written",
		Long: "Every row holds a hash of itself and of the row before it. Whoever can write the database could write\n" +
			"the whole log anew: give a --head that was kept elsewhere, such as the one that this command printed before.",
		Example: "  cusp audit verify\n  cusp audit verify --head 120:5f0c… --json", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := fetch[api.AuditVerdict](cmd.Context(), sh, "/api/v1/audit/verify"+query("head", head))
			if err != nil {
				return err
			}
			switch {
			case sh.json:
				if err := printJSON(sh.p.Stdout, v); err != nil {
					return err
				}
			case v.OK:
				sh.say("All %d rows are as they were written. Head: %s", v.Entries, v.Head)
			default:
				sh.say("Row %d: %s. The %d rows before it are as they were written.", v.Broken, v.Reason, v.Entries)
			}
			if !v.OK {
				return &silentError{}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "a head that was kept elsewhere")
	return cmd
}
