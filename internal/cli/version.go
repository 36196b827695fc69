package cli

import "github.com/spf13/cobra"

func (sh *shell) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say what this program was built from", Example: "  cusp version --json", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			v := sh.p.Version
			if sh.json {
				return printJSON(sh.p.Stdout, v)
			}
			sh.say("cusp %s, commit %s, %s", v.Version, v.Commit, v.Go)
			return nil
		},
	}
}
