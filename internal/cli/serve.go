package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"cusp/internal/app"
	"cusp/internal/config"
)

func (sh *shell) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the API, the tracking endpoints and the workers in one process",
		Long: "A SQLite file belongs to one process: while this one runs, the other commands do their work through it.\n" +
			"It stops on SIGTERM and Ctrl-C within ten seconds, after everything that was acknowledged is stored.",
		Example: "  cusp serve --db cusp.db --playbook playbook.yaml\n  cusp serve --addr 0.0.0.0:8787 --db postgres://cusp@db/cusp",
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := sh.settings()
			if err != nil {
				return err
			}
			return sh.serve(cmd.Context(), cfg)
		},
	}
	sh.settingFlags(cmd.Flags(), "addr", "playbook", "public_url", "trusted_proxies", "metrics")
	return cmd
}

func (sh *shell) serve(ctx context.Context, cfg *config.Config) error {
	var source []byte
	if cfg.Playbook != "" {
		var err error
		if source, err = sh.readFile(cfg.Playbook); err != nil {
			return err
		}
	}
	log := sh.logger(cfg, cfg.LogLevel)
	for _, w := range cfg.Warnings() {
		log.LogAttrs(ctx, slog.LevelWarn, "unknown setting", slog.String("warning", w))
	}
	a, err := app.Open(ctx, sh.options(cfg, log))
	if err != nil {
		return err
	}
	return errors.Join(run(ctx, a, log, cfg, source), a.Close())
}

func run(ctx context.Context, a *app.App, log *slog.Logger, cfg *config.Config, source []byte) error {
	if source != nil {
		pub, problems, err := a.Publish(ctx, cfg.Playbook, source, "serve --playbook", "")
		if err != nil {
			return err
		}
		for _, p := range problems {
			log.LogAttrs(ctx, slog.LevelWarn, "playbook warning", slog.String("problem", p.Message), slog.Int("line", p.Line))
		}
		log.LogAttrs(ctx, slog.LevelInfo, "playbook in force", slog.String("name", pub.Playbook.Name), slog.Int("version", pub.Version))
	}
	if a.Engine().Current() == nil {
		log.LogAttrs(ctx, slog.LevelWarn, "no playbook is published: events are stored, and nothing is decided until one is",
			slog.String("remedy", "cusp playbook publish FILE"))
	}
	err := a.Serve(ctx, func(at net.Addr) {
		log.LogAttrs(ctx, slog.LevelInfo, "ready", slog.String("url", "http://"+at.String()), slog.String("db", redacted(cfg.DB)))
	})
	if err == nil {
		log.LogAttrs(ctx, slog.LevelInfo, "stopped")
	}
	return err
}
