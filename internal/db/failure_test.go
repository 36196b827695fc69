package db_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
)

var (
	addLate     = db.SQL("test.addLate", `insert into late (parent_id) values ($1)`)
	countLate   = db.SQL("test.countLate", `select count(*) from late`)
	ownBackend  = db.SQL("test.ownBackend", `select pg_backend_pid()`)
	killBackend = db.SQL("test.killBackend", `select pg_terminate_backend($1)`)
)

func TestFailedCommitSaysThatTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			return tx.Script("test.late", `create table late (parent_id bigint references parent (id) deferrable initially deferred)`)
		}))
		committed := false
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.OnCommit(func() { committed = true })
			return exec(addLate, 404)(tx) // checked at COMMIT only
		})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.Code != "unknown_outcome" || committed {
			t.Errorf("got %v, committed %v", err, committed)
		}
		var n int
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(countLate, nil, &n) }))
		if n != 0 {
			t.Errorf("a refused commit left %d rows", n)
		}
	})
}

func TestLostServerConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		if d.Dialect() != db.Postgres {
			return // SQLite has no connection to lose
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			var pid int
			if err := tx.QueryRow(ownBackend, nil, &pid); err != nil {
				return err
			}
			must(t, d.Read(t.Context(), func(other *db.Tx) error { return other.QueryRow(killBackend, []any{pid}, new(bool)) }))
			return exec(addParent, 1, "a")(tx)
		})
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v (%v)", err, fault.KindOf(err))
		}
		must(t, d.Write(t.Context(), exec(addParent, 2, "b")))
		if diff := cmp.Diff([]string{"2 b"}, names(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReadOnlyRefusesToWrite(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		dsn := dbtest.DSN(t, dialect)
		d, err := db.Open(t.Context(), dsn, db.Options{})
		must(t, err)
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.Script("test.schema", schema) }))
		must(t, d.Close())
		r, err := db.Open(t.Context(), dsn, db.Options{ReadOnly: true})
		must(t, err)
		if err := r.Write(t.Context(), exec(addParent, 1, "a")); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v", dialect, err)
		}
		if got := names(t, r); len(got) != 0 {
			t.Errorf("%s: got %v", dialect, got)
		}
		must(t, r.Close())
	}
	if _, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "none.db"), db.Options{ReadOnly: true}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWhatIsNoDatabaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "letter.txt")
	must(t, os.WriteFile(path, []byte("Dear Ada, this is no database at all."), 0o600))
	if _, err := db.Open(t.Context(), path, db.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
	got, err := os.ReadFile(path)
	must(t, err)
	if !strings.HasPrefix(string(got), "Dear Ada") {
		t.Errorf("the file became %q", got)
	}
}

func TestOddFileNamesWork(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space.db", "percent%41.db", "question?mode=ro.db", "hash#1.db", "ümlaut.db"} {
		path := filepath.Join(t.TempDir(), name)
		d, err := db.Open(t.Context(), path, db.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.Script("test.schema", schema) }))
		must(t, d.Close())
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not where it should be: %v", name, err)
		}
	}
}

func TestStatementsAreLogged(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
		d, err := db.Open(t.Context(), dbtest.DSN(t, dialect), db.Options{Logger: log, SlowAfter: time.Nanosecond})
		must(t, err)
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Script("test.schema", schema); err != nil {
				return err
			}
			return exec(addParent, 1, "personal")(tx)
		}))
		must(t, d.Close())
		if got := out.String(); !strings.Contains(got, "statement=test.addParent") || !strings.Contains(got, "rows=1") || strings.Contains(got, "personal") {
			t.Errorf("%s: logged %q", dialect, got)
		}
	}
}

func TestClosedDatabaseAnswers(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		d, err := db.Open(t.Context(), dbtest.DSN(t, dialect), db.Options{})
		must(t, err)
		must(t, d.Close())
		if err := d.Read(t.Context(), func(*db.Tx) error { return nil }); err == nil {
			t.Errorf("%s: a closed database was read", dialect)
		}
	}
}
