package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cusp/internal/fault"
)

// Tx is a transaction. It belongs to one goroutine and ends with the function that received it. Its
// first error poisons it: every later call returns that error, and it will not be committed, whatever
// its function returns. Only [fault.NotFound] of [Tx.QueryRow] is not an error in this sense.
type Tx struct {
	db       *DB
	s        *session
	dialect  Dialect
	ctx      context.Context // given to callers
	run      context.Context // given to the driver
	err      error
	reading  bool // a scan function is running
	done     bool
	debug    bool
	onCommit []func()
}

// Context is the context of the transaction, for calls that need one.
func (t *Tx) Context() context.Context { return t.ctx }

// Dialect names the engine, for the rare statement that has a form for each.
func (t *Tx) Dialect() Dialect { return t.dialect }

// OnCommit calls f after the transaction has been committed, in the order of the calls; never after a
// rollback.
func (t *Tx) OnCommit(f func()) { t.onCommit = append(t.onCommit, f) }

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(s *Statement, args ...any) (affected int64, err error) {
	return t.exec(s, shape{}, args)
}

func (t *Tx) exec(s *Statement, sh shape, args []any) (affected int64, err error) {
	if err := t.usable(); err != nil {
		return 0, err
	}
	start := time.Now()
	res, err := t.driverExec(s, sh, args)
	if err == nil {
		affected, err = res.RowsAffected()
	}
	if err != nil {
		return 0, t.poison(s, err)
	}
	t.note(s, start, affected)
	return affected, nil
}

func (t *Tx) driverExec(s *Statement, sh shape, args []any) (sql.Result, error) {
	if t.dialect == SQLite {
		p, err := t.s.prepared(t.run, s, sh)
		if err != nil {
			return nil, err
		}
		return p.ExecContext(t.run, args...)
	}
	f := s.form(t.dialect, sh)
	if f.err != nil {
		return nil, f.err
	}
	return t.s.conn.ExecContext(t.run, f.text, args...)
}

func (t *Tx) driverQuery(s *Statement, sh shape, args []any) (*sql.Rows, error) {
	if t.dialect == SQLite {
		p, err := t.s.prepared(t.run, s, sh)
		if err != nil {
			return nil, err
		}
		return p.QueryContext(t.run, args...)
	}
	f := s.form(t.dialect, sh)
	if f.err != nil {
		return nil, f.err
	}
	return t.s.conn.QueryContext(t.run, f.text, args...)
}

// Query runs a statement and calls scan for each row. scan must not use the transaction: a connection
// does one thing at a time.
func (t *Tx) Query(s *Statement, args []any, scan func(*sql.Rows) error) error {
	return t.query(s, shape{}, args, scan)
}

func (t *Tx) query(s *Statement, sh shape, args []any, scan func(*sql.Rows) error) error {
	if err := t.usable(); err != nil {
		return err
	}
	start := time.Now()
	n, err := t.each(s, sh, args, scan)
	if err != nil {
		return t.poison(s, err)
	}
	t.note(s, start, n)
	return nil
}

func (t *Tx) each(s *Statement, sh shape, args []any, scan func(*sql.Rows) error) (n int64, err error) {
	rows, err := t.driverQuery(s, sh, args)
	if err != nil {
		return 0, err
	}
	t.reading = true
	defer func() {
		t.reading = false
		err = errors.Join(err, rows.Close())
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// QueryRow runs a statement and scans its first row; [fault.NotFound] when there is none, which leaves
// the transaction usable.
func (t *Tx) QueryRow(s *Statement, args []any, dest ...any) error {
	found := false
	err := t.query(s, shape{}, args, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(dest...)
	})
	if err == nil && !found {
		return fault.New(fault.NotFound, "there is no such thing").WithCause(fmt.Errorf("%s: %w", s.name, sql.ErrNoRows))
	}
	return err
}

// Script runs a text of several statements without placeholders: for migrations, not for daily work.
func (t *Tx) Script(name, text string) error {
	if err := t.usable(); err != nil {
		return err
	}
	if _, err := t.s.conn.ExecContext(t.run, t.dialect.Translate(text)); err != nil {
		return t.poison(SQL(name, ""), err)
	}
	return nil
}

// Prepare proves that the engine understands a statement, without running it.
func (t *Tx) Prepare(s *Statement) error {
	if err := t.usable(); err != nil {
		return err
	}
	f := s.form(t.dialect, shape{})
	if f.err != nil {
		return t.poison(s, f.err)
	}
	p, err := t.s.conn.PrepareContext(t.run, f.text)
	if err != nil {
		return t.poison(s, err)
	}
	return p.Close()
}

// usable returns the error that forbids another statement.
func (t *Tx) usable() error {
	switch {
	case t.done:
		return errTxDone
	case t.err != nil:
		return t.err
	case t.reading:
		t.err = fault.New(fault.Internal, "a transaction was used while its rows were being read")
		return t.err
	}
	return nil
}

// poison keeps the first error, in the form in which it leaves the package.
func (t *Tx) poison(s *Statement, err error) error {
	if t.err != nil {
		return t.err // the scan function used the transaction
	}
	if cause := context.Cause(t.ctx); cause != nil && t.ctx == t.run {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	t.err = classify(fmt.Errorf("%s: %w", s.name, err))
	return t.err
}

// note logs what a statement did.
func (t *Tx) note(s *Statement, start time.Time, rows int64) {
	took := time.Since(start)
	level := slog.LevelDebug
	if took >= t.db.slow {
		level = slog.LevelWarn
	} else if !t.debug {
		return
	}
	t.db.log.LogAttrs(t.ctx, level, "statement", slog.String("statement", s.name),
		slog.Duration("took", took), slog.Int64("rows", rows))
}
