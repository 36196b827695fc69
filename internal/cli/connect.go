package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"cusp/internal/api"
	"cusp/internal/app"
	"cusp/internal/config"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/obs"
)

// whether says if a command may make a database that is not there.
type whether bool

const (
	mustExist whether = false
	mayCreate whether = true
)

// startingFor is how long a command waits for a server that owns the database and does not answer yet.
const (
	startingFor = 5 * time.Second
	retryAfter  = 50 * time.Millisecond
)

// connect finds the API: at --url, over the socket of the server that owns the database, or inside this
// process when nobody owns it.
func (sh *shell) connect(ctx context.Context, create whether) (*client, error) {
	cfg, err := sh.settings()
	if err != nil {
		return nil, err
	}
	if cfg.URL != "" {
		if _, both := sh.given["db"]; both {
			return nil, usage("--url and --db exclude each other")
		}
		return remote(cfg.URL, cfg.Token.Reveal()), nil
	}
	if create == mustExist && !app.Exists(cfg.DB) {
		return nil, fault.New(fault.NotFound, "there is no database %s", redacted(cfg.DB)).
			WithHint("cusp serve makes one, cusp demo shows a full one; --db names another")
	}
	if db.IsPostgres(cfg.DB) {
		return sh.open(ctx, cfg)
	}
	for waited := time.Duration(0); ; waited += retryAfter {
		if c := overSocketOf(ctx, cfg.DB); c != nil {
			return c, nil
		}
		c, err := sh.open(ctx, cfg)
		if err == nil || !inUse(err) || waited >= startingFor {
			return c, err
		}
		// A server that has just started owns the file before it listens; another command owns it briefly.
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func inUse(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Code == "database_in_use"
}

// overSocketOf is a client of the server that owns the database; nil when none answers.
func overSocketOf(ctx context.Context, dsn string) *client {
	path, err := app.SocketPath(db.Path(dsn))
	if err != nil {
		return nil
	}
	c := overSocket(path)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := c.call(ctx, http.MethodGet, "/healthz", nil, nil); err != nil {
		c.close()
		return nil
	}
	return c
}

// open runs the product inside this process, without listeners.
func (sh *shell) open(ctx context.Context, cfg *config.Config) (*client, error) {
	log := sh.logger(cfg, max(cfg.LogLevel, slog.LevelWarn))
	a, err := app.Open(ctx, sh.options(cfg, log))
	if err != nil {
		return nil, err
	}
	return within(a.Handler(), func() {
		if err := a.Close(); err != nil {
			log.LogAttrs(ctx, slog.LevelError, "database not closed well", slog.Any("error", err))
		}
	}), nil
}

// options are what the product is built from.
func (sh *shell) options(cfg *config.Config, log *slog.Logger) app.Options {
	return app.Options{
		DB: cfg.DB, Addr: cfg.Addr, Metrics: cfg.Metrics, PublicURL: cfg.PublicURL, Proxies: cfg.Proxies, Log: log, Now: sh.p.Now,
		Version: sh.p.Version.Version, Commit: sh.p.Version.Commit,
		Outgoing: outgoing(cfg),
		Meetings: api.Meetings{Calcom: cfg.CalcomSecret.Reveal(), Calendly: cfg.CalendlySecret.Reveal()},
	}
}

// logger writes to standard error.
func (sh *shell) logger(cfg *config.Config, level slog.Level) *slog.Logger {
	return obs.NewLogger(sh.p.Stderr, cfg.LogFormat, level)
}
