package db

import (
	"strings"
	"testing"
)

func TestFormOfEachEngine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		shape  shape
		lite   string
		server string
	}{
		"in order":      {"select a from t where b = $1 and c = $2", shape{}, "select a from t where b = ? and c = ?", "select a from t where b = $1 and c = $2"},
		"out of order":  {"select $2, $1, $2", shape{}, "select ?2, ?1, ?2", "select $2, $1, $2"},
		"quoted":        {`select '$1''$2', "$3", $1 -- $4`, shape{}, `select '$1''$2', "$3", ? -- $4`, `select '$1''$2', "$3", $1 -- $4`},
		"comment":       {"select /* $1 ' */ $1", shape{}, "select /* $1 ' */ ?", "select /* $1 ' */ $1"},
		"locks":         {"select 1 limit $1 /*for update*/ /*skip locked*/", shape{}, "select 1 limit ?", "select 1 limit $1 for update skip locked"},
		"list":          {"select a from t where b in ($1) and c > $2", shape{list: 3}, "select a from t where b in (?,?,?) and c > ?", "select a from t where b in ($1,$2,$3) and c > $4"},
		"list at end":   {"select a from t where c > $2 and b in ($1)", shape{list: 2}, "select a from t where c > ?3 and b in (?1,?2)", "select a from t where c > $3 and b in ($1,$2)"},
		"rows":          {"insert into t (a, b) VALUES ($1, ($2)) on conflict (a) do nothing", shape{rows: 2}, "insert into t (a, b) VALUES (?, (?)),(?, (?)) on conflict (a) do nothing", "insert into t (a, b) VALUES ($1, ($2)),($3, ($4)) on conflict (a) do nothing"},
		"rows, strings": {"insert into t (values_seen) values ('values (', $1, '$9')", shape{rows: 2}, "insert into t (values_seen) values ('values (', ?, '$9'),('values (', ?, '$9')", "insert into t (values_seen) values ('values (', $1, '$9'),('values (', $2, '$9')"},
		"rows, cte":     {"with v (a) as (values (cast($1 as bigint))) update t set b = v.a from v where t.a = v.a", shape{rows: 2}, "with v (a) as (values (cast(? as bigint)),(cast(? as bigint))) update t set b = v.a from v where t.a = v.a", "with v (a) as (values (cast($1 as bigint)),(cast($2 as bigint))) update t set b = v.a from v where t.a = v.a"},
	} {
		s := SQL("t.x", c.text)
		for dialect, want := range map[Dialect]string{SQLite: c.lite, Postgres: c.server} {
			f := s.form(dialect, c.shape)
			if got := strings.TrimSpace(strings.TrimPrefix(f.text, "/* t.x */ ")); f.err != nil || got != want {
				t.Errorf("%s, %s:\n got %q %v\nwant %q", name, dialect, got, f.err, want)
			}
		}
	}
}

func TestRowsThatCannotBeRepeatedAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"update t set a = $1", "insert into t values (1)", "insert into t (a) values ($1) on conflict (a) do update set b = $2",
	} {
		if f := SQL("t.x", text).form(SQLite, shape{rows: 2}); f.err == nil {
			t.Errorf("%s: got %q", text, f.text)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("select '$1', $1 /* $2 */ -- $3\n, \"$4\", $5")
	f.Add("'")
	f.Add("$$1 $0 $99999999 /*")
	f.Add("insert into t (a) values ($1, (')'))")
	f.Fuzz(func(t *testing.T, text string) {
		var joined strings.Builder
		pieces := split(text)
		for _, p := range pieces {
			joined.WriteString(p.text)
			if p.param < 0 || p.param > 99_999 {
				t.Fatalf("placeholder %d", p.param)
			}
		}
		if joined.String() != text {
			t.Fatalf("split lost something: %q", joined.String())
		}
		if maxParam(pieces) == 0 && rebind(text) != text {
			t.Fatalf("rebind changed a text without placeholders: %q", rebind(text))
		}
		if inOrder(pieces) && strings.Count(rebind(text), "?") < maxParam(pieces) {
			t.Fatalf("rebind lost a placeholder: %q", rebind(text))
		}
		for _, sh := range []shape{{rows: 2}, {list: 2}} {
			if got := derive("t.x", text, sh); got.err == nil && got.params < maxParam(pieces) {
				t.Fatalf("%+v gave %d placeholders", sh, got.params)
			}
		}
	})
}
