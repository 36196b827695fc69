// Package importing imports real and awkward files with the product's own binary.
package importing

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cusp/internal/ingest/table"
	"cusp/tests/olist"
	"cusp/tests/product"
)

const olistMap = "../../examples/olist/people.yaml"

// run imports a file and returns what the command printed.
func run(t *testing.T, bin, dsn, kind, file string, more ...string) table.Summary {
	t.Helper()
	out := product.Run(t, bin, append([]string{"import", kind, file, "--json", "--db", dsn}, more...)...)
	var sum table.Summary
	if err := json.Unmarshal(out, &sum); err != nil {
		t.Fatalf("read %q: %v", out, err)
	}
	return sum
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImport_olistTwice(t *testing.T) {
	t.Parallel()
	bin, dsn, file := product.Build(t), filepath.Join(t.TempDir(), "cusp.db"), olist.File(t)
	if got, want := run(t, bin, dsn, "people", file, "--map", olistMap), (table.Summary{Read: 8000, New: 8000}); got != want {
		t.Errorf("first: got %+v, want %+v", got, want)
	}
	before := product.Events(t, bin, dsn)
	if got, want := run(t, bin, dsn, "people", file, "--map", olistMap), (table.Summary{Read: 8000, Unchanged: 8000}); got != want {
		t.Errorf("second: got %+v, want %+v", got, want)
	}
	after := product.Events(t, bin, dsn)
	if len(before) != 16_000 || len(after) != 16_000 {
		t.Errorf("%d events after the first run and %d after the second, want 16,000", len(before), len(after))
	}
}

func TestImport_countsEveryRowOnce(t *testing.T) {
	t.Parallel()
	bin, dsn := product.Build(t), filepath.Join(t.TempDir(), "cusp.db")
	first := write(t, "people.csv", "user_id,email,title\nu1,a@acme.example,Boss\nu2,broken,\nu3,c@acme.example,\nu1,a@acme.example,Boss\n")
	got := run(t, bin, dsn, "people", first)
	if got.RejectedFile == nil {
		t.Fatalf("got %+v, want a file of rejected rows", got)
	}
	rejected, err := os.ReadFile(*got.RejectedFile)
	if err != nil || !strings.Contains(string(rejected), "u2,broken,") {
		t.Errorf("rejected rows: %q %v", rejected, err)
	}
	got.RejectedFile = nil
	if want := (table.Summary{Read: 4, New: 2, Unchanged: 1, Rejected: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	second := write(t, "people.csv", "user_id,email,title\nu1,a@acme.example,Chief\nu3,c@acme.example,\nu4,d@acme.example,\n")
	if got, want := run(t, bin, dsn, "people", second), (table.Summary{Read: 3, New: 1, Updated: 1, Unchanged: 1}); got != want {
		t.Errorf("changed: got %+v, want %+v", got, want)
	}
	back := write(t, "people.csv", "user_id,email,title\nu1,a@acme.example,Boss\n")
	if got, want := run(t, bin, dsn, "people", back), (table.Summary{Read: 1, Updated: 1}); got != want {
		t.Errorf("changed back: got %+v, want %+v", got, want)
	}
	accounts := write(t, "accounts.csv", "domain,name,employees\nacme.example,Acme,120\n")
	if got, want := run(t, bin, dsn, "accounts", accounts), (table.Summary{Read: 1, New: 1}); got.Read != want.Read || got.Rejected != 0 {
		t.Errorf("accounts by domain: got %+v, want %+v", got, want)
	}
	events := write(t, "events.csv", "user_id,event,time\n"+strings.Repeat("u1,X,2026-01-01\n", 2)+"u1,Y,2026-01-01\n")
	if got, want := run(t, bin, dsn, "events", events), (table.Summary{Read: 3, New: 2, Duplicate: 1}); got != want {
		t.Errorf("events: got %+v, want %+v", got, want)
	}
}

// What is exported from one installation and imported into another is the same history: the formulas
// that a spreadsheet must not run come back as they were.
func TestImport_ownExportLosesNothing(t *testing.T) {
	t.Parallel()
	bin := product.Build(t)
	from := filepath.Join(t.TempDir(), "from.db")
	file := write(t, "events.csv", strings.Join([]string{
		"user_id,event,time,note", "=1+1,'-Plus,2026-01-01T00:00:00Z,\"a\n=2+2\n'=3\"", "u2,@sum,2026-01-02T00:00:00.123456Z,-5",
	}, "\n")+"\n")
	if got := run(t, bin, from, "events", file); got.New != 2 {
		t.Fatalf("got %+v, want 2 new", got)
	}
	for _, format := range []string{"ndjson", "csv"} {
		to := filepath.Join(t.TempDir(), "to.db")
		exported := write(t, "export."+format, string(product.Run(t, bin, "export", "events", "--format", format, "--db", from)))
		if got := run(t, bin, to, "events", exported); got.New != 2 {
			t.Errorf("%s: got %+v, want 2 new", format, got)
		}
		if want, got := facts(product.Events(t, bin, from)), facts(product.Events(t, bin, to)); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", format, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// facts are the exported events without what depends on the installation: when it received them.
func facts(events []product.Event) []string {
	var all []string
	for _, e := range events {
		var line map[string]any
		if json.Unmarshal(e.Line, &line) != nil {
			continue
		}
		delete(line, "received_at")
		text, err := json.Marshal(line)
		if err == nil {
			all = append(all, string(text))
		}
	}
	slices.Sort(all)
	return all
}
