package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
)

const schema = `
create table parent (id bigint primary key, name {{key}} not null);
create unique index parent_name on parent (name);
create table child (id {{id}}, parent_id bigint not null references parent (id), note text, flag {{bool}} not null, data {{blob}});
`

var (
	addParent   = db.SQL("test.addParent", `insert into parent (id, name) values ($1, $2)`)
	putParent   = db.SQL("test.putParent", `insert into parent (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name`)
	addChild    = db.SQL("test.addChild", `insert into child (parent_id, note, flag, data) values ($1, $2, $3, $4) returning id`)
	nameOf      = db.SQL("test.nameOf", `select name from parent where id = $1 /*for update*/`)
	allParents  = db.SQL("test.allParents", `select id, name from parent order by id`)
	someParents = db.SQL("test.someParents", `select id, name from parent where id in ($1) and id < $2 order by id`)
	children    = db.SQL("test.children", `select id, parent_id, note, flag, data from child order by id`)
	setName     = db.SQL("test.setName", `update parent set name = $2 where id = $1`)
	noTable     = db.SQL("test.noTable", `select a from nowhere order by a`)
)

// both opens an empty database of each engine with the tables above.
func both(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			d, err := db.Open(t.Context(), dbtest.DSN(t, dialect), db.Options{MaxReaders: 8})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.Script("test.schema", schema) }))
			fn(t, d)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(s *db.Statement, args ...any) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(s, args...)
		return err
	}
}

func names(t *testing.T, d *db.DB) []string {
	t.Helper()
	var got []string
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Query(allParents, nil, scanInto(&got))
	}))
	return got
}

func scanInto(got *[]string) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		*got = append(*got, fmt.Sprintf("%d %s", id, name))
		return err
	}
}

func TestWriteIsSeenByRead(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		committed := 0
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			tx.OnCommit(func() { committed++ })
			n, err := tx.Exec(addParent, 1, "a")
			if n != 1 {
				t.Errorf("affected %d rows, want 1", n)
			}
			return err
		}))
		if diff := cmp.Diff([]string{"1 a"}, names(t, d)); diff != "" || committed != 1 {
			t.Errorf("names differ (-want +got):\n%scommit callbacks: %d", diff, committed)
		}
	})
}

func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		type row struct {
			Parent int64
			Note   *string
			Flag   bool
			Data   []byte
		}
		empty := ""
		want := []row{{1, nil, true, []byte{0, 1, 255}}, {1, &empty, false, nil}}
		var got []row
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(addParent, 1, "é\U0001F600"); err != nil {
				return err
			}
			for _, r := range want {
				if err := tx.QueryRow(addChild, []any{r.Parent, r.Note, r.Flag, r.Data}, new(int64)); err != nil {
					return err
				}
			}
			return tx.Query(children, nil, func(rows *sql.Rows) error {
				var r row
				err := rows.Scan(new(int64), &r.Parent, &r.Note, &r.Flag, &r.Data)
				got = append(got, r)
				return err
			})
		}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows differ (-want +got):\n%s", diff)
		}
	})
}

func TestErrorsBecomeFaults(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), exec(addParent, 1, "a")))
		for name, c := range map[string]struct {
			fn   func(*db.Tx) error
			want fault.Kind
		}{
			"primary key": {exec(addParent, 1, "b"), fault.Conflict},
			"unique":      {exec(addParent, 2, "a"), fault.Conflict},
			"reference":   {exec(addChild, 7, "", true, nil), fault.Conflict},
			"no row":      {func(tx *db.Tx) error { return tx.QueryRow(nameOf, []any{9}, new(string)) }, fault.NotFound},
			"no table":    {exec(noTable), fault.Internal},
		} {
			if err := d.Write(t.Context(), c.fn); !fault.Is(err, c.want) {
				t.Errorf("%s: got %v (%v), want %v", name, fault.KindOf(err), err, c.want)
			}
		}
		if got := names(t, d); len(got) != 1 {
			t.Errorf("after refused writes there is %v", got)
		}
	})
}

func TestFirstErrorPoisonsTheTransaction(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		committed := false
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.OnCommit(func() { committed = true })
			if _, err := tx.Exec(addParent, 1, "a"); err != nil {
				return err
			}
			if _, err := tx.Exec(addParent, 1, "again"); err == nil {
				t.Error("the second insert succeeded")
			}
			if _, err := tx.Exec(addParent, 2, "b"); !fault.Is(err, fault.Conflict) {
				t.Errorf("after the first error: %v", err)
			}
			return nil // must not commit
		})
		if !fault.Is(err, fault.Conflict) || committed {
			t.Errorf("got %v, committed %v", err, committed)
		}
		if got := names(t, d); len(got) != 0 {
			t.Errorf("a poisoned transaction left %v", got)
		}
	})
}

func TestNotFoundLeavesTheTransactionUsable(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.QueryRow(nameOf, []any{1}, new(string)); !fault.Is(err, fault.NotFound) {
				t.Errorf("got %v", err)
			}
			return exec(addParent, 1, "a")(tx)
		}))
		if got := names(t, d); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

func TestFunctionErrorAndPanicRollBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		own := errors.New("own")
		err := d.Write(t.Context(), func(tx *db.Tx) error { return errors.Join(exec(addParent, 1, "a")(tx), own) })
		if !errors.Is(err, own) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Write(t.Context(), func(tx *db.Tx) error {
				_ = exec(addParent, 1, "a")(tx)
				panic("boom")
			})
		}()
		must(t, d.Write(t.Context(), exec(addParent, 2, "b")))
		if diff := cmp.Diff([]string{"2 b"}, names(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMisuseIsRefused(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), exec(addParent, 1, "a")))
		var kept *db.Tx
		for name, fn := range map[string]func(*db.Tx) error{
			"nested write": func(tx *db.Tx) error { return d.Write(tx.Context(), func(*db.Tx) error { return nil }) },
			"use while reading": func(tx *db.Tx) error {
				return tx.Query(allParents, nil, func(*sql.Rows) error { return exec(setName, 1, "b")(tx) })
			},
			"short row": func(tx *db.Tx) error {
				_, err := tx.Bulk(putParent, [][]any{{1}})
				return err
			},
			"no values": func(tx *db.Tx) error {
				_, err := tx.Bulk(setName, [][]any{{1, "b"}})
				return err
			},
		} {
			err := d.Write(t.Context(), func(tx *db.Tx) error { kept = tx; return fn(tx) })
			if !fault.Is(err, fault.Internal) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if _, err := kept.Exec(setName, 1, "z"); err == nil {
			t.Error("a transaction worked after its end")
		}
		if err := d.Read(t.Context(), exec(setName, 1, "b")); err == nil {
			t.Error("Read changed something")
		}
		if diff := cmp.Diff([]string{"1 a"}, names(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBulkInsertsAnyNumber(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		for _, n := range []int{0, 1, 3, 4, 63, 64, 65, 517, 1000} {
			rows := make([][]any, n)
			var want []string
			for i := range rows {
				rows[i] = []any{i, fmt.Sprintf("n%d", i)}
				want = append(want, fmt.Sprintf("%d n%d", i, i))
			}
			must(t, d.Write(t.Context(), func(tx *db.Tx) error {
				got, err := tx.Bulk(putParent, rows)
				if got != int64(n) {
					t.Errorf("Bulk of %d rows changed %d", n, got)
				}
				return err
			}))
			if diff := cmp.Diff(want, names(t, d)); diff != "" {
				t.Errorf("%d rows differ (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestBulkQueryReturnsEveryRow(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		seen := map[int64]bool{}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			if err := exec(addParent, 1, "a")(tx); err != nil {
				return err
			}
			rows := make([][]any, 150)
			for i := range rows {
				rows[i] = []any{1, nil, i%2 == 0, []byte{byte(i)}}
			}
			return tx.BulkQuery(addChild, rows, func(rows *sql.Rows) error {
				var id int64
				err := rows.Scan(&id)
				seen[id] = true
				return err
			})
		}))
		if len(seen) != 150 {
			t.Errorf("got %d ids, want 150", len(seen))
		}
	})
}

func TestQueryInFindsTheKeys(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		rows := make([][]any, 600)
		for i := range rows {
			rows[i] = []any{i, fmt.Sprintf("n%d", i)}
		}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Bulk(putParent, rows); return err }))
		for _, n := range []int{0, 1, 2, 5, 64, 65, 256, 257, 600} {
			keys := make([]any, n)
			var want, got []string
			for i := range keys {
				keys[i] = i
				if i < 590 {
					want = append(want, fmt.Sprintf("%d n%d", i, i))
				}
			}
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryIn(someParents, keys, []any{590}, scanInto(&got))
			}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d keys (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestReadSeesOneState(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), exec(addParent, 1, "a")))
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			var before, after []string
			if err := tx.Query(allParents, nil, scanInto(&before)); err != nil {
				return err
			}
			if err := d.Write(context.WithoutCancel(t.Context()), exec(addParent, 2, "b")); err != nil {
				return err
			}
			err := tx.Query(allParents, nil, scanInto(&after))
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the state changed under a reader:\n%s", diff)
			}
			return err
		}))
	})
}

func TestCrossedWritesBothArrive(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Bulk(putParent, [][]any{{1, "x"}, {2, "y"}})
			return err
		}))
		// The two lock the rows in opposite order: PostgreSQL breaks the deadlock, and Write runs again.
		meet := make(chan struct{})
		var wg sync.WaitGroup
		for _, order := range [][2]int{{1, 2}, {2, 1}} {
			wg.Go(func() {
				first := true
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					if err := exec(setName, order[0], fmt.Sprintf("n%d%d", order[0], order[0]))(tx); err != nil {
						return err
					}
					if first && d.Dialect() == db.Postgres {
						first = false
						select {
						case meet <- struct{}{}:
						case <-meet:
						}
					}
					return exec(setName, order[1], fmt.Sprintf("n%d%d", order[0], order[1]))(tx)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := names(t, d); strings.HasSuffix(got[0], "x") || strings.HasSuffix(got[1], "y") {
			t.Errorf("a write was lost: %v", got)
		}
	})
}

func TestCancelledRequestsFailAndHarmNoOne(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Read(ctx, func(tx *db.Tx) error {
			cancel()
			return tx.Query(allParents, nil, func(*sql.Rows) error { return nil })
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("read: %v", err)
		}
		if err := d.Write(ctx, exec(addParent, 1, "a")); err == nil {
			t.Error("a write began on an ended context")
		}
		must(t, d.Write(t.Context(), exec(addParent, 2, "b")))
	})
}

func TestConcurrentWritesAreAllKept(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 20 {
					id := g*20 + i
					if err := d.Write(t.Context(), exec(addParent, id, fmt.Sprint(id))); err != nil {
						t.Error(err)
					}
					if err := d.Read(t.Context(), func(tx *db.Tx) error {
						return tx.QueryRow(nameOf2, []any{id}, new(string))
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := names(t, d); len(got) != 160 {
			t.Errorf("got %d rows", len(got))
		}
	})
}

var nameOf2 = db.SQL("test.nameOf2", `select name from parent where id = $1`)

func TestOpenRefusesWithAdvice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, dsn := range map[string]string{
		"memory":    ":memory:",
		"empty":     "",
		"no folder": filepath.Join(dir, "none", "cusp.db"),
		"syntax":    "postgres://user:p%ss@host:x/db",
		"no server": "postgres://nobody@127.0.0.1:1/none",
	} {
		d, err := db.Open(t.Context(), dsn, db.Options{})
		var f *fault.Error
		if err == nil || !errors.As(err, &f) || f.Hint == "" {
			t.Errorf("%s: opened %v, got %v", name, d != nil, err)
		}
	}
}

func TestLockHasOneOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cusp.db")
	first, err := db.Lock(path)
	must(t, err)
	if _, err := db.Lock(path); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("second owner: %v", err)
	}
	must(t, first.Close())
	second, err := db.Lock(path)
	must(t, err)
	must(t, second.Close())
}
