package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"cusp/internal/fault"
)

// Options are what may be set when a database is opened. The zero value is right for production.
type Options struct {
	Logger     *slog.Logger  // slow statements at warn, every statement at debug; nil for none
	ReadOnly   bool          // refuse Write, and refuse to create a SQLite file
	MaxReaders int           // connections for reading (SQLite) or in all (PostgreSQL); 0 for the default
	SlowAfter  time.Duration // a statement that takes longer is logged; 0 for one second
}

// DB is an open database, safe for concurrent use.
type DB struct {
	engine engine
	log    *slog.Logger
	slow   time.Duration
	beside sync.Map // what Attach keeps
}

// engine starts and ends transactions on one kind of database.
type engine interface {
	begin(ctx context.Context, write bool) (*session, error)
	end(ctx context.Context, s *session, write, commit bool) error
	dialect() Dialect
	close() error
}

// Open opens a SQLite file (a path; it is created when missing) or a PostgreSQL database
// (postgres://…). It runs no migrations and takes no lock: see package migrate and [Lock].
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	d := &DB{log: o.Logger, slow: o.SlowAfter}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.slow == 0 {
		d.slow = time.Second
	}
	var err error
	if IsPostgres(dsn) {
		d.engine, err = openPostgres(ctx, dsn, o)
	} else {
		d.engine, err = openSQLite(ctx, Path(dsn), o)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// IsPostgres reports whether a data source names a PostgreSQL server and not a SQLite file.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Path is the file that a SQLite data source names: "sqlite:cusp.db" and "cusp.db" are the same.
func Path(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }

// Dialect names the engine.
func (d *DB) Dialect() Dialect { return d.engine.dialect() }

// Close closes all connections. Transactions that still run fail.
func (d *DB) Close() error { return d.engine.close() }

// Read runs fn in a transaction that only reads and sees one state of the database.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	_, err := d.once(ctx, false, fn)
	return err
}

// maxTries bounds how often a write is run that meets a deadlock or a serialization failure. With
// rows locked in order these are rare; ten in a row means something else is wrong.
const maxTries = 10

// Write runs fn in a transaction that is committed when fn returns nil. On a serialization failure
// or a deadlock, fn runs again from the start: it must not keep anything from a run that was rolled back. When COMMIT itself fails, the error is [fault.Unavailable] and nobody knows whether
// the changes are there; the caller must be able to repeat the request.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.readOnly() {
		return fault.New(fault.Unavailable, "the database is open for reading only").
			WithHint("start Cusp without the read-only option")
	}
	for try := 1; ; try++ {
		again, err := d.once(ctx, true, fn)
		if !again || try == maxTries {
			return err
		}
		d.log.LogAttrs(ctx, slog.LevelDebug, "transaction runs again", slog.Int("try", try), slog.Any("error", err))
		if !pause(ctx, try) {
			return err
		}
	}
}

func (d *DB) readOnly() bool {
	switch e := d.engine.(type) {
	case *sqliteEngine:
		return e.readOnly
	case *postgresEngine:
		return e.readOnly
	}
	return false
}

// pause waits a few random milliseconds, longer with each try; false when ctx ended.
func pause(ctx context.Context, try int) bool {
	limit := time.Duration(1<<min(try, 7)) * time.Millisecond
	t := time.NewTimer(rand.N(limit))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type insideKey struct{}

// once runs one try of a transaction; again says that running fn once more may succeed.
func (d *DB) once(ctx context.Context, write bool, fn func(*Tx) error) (again bool, err error) {
	if ctx.Value(insideKey{}) != nil {
		return false, fault.New(fault.Internal, "a transaction was begun inside another one")
	}
	if err := ctx.Err(); err != nil {
		return false, classify(fmt.Errorf("begin: %w", err))
	}
	s, err := d.engine.begin(ctx, write)
	if err != nil {
		return refused(err), classify(fmt.Errorf("begin: %w", err))
	}
	t := d.newTx(ctx, s, write)
	finished := false
	defer func() {
		t.done = true
		if !finished { // fn panicked
			_ = d.engine.end(ctx, s, write, false)
		}
	}()
	err = fn(t)
	finished, t.done = true, true
	if err == nil {
		err = t.err
	}
	if err != nil || !write {
		// A failed rollback changes nothing: the engine throws the connection away.
		_ = d.engine.end(ctx, s, write, false)
		return write && (refused(err) || refused(t.err)), err
	}
	if err := d.engine.end(ctx, s, write, true); err != nil {
		return refused(err), unknownOutcome(err)
	}
	for _, f := range t.onCommit {
		f()
	}
	return false, nil
}

// unknownOutcome is the answer to an error of COMMIT: the server may have committed before the
// connection broke, or the disk may have failed in between.
func unknownOutcome(err error) error {
	return fault.New(fault.Unavailable, "the database did not confirm the change: it may or may not be stored").
		WithCode("unknown_outcome").
		WithHint("send the same request again; what is stored already is recognised and not stored twice").
		WithCause(err)
}

func (d *DB) newTx(ctx context.Context, s *session, write bool) *Tx {
	t := &Tx{db: d, s: s, dialect: d.engine.dialect(), debug: d.log.Enabled(ctx, slog.LevelDebug)}
	t.ctx = context.WithValue(ctx, insideKey{}, true)
	t.run = t.ctx
	if write && t.dialect == SQLite {
		// SQLite's writes are short and local. A context that can end costs a goroutine a statement, and
		// an interrupted statement would roll back what others wait for in the same batch.
		t.run = context.WithoutCancel(t.ctx)
	}
	return t
}

var errTxDone = errors.New("a transaction was used after its end")
