// Package dbtest gives tests real, migrated, private databases: a SQLite file copied from a template, and
// a PostgreSQL schema that is dropped when the test ends.
//
// PostgreSQL is the server that CUSP_TEST_PG names, else the one at 127.0.0.1:5432. A test fails when it
// does not answer: half a test run must not look like a whole one. CUSP_TEST_PG=off says that this is wanted.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", for making and dropping schemas

	"cusp/internal/db"
	"cusp/internal/db/migrate"
)

const (
	defaultServer = "postgres://postgres@127.0.0.1:5432/test"
	schemaPrefix  = "cusp_test_"
	leftoverAge   = time.Hour // a schema of a killed test is dropped after this
)

// Both runs fn as two parallel subtests, one on each engine.
func Both(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, dialect := range Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, Open(t, dialect))
		})
	}
}

// Dialects are the engines to test on: both, unless PostgreSQL is switched off.
func Dialects() []db.Dialect {
	if os.Getenv("CUSP_TEST_PG") == "off" {
		return []db.Dialect{db.SQLite}
	}
	return []db.Dialect{db.SQLite, db.Postgres}
}

// Open returns a migrated private database that is closed and removed when the test ends.
func Open(t testing.TB, dialect db.Dialect) *db.DB {
	t.Helper()
	if dialect == db.SQLite {
		path := filepath.Join(t.TempDir(), "cusp.db")
		image, err := template()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, path)
	}
	d := open(t, DSN(t, dialect))
	if _, err := migrate.Run(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// DSN returns the address of an empty private database without tables, for tests that open it themselves.
func DSN(t testing.TB, dialect db.Dialect) string {
	t.Helper()
	if dialect == db.SQLite {
		return filepath.Join(t.TempDir(), "cusp.db")
	}
	admin, err := server()
	if err != nil {
		t.Fatal(err)
	}
	schema := schemaPrefix + strconv.FormatInt(time.Now().Unix(), 10) + "_" + strings.ToLower(rand.Text()[:12])
	if _, err := admin.ExecContext(t.Context(), "create schema "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if _, err := admin.ExecContext(context.Background(), "drop schema "+schema+" cascade"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(address())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("synchronous_commit", "off") // what a test wrote need not survive the machine
	u.RawQuery = q.Encode()
	return u.String()
}

func open(t testing.TB, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, db.Options{MaxReaders: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func address() string {
	if s := os.Getenv("CUSP_TEST_PG"); s != "" {
		return s
	}
	return defaultServer
}

// server is the connection that makes and drops schemas; it lives as long as the test binary.
var server = sync.OnceValues(func() (*sql.DB, error) {
	d, err := sql.Open("pgx", address())
	if err != nil {
		return nil, fmt.Errorf("open the PostgreSQL of the tests: %w", err)
	}
	d.SetMaxOpenConns(2)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("the tests need PostgreSQL (start it, name it in CUSP_TEST_PG, or set CUSP_TEST_PG=off): %w", err)
	}
	return d, dropLeftovers(ctx, d)
})

// dropLeftovers removes schemas of tests that were killed before their cleanup.
func dropLeftovers(ctx context.Context, d *sql.DB) (err error) {
	rows, err := d.QueryContext(ctx, `select nspname from pg_namespace where nspname like $1 order by nspname`,
		strings.ReplaceAll(schemaPrefix, "_", `\_`)+"%")
	if err != nil {
		return fmt.Errorf("list leftover schemas: %w", err)
	}
	var old []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errors.Join(err, rows.Close())
		}
		stamp, _, _ := strings.Cut(strings.TrimPrefix(name, schemaPrefix), "_")
		if sec, err := strconv.ParseInt(stamp, 10, 64); err == nil && time.Since(time.Unix(sec, 0)) > leftoverAge {
			old = append(old, name)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, name := range old {
		// Another test process may drop it at the same moment.
		if _, err := d.ExecContext(ctx, "drop schema if exists "+name+" cascade"); err != nil {
			return fmt.Errorf("drop leftover schema: %w", err)
		}
	}
	return nil
}

// template is a migrated SQLite file, made once per test binary.
var template = sync.OnceValues(func() (image []byte, err error) {
	dir, err := os.MkdirTemp("", "cusp-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "cusp.db")
	ctx := context.Background()
	d, err := db.Open(ctx, path, db.Options{})
	if err != nil {
		return nil, err
	}
	_, err = migrate.Run(ctx, d)
	if err := errors.Join(err, d.Close()); err != nil { // closing folds the WAL into the file
		return nil, err
	}
	return os.ReadFile(path)
})
