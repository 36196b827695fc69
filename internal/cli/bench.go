package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"cusp/internal/bench"
)

func (sh *shell) benchCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "bench", Short: "Measure this product beside the raw limits of this machine, in the same run",
		Example: "  cusp bench ingest\n  cusp bench replay --json",
	},
		sh.benchmark("ingest", "Durable ingest over HTTP, every event scored and decided before the answer", bench.Ingest),
		sh.benchmark("replay", "The fold of a whole history from the log", bench.Replay),
	)
}

func (sh *shell) benchmark(name, short string, run func(context.Context, bench.Options) (*bench.Report, error)) *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use: name, Short: short, Args: args(),
		Example: "  cusp bench " + name + " --json\n  cusp bench " + name + " --events 20000 --rounds 1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Events < 1 || o.Leads < 1 || o.Batch < 1 || o.Connections < 1 || o.Rounds < 1 {
				return usage("--events, --leads, --batch, --connections and --rounds must be 1 or more")
			}
			var err error
			if o.Bin, err = os.Executable(); err != nil {
				return fmt.Errorf("find the program itself: %w", err)
			}
			o.Commit = sh.p.Version.Commit
			o.Say = func(string) {}
			if sh.p.IsTTY && !sh.json {
				o.Say = func(step string) { _, _ = fmt.Fprintf(sh.p.Stderr, "\r\x1b[K%s", step) }
			}
			report, err := run(cmd.Context(), o)
			if sh.p.IsTTY && !sh.json {
				_, _ = fmt.Fprint(sh.p.Stderr, "\r\x1b[K")
			}
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, report)
			}
			return report.Text(sh.p.Stdout)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "folder for scratch databases (the temporary folder when not given)")
	f.StringVar(&o.Postgres, "postgres", "", "a PostgreSQL where scratch databases may be made, as postgres://…")
	f.IntVar(&o.Events, "events", 100_000, "events of one measured run")
	f.IntVar(&o.Leads, "leads", 10_000, "people whom they are about")
	f.IntVar(&o.Batch, "batch", 100, "events of one request")
	f.IntVar(&o.Connections, "connections", 4, "connections that send at the same time")
	f.IntVar(&o.Rounds, "rounds", 3, "how often product and raw limit take turns")
	f.IntSliceVar(&o.Stored, "stored", nil, "sizes of stored histories for the figures of flat cost, as 10000,1000000")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the events")
	return cmd
}
