package migrate_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/fault"
)

// files is a set of migrations; each argument is "0001_name: text".
func files(t *testing.T, migrations ...string) []migrate.Migration {
	t.Helper()
	m := fstest.MapFS{}
	for _, s := range migrations {
		name, text, _ := strings.Cut(s, ": ")
		m["sql/"+name+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := migrate.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func empty(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			d, err := db.Open(t.Context(), dbtest.DSN(t, dialect), db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			fn(t, d)
		})
	}
}

func apply(t *testing.T, d *db.DB, all []migrate.Migration) []string {
	t.Helper()
	done, err := migrate.Apply(t.Context(), d, all)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, m := range done {
		names = append(names, m.Name)
	}
	return names
}

func TestOwnMigrationsRunOnce(t *testing.T) {
	t.Parallel()
	all, err := migrate.All()
	if err != nil {
		t.Fatal(err)
	}
	empty(t, func(t *testing.T, d *db.DB) {
		if got := apply(t, d, all); len(got) != len(all) {
			t.Errorf("applied %v of %d", got, len(all))
		}
		if got := apply(t, d, all); len(got) != 0 {
			t.Errorf("the second run applied %v", got)
		}
	})
}

func TestMissingMigrationsAreApplied(t *testing.T) {
	t.Parallel()
	a, b, c := "0001_a: create table a (x bigint)", "0002_b: create table b (x bigint); create index b_x on b (x)", "0003_c: insert into b (x) values (1)"
	empty(t, func(t *testing.T, d *db.DB) {
		for _, step := range []struct{ have, want []string }{
			{[]string{a}, []string{"a"}},
			{[]string{a, b, c}, []string{"b", "c"}},
			{[]string{a, b, c}, []string{}},
		} {
			if diff := cmp.Diff(step.want, apply(t, d, files(t, step.have...))); diff != "" {
				t.Errorf("%v (-want +got):\n%s", step.have, diff)
			}
		}
	})
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	empty(t, func(t *testing.T, d *db.DB) {
		bad := files(t, "0001_a: create table a (x bigint)", "0002_b: create table b (x bigint); insert into nowhere values (1)")
		done, err := migrate.Apply(t.Context(), d, bad)
		if err == nil || len(done) != 1 {
			t.Fatalf("applied %d, got %v", len(done), err)
		}
		apply(t, d, files(t, "0001_a: create table a (x bigint)", "0002_b: create table b (x bigint)"))
	})
}

func TestForeignDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	empty(t, func(t *testing.T, d *db.DB) {
		apply(t, d, files(t, "0001_a: create table a (x bigint)", "0002_b: create table b (x bigint)"))
		for name, all := range map[string][]migrate.Migration{
			"newer":   files(t, "0001_a: create table a (x bigint)"),
			"another": files(t, "0001_a: create table a (x bigint)", "0002_b: create table b (y bigint)"),
		} {
			if _, err := migrate.Apply(t.Context(), d, all); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestManyStartersMigrateOnce(t *testing.T) {
	t.Parallel()
	all := files(t, "0001_a: create table a (x bigint)", "0002_b: insert into a (x) values (1)")
	empty(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := migrate.Apply(context.WithoutCancel(t.Context()), d, all); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(count, nil, &n) }); err != nil || n != 1 {
			t.Errorf("counted %d rows, %v", n, err)
		}
	})
}

var count = db.SQL("test.count", `select count(*) from a`)

func TestNamesAreChecked(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"1_a"}, {"0001"}, {"0000_a"}, {"abcd_a"}, {"0001_a", "0001_b"}} {
		m := fstest.MapFS{}
		for _, n := range names {
			m["sql/"+n+".sql"] = &fstest.MapFile{}
		}
		if _, err := migrate.Load(m); err == nil {
			t.Errorf("%v was accepted", names)
		}
	}
}
