package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the raw limit is taken with the product's own driver
)

// rawSQLite inserts the events of every batch as rows into one unindexed table, one transaction a batch,
// synced before each commit returns, with the settings of package db, and gives the rate in events a
// second.
func rawSQLite(ctx context.Context, dir string, batches [][][]byte) (float64, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "cache_size(-65536)",
		"wal_autocheckpoint(16384)", "journal_size_limit(67108864)", "temp_store(memory)",
	}}
	d, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+"?"+q.Encode())
	if err != nil {
		return 0, fmt.Errorf("open raw table: %w", err)
	}
	defer d.Close()
	d.SetMaxOpenConns(1)
	if _, err := d.ExecContext(ctx, `create table event (data blob not null)`); err != nil {
		return 0, fmt.Errorf("make raw table: %w", err)
	}
	insert, err := d.PrepareContext(ctx, `insert into event (data) values (?)`)
	if err != nil {
		return 0, fmt.Errorf("prepare raw insert: %w", err)
	}
	defer insert.Close()
	n := 0
	begin := time.Now()
	for _, batch := range batches {
		if err := rawBatch(ctx, d, insert, batch); err != nil {
			return 0, fmt.Errorf("insert raw rows: %w", err)
		}
		n += len(batch)
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}

func rawBatch(ctx context.Context, d *sql.DB, insert *sql.Stmt, batch [][]byte) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	in := tx.StmtContext(ctx, insert)
	defer func() { _ = in.Close() }()
	for _, event := range batch {
		if _, err := in.ExecContext(ctx, event); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// rawPostgres copies the events of every batch into one unindexed table, one commit a batch, and gives
// the rate in events a second.
func rawPostgres(ctx context.Context, dsn string, batches [][][]byte) (float64, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, fmt.Errorf("connect for COPY: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `drop table if exists cusp_bench_raw; create table cusp_bench_raw (data bytea not null)`); err != nil {
		return 0, fmt.Errorf("make raw table: %w", err)
	}
	n := 0
	begin := time.Now()
	for _, batch := range batches {
		rows := pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) { return []any{batch[i]}, nil })
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"cusp_bench_raw"}, []string{"data"}, rows); err != nil {
			return 0, fmt.Errorf("copy raw rows: %w", err)
		}
		n += len(batch)
	}
	rate := float64(n) / time.Since(begin).Seconds()
	if _, err := conn.Exec(ctx, `drop table cusp_bench_raw`); err != nil {
		return 0, fmt.Errorf("drop raw table: %w", err)
	}
	return rate, nil
}

// scratchDatabase creates an empty PostgreSQL database beside the one that dsn names, for one run.
func scratchDatabase(ctx context.Context, dsn, name string) (scratch string, drop func() error, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", nil, fmt.Errorf("parse address of PostgreSQL: %w", err)
	}
	admin := func(statement string) error {
		ctx := context.WithoutCancel(ctx)
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
		return err
	}
	ident := pgx.Identifier{name}.Sanitize()
	if err := admin("create database " + ident); err != nil {
		return "", nil, fmt.Errorf("create scratch database: %w", err)
	}
	u.Path = "/" + name
	return u.String(), func() error { return admin("drop database if exists " + ident + " with (force)") }, nil
}
