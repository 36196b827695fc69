// Package app builds the product from its configuration and starts and stops its parts in order.
//
// [Open] takes the database (lock, connections, migrations), then starts what stands on it: keys, the
// engine that folds events, and the HTTP handler. [App.Serve] adds the listeners: the address, and a
// socket beside a SQLite file through which commands work while the server owns it. [App.Close] undoes
// all of it in the opposite order, so that whatever was acknowledged is stored.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/migrate"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/queue"
	"cusp/internal/respond"
)

// The times of a stop. Together they stay under the ten seconds that supervisors grant.
const (
	drainFor = 6 * time.Second // for requests that are being answered
	tidyFor  = 3 * time.Second // for the last notes
)

// Options are what an [App] is built from.
type Options struct {
	DB      string // a SQLite file or postgres://…
	Addr    string // host and port for HTTP; may end in :0
	Metrics bool   // whether /metrics answers
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	Commit  string
	// PublicURL is where browsers reach this server; empty means the address that they used.
	PublicURL string
	// Proxies are in front of this server; X-Forwarded-For is believed when it comes from one of them.
	Proxies []netip.Prefix
	// Meetings are the secrets of booking services.
	Meetings api.Meetings
	// Outgoing says how messages leave.
	Outgoing Outgoing
}

// App is the product, running. Make one with [Open], end it with [App.Close].
type App struct {
	o      Options
	lock   io.Closer // nil with PostgreSQL
	db     *db.DB
	keys   *access.Keys
	staff  *access.Staff
	engine *flow.Engine
	queue  *queue.Queue
	alerts *alert.Alerts
	desk   *handoff.Desk
	plan   atomic.Pointer[plan]
	api    *api.API
	http   http.Handler

	cancel context.CancelFunc
	wait   sync.WaitGroup
	failed chan error // gets the error with which a part ended by itself
}

// Open takes the database and starts everything but the listeners. [fault.Conflict] with the code
// database_in_use when another process owns the file.
func Open(ctx context.Context, o Options) (*App, error) {
	a := &App{o: o, failed: make(chan error, 4)}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) (err error) {
	if !db.IsPostgres(a.o.DB) {
		if a.lock, err = db.Lock(db.Path(a.o.DB)); err != nil {
			return err
		}
		if err := makePrivate(db.Path(a.o.DB)); err != nil {
			return err
		}
	}
	if a.db, err = db.Open(ctx, a.o.DB, db.Options{Logger: a.o.Log}); err != nil {
		return err
	}
	if _, err := migrate.Run(ctx, a.db); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	a.keys = access.NewKeys(a.db, a.o.Now)
	a.staff = access.NewStaff(a.db, a.o.Now)
	if err := a.setUpDesk(); err != nil {
		return err
	}
	a.engine, err = flow.NewEngine(ctx, a.db, flow.Options{
		Now: a.o.Now, Logger: a.o.Log, Decided: a.decided, Merged: a.desk.Merged,
	})
	if err != nil {
		return err
	}
	if err := a.route(); err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	a.run(running, "engine", a.engine.Run)
	a.run(running, "queue", a.queue.Run)
	a.run(running, "feed", a.feed)
	a.run(running, "housekeeping", a.keepHouse)
	return nil
}

// makePrivate makes a missing database file, so that only this user can read it: it holds personal data.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault.New(fault.Unavailable, "the database %s cannot be opened", path).WithCause(err).
			WithHint("check its folder and permissions")
	}
	return f.Close()
}

// run starts a part that goes on until the app stops.
func (a *App) run(ctx context.Context, name string, part func(context.Context) error) {
	a.wait.Go(func() {
		if err := part(ctx); err != nil && ctx.Err() == nil {
			a.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

// keepHouse does what is due now and then.
func (a *App) keepHouse(ctx context.Context) error {
	minute, hour := time.NewTicker(time.Minute), time.NewTicker(time.Hour)
	defer minute.Stop()
	defer hour.Stop()
	var head access.Head
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-minute.C:
			head, err = a.noteHead(ctx, head)
			err = errors.Join(err, a.keys.Flush(ctx))
		case <-hour.C:
			err = errors.Join(a.api.Sweep(ctx), a.staff.Sweep(ctx), a.alerts.Sweep(ctx), a.desk.Tidy(ctx), a.forgetJobs(ctx))
		}
		if err != nil {
			a.o.Log.LogAttrs(ctx, slog.LevelWarn, "housekeeping put off", slog.Any("error", err))
		}
	}
}

// Handler answers every route of the product.
func (a *App) Handler() http.Handler { return a.http }

// Keys are the keys of the database.
func (a *App) Keys() *access.Keys { return a.keys }

// Staff are the people who use the product.
func (a *App) Staff() *access.Staff { return a.staff }

// Engine is the fold on the database.
func (a *App) Engine() *flow.Engine { return a.engine }

// DB is the database.
func (a *App) DB() *db.DB { return a.db }

// Publish puts a playbook in force, unless it is the one in force already.
func (a *App) Publish(ctx context.Context, file string, source []byte, by, note string) (*flow.Published, fault.Problems, error) {
	p, _, problems := handoff.Parse(file, source)
	if err := problems.Err(); err != nil {
		return nil, problems, err
	}
	pub, err := a.engine.Publish(ctx, p, by, note)
	return pub, problems, err
}

// Serve listens and answers until ctx ends, then finishes the requests in hand. It tells ready the
// address as soon as connections are taken. Close the app afterwards.
func (a *App) Serve(ctx context.Context, ready func(addr net.Addr)) error {
	listeners, err := a.listen(ctx)
	if err != nil {
		return err
	}
	srv := respond.NewServer(a.http, a.o.Log)
	srv.ConnContext = ownerOf
	srv.RegisterOnShutdown(a.alerts.Feed().Close) // streams would go on for ever
	srv.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- srv.Serve(l) }()
	}
	ready(listeners[0].Addr())
	select {
	case <-ctx.Done():
		err = nil
	case err = <-ended:
	case err = <-a.failed:
	}
	return errors.Join(err, a.drain(context.WithoutCancel(ctx), srv))
}

// listen opens the address and, for a SQLite file, the socket.
func (a *App) listen(ctx context.Context) ([]net.Listener, error) {
	tcp, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.o.Addr)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "cannot listen on %s", a.o.Addr).WithCause(err).
			WithHint("is another server running there? choose another address with --addr")
	}
	if db.IsPostgres(a.o.DB) {
		return []net.Listener{tcp}, nil
	}
	path, err := SocketPath(db.Path(a.o.DB))
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	unix, err := listenSocket(ctx, path)
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	return []net.Listener{tcp, unix}, nil
}

// drain stops taking requests and finishes those in hand; what takes too long is cut off.
func (a *App) drain(ctx context.Context, srv *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, drainFor)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.o.Log.LogAttrs(ctx, slog.LevelWarn, "requests were cut off, because they did not end in time")
		return srv.Close()
	}
	return err
}

// Close stops every part in the opposite order of [Open]. It is safe to call on one that was never
// opened whole, and twice.
func (a *App) Close() error {
	if a.cancel != nil {
		a.cancel()
		a.wait.Wait()
		a.cancel = nil
	}
	var errs []error
	if a.db != nil {
		if a.keys != nil {
			ctx, cancel := context.WithTimeout(context.Background(), tidyFor)
			if err := a.keys.Flush(ctx); err != nil {
				a.o.Log.LogAttrs(ctx, slog.LevelWarn, "last use of keys not stored", slog.Any("error", err))
			}
			cancel()
		}
		errs = append(errs, a.db.Close())
		a.db = nil
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
		a.lock = nil
	}
	return errors.Join(errs...)
}

// Exists reports whether a database is there to be read: a SQLite file, or a server, which is asked
// later.
func Exists(dsn string) bool {
	if db.IsPostgres(dsn) {
		return true
	}
	info, err := os.Stat(db.Path(dsn))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}
