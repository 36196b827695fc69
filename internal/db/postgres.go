package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"cusp/internal/fault"
)

const (
	minPostgres    = 140_000
	postgresConns  = 16
	commitDeadline = 30 * time.Second
)

type postgresEngine struct {
	db       *sql.DB
	readOnly bool
}

func openPostgres(ctx context.Context, dsn string, o Options) (*postgresEngine, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		// pgx masks the password in its message, but not one that broke the syntax.
		return nil, fault.New(fault.Invalid, "the database address cannot be read").
			WithHint("write postgres://user:password@host:5432/name; escape special characters: %%40 for @")
	}
	setDefault(cfg.RuntimeParams, "application_name", "cusp")
	setDefault(cfg.RuntimeParams, "idle_in_transaction_session_timeout", "60000")
	d := stdlib.OpenDB(*cfg)
	conns := postgresConns
	if o.MaxReaders > 0 {
		conns = o.MaxReaders
	}
	d.SetMaxOpenConns(conns)
	d.SetMaxIdleConns(conns)
	d.SetConnMaxIdleTime(5 * time.Minute)
	e := &postgresEngine{d, o.ReadOnly}
	if err := e.check(ctx, cfg); err != nil {
		_ = d.Close() // the check's error says more
		return nil, err
	}
	return e, nil
}

func setDefault(m map[string]string, key, value string) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

func (e *postgresEngine) check(ctx context.Context, cfg *pgx.ConnConfig) error {
	var version int
	var encoding string
	err := e.db.QueryRowContext(ctx, `select cast(current_setting('server_version_num') as integer),
		current_setting('server_encoding')`).Scan(&version, &encoding)
	if err != nil {
		where := (&url.URL{Scheme: "postgres", Host: fmt.Sprintf("%s:%d", cfg.Host, cfg.Port), Path: cfg.Database}).String()
		return fault.New(fault.Unavailable, "the database %s does not answer", where).
			WithHint("is the server running, and are user, password and database name right?").WithCause(err)
	}
	if version < minPostgres {
		return fault.New(fault.Unavailable, "PostgreSQL %d is too old; 14 or newer is needed", version/10_000)
	}
	if encoding != "UTF8" {
		return fault.New(fault.Unavailable, "the database has encoding %s; UTF8 is needed", encoding).
			WithHint("create it with: create database cusp encoding 'UTF8' template template0")
	}
	return nil
}

func (e *postgresEngine) begin(ctx context.Context, write bool) (*session, error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	begin := "begin"
	if !write {
		begin = "begin isolation level repeatable read read only"
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		discard(conn)
		return nil, err
	}
	return &session{conn: conn}, nil
}

// end commits or rolls back even when the caller has gone: a commit that was begun is finished.
func (e *postgresEngine) end(ctx context.Context, s *session, _, commit bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitDeadline)
	defer cancel()
	word := "rollback"
	if commit {
		word = "commit"
	}
	if _, err := s.conn.ExecContext(ctx, word); err != nil {
		discard(s.conn)
		return err
	}
	_ = s.conn.Close() // back to the pool; it cannot fail once the transaction is over
	return nil
}

func (e *postgresEngine) dialect() Dialect { return Postgres }

func (e *postgresEngine) close() error { return e.db.Close() }

// discard closes a connection instead of giving it back: nobody knows what state it is in.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
