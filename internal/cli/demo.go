package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"cusp/examples"
	"cusp/internal/access"
	"cusp/internal/app"
	"cusp/internal/config"
	"cusp/internal/flow"
	"cusp/internal/lead"
	"cusp/internal/sim"
)

// demoSize says how large the sample company is.
type demoSize struct {
	months, people int
	seed           uint64
	pace           float64
}

func (sh *shell) demoCommand() *cobra.Command {
	size := demoSize{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a living sample company on a throw-away database",
		Long: "Tallyport sells to companies of middle size. Half a year of its history is made up (buyers, researchers,\n" +
			"students, competitors, interns, job seekers, link scanners), stored and decided like everything else,\n" +
			"and then life goes on while you watch. The database is removed at the end.",
		Example: "  cusp demo\n  cusp demo --addr 127.0.0.1:9000 --months 1",
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if size.months < 1 || size.months > 24 || size.people < 1 || size.people > 100_000 {
				return usage("--months must be 1 to 24 and --people 1 to 100000")
			}
			if _, given := sh.given["db"]; given {
				return usage("the demo makes its own database; cusp serve --db runs on yours")
			}
			cfg, err := sh.settings()
			if err != nil {
				return err
			}
			return sh.demo(cmd.Context(), cfg, size)
		},
	}
	sh.settingFlags(cmd.Flags(), "addr")
	cmd.Flags().IntVar(&size.months, "months", 6, "how much history there is")
	cmd.Flags().IntVar(&size.people, "people", 1500, "who comes by in a month")
	cmd.Flags().Uint64Var(&size.seed, "seed", 1, "the same seed gives the same company")
	cmd.Flags().Float64Var(&size.pace, "pace", 600, "how many times as many people come by while you watch")
	return cmd
}

// demo runs the whole of it in a folder that is removed at the end.
func (sh *shell) demo(ctx context.Context, cfg *config.Config, size demoSize) (err error) {
	dir, err := os.MkdirTemp(sh.p.TempDir, "cusp-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg.DB = filepath.Join(dir, "demo.db")
	log := sh.logger(cfg, max(cfg.LogLevel, slog.LevelWarn))
	a, err := app.Open(ctx, sh.options(cfg, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	d := &demo{sh: sh, app: a, db: cfg.DB}
	if err := d.open(ctx, size); err != nil {
		return err
	}
	return d.watch(ctx)
}

// demo is a running sample company.
type demo struct {
	sh     *shell
	app    *app.App
	db     string
	sim    *sim.Sim
	public sender // the web site
	server sender // the back end
	api    string // secret of an API key
	logins string // the password of all who work at Tallyport
	next   *sim.Message
	events int
}

// open publishes the playbook, makes keys, and stores the history.
func (d *demo) open(ctx context.Context, size demoSize) error {
	if _, _, err := d.app.Publish(ctx, "midmarket-saas/playbook.yaml", examples.MidmarketSaaS, "demo", "The playbook of Tallyport"); err != nil {
		return err
	}
	for _, k := range []struct {
		key    access.NewKey
		sender *sender
		secret *string
	}{
		{access.NewKey{Kind: access.Write, Name: "tallyport.example"}, &d.public, &d.public.secret},
		{access.NewKey{Kind: access.Write, Name: "back end", Trusted: true}, &d.server, &d.server.secret},
		{access.NewKey{Kind: access.API, Name: "you", Scopes: []access.Scope{access.ScopeAdmin}}, nil, &d.api},
	} {
		made, secret, err := d.app.Keys().Create(ctx, k.key)
		if err != nil {
			return err
		}
		*k.secret = secret
		if k.sender != nil {
			k.sender.source, k.sender.trusted = lead.SourceID(made.ID), made.Trusted
		}
	}
	if err := d.hire(ctx); err != nil {
		return err
	}
	now := lead.At(d.sh.p.Now())
	d.sim = sim.New(sim.Config{
		Seed: size.seed, PeoplePerMonth: size.people,
		Start: now.Add(-time.Duration(size.months) * 30 * 24 * time.Hour),
	})
	if err := d.history(ctx, now.Add(-demoLead)); err != nil {
		return err
	}
	d.sim.Quicken(size.pace)
	return d.history(ctx, now)
}

// watch serves and lets life go on until the context ends.
func (d *demo) watch(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changes, unwatch := d.app.Engine().Watch()
	defer unwatch()
	ended := make(chan error, 1)
	err := d.app.Serve(ctx, func(addr net.Addr) {
		if err := d.welcome(ctx, "http://"+addr.String()); err != nil {
			_, _ = fmt.Fprintln(d.sh.p.Stderr, err)
		}
		go func() {
			defer stop()
			ended <- d.live(ctx, changes)
		}()
	})
	stop()
	if err != nil {
		return err
	}
	return <-ended
}

// welcome says where to look and what to try.
func (d *demo) welcome(ctx context.Context, url string) error {
	some, err := d.app.Engine().People(ctx, flow.PeopleFilter{Decision: "engage", Limit: 3})
	if err != nil {
		return err
	}
	if d.sh.json {
		return printJSON(d.sh.p.Stdout, map[string]any{
			"url": url, "db": d.db, "api_key": d.api, "write_key": d.public.secret, "server_key": d.server.secret, "events": d.events,
			"password": d.logins, "logins": tallyportLogins(),
		})
	}
	say, cusp := d.sh.say, cmp.Or(d.sh.p.Program, "cusp")
	say("\nTallyport is open at %s, with %d events of its history (Ctrl-C closes it and removes its database).\n", url, d.events)
	say("  API key    %s\n  write key  %s\n", d.api, d.public.secret)
	say("Its people sign in at POST %s/api/v1/session, all with the password %s:", url, d.logins)
	for _, c := range tallyport {
		say("  %-14s %-36s %s", c.user.Role, c.user.Email, c.user.Name)
	}
	say("")
	if filepath.IsLocal(cusp) && filepath.Base(cusp) != cusp {
		say("In another terminal, in this folder:\n")
	} else {
		say("In another terminal:\n")
	}
	say("  export CUSP_URL=%s CUSP_TOKEN=%s\n", url, d.api)
	try := func(command, why string) { say("  %-58s  # %s", cusp+" "+command, why) }
	try("people --decision engage", "whom sales should call now")
	for _, p := range some {
		if p.Email != "" {
			try("explain "+p.Email, "why, in parts that add up")
		}
	}
	try("export ledger --format csv", "every decision as it was made")
	say("")
	say("  curl -H \"Authorization: Bearer $CUSP_TOKEN\" $CUSP_URL/api/v1/people?decision=review")
	say("  curl -u %s: -H 'Content-Type: application/json' $CUSP_URL/v1/track \\\n"+
		"    -d '{\"userId\": \"you\", \"event\": \"Demo Requested\"}'\n", d.public.secret)
	say("Life goes on:")
	return nil
}
