package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/cli"
)

var update = flag.Bool("update", false, "write golden files anew")

// at is the instant at which the tests play.
var at = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

// desk is a folder with a database, where commands are run.
type desk struct {
	t   *testing.T
	db  string
	env []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{t: t, db: filepath.Join(t.TempDir(), "cusp.db"), env: []string{"CUSP_CONFIG=" + os.DevNull}}
}

// result is what a command left behind.
type result struct {
	code     int
	out, err string
}

// run runs a whole command in memory.
func (d *desk) run(args ...string) result {
	d.t.Helper()
	return d.runAt(d.t.Context(), &buffer{}, args...)
}

func (d *desk) runAt(ctx context.Context, problems *buffer, args ...string) result {
	var out bytes.Buffer
	p := &cli.Process{
		Args: args, Environ: append([]string{"CUSP_DB=" + d.db}, d.env...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: problems,
		Now: func() time.Time { return at }, Version: cli.Version{Version: "v0", Commit: "c0", Go: "go0"},
	}
	code := cli.Main(ctx, p)
	return result{code, out.String(), problems.String()}
}

// ok is run for commands that succeed.
func (d *desk) ok(args ...string) string {
	d.t.Helper()
	r := d.run(args...)
	if r.code != 0 || r.err != "" {
		d.t.Fatalf("cusp %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// json is ok for commands that print one JSON document.
func (d *desk) json(out any, args ...string) {
	d.t.Helper()
	text := d.ok(append(args, "--json")...)
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(out); err != nil {
		d.t.Fatalf("cusp %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	if dec.More() {
		d.t.Fatalf("cusp %s prints more than one document:\n%s", strings.Join(args, " "), text)
	}
}

// fill publishes the playbook and imports the history of the tests.
func (d *desk) fill() {
	d.t.Helper()
	d.ok("playbook", "publish", "testdata/playbook.yaml")
	file := filepath.Join(d.t.TempDir(), "history.csv")
	copyFile(d.t, "testdata/history.csv", file)
	var sum struct{ Read, New, Rejected int }
	d.json(&sum, "import", "events", file)
	if sum.Read != 8 || sum.New != 8 || sum.Rejected != 0 {
		d.t.Fatalf("import: %+v", sum)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// buffer may be written by a command while the test reads it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update if the change is meant:\n%s", path, diff)
	}
}

func TestExplain_partsAddUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	golden(t, "explain.golden", d.ok("explain", "ada@acme.example"))
	golden(t, "explain-at.golden", d.ok("explain", "ada", "--at", "2026-05-10"))
	golden(t, "explain-inbound.golden", d.ok("explain", "bob"))
	golden(t, "people.golden", d.ok("people"))
	golden(t, "timeline.golden", d.ok("timeline", "ada"))
	if got := d.ok("people", "--q", "BOB@"); !strings.Contains(got, "bob@rival.example") || strings.Contains(got, "ada") {
		t.Errorf("people --q: %s", got)
	}
}

func TestExplain_jsonIsTheContract(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	var x map[string]any
	d.json(&x, "explain", "ada")
	for _, key := range []string{"person", "at", "playbook", "track", "stage", "level", "momentum", "fit", "intent", "decision", "quadrant", "reasons", "excluded_by", "next_question"} {
		if _, ok := x[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	intent := x["intent"].(map[string]any)
	sum := 0.0
	for _, v := range intent["classes"].(map[string]any) {
		sum += v.(float64)
	}
	if diff := sum - intent["score"].(float64); diff > 1e-9 || diff < -1e-9 {
		t.Errorf("classes add up to %v, the score is %v", sum, intent["score"])
	}
}

// Shown numbers of the golden explanation add up as they are printed, to the last digit.
func TestExplain_shownNumbersAddUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	number := regexp.MustCompile(`^( +)(-?\d+\.\d\d)  `)
	var intent int
	sums := map[int]int{} // by depth of indentation, of what stands under the line above
	for line := range strings.SplitSeq(d.ok("explain", "ada"), "\n") {
		if n, ok := strings.CutPrefix(line, "Intent: "); ok {
			intent = cents(t, n)
		}
		m := number.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		end := len(m[1]) + len(m[2])
		sums[end] += cents(t, m[2])
	}
	if len(sums) != 3 {
		t.Fatalf("want classes, signals and events: %v", sums)
	}
	for depth, sum := range sums {
		if sum != intent {
			t.Errorf("depth %d adds up to %d, the intent is %d", depth, sum, intent)
		}
	}
}

func cents(t *testing.T, text string) int {
	t.Helper()
	var whole, part int
	if _, err := fmt.Sscanf(text, "%d.%d", &whole, &part); err != nil {
		t.Fatal(err)
	}
	return 100*whole + part
}

func TestUsage_wrongOnesExitWith2AndSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"explian"}, {"explain"}, {"explain", "a", "b"}, {"people", "--bogus"}, {"playbook"}, {"playbook", "chekc"},
		{"key", "create"}, {"key", "create", "--kind", "root", "--name", "x"}, {"key", "create", "--kind", "api"},
		{"key", "create", "--kind", "api", "--name", "x", "--scopes", "all"}, {"key", "revoke", "x"},
		{"import"}, {"import", "people"}, {"import", "sheep", "x.csv"}, {"export"}, {"export", "sheep"},
		{"export", "people", "--format", "xml"}, {"playbook", "show", "two"}, {"--log-level", "loud", "people"},
		{"people", "--url", "nonsense"}, {"serve", "--addr", "nowhere"},
		{"bench", "ingest", "--events", "-3"}, {"bench", "replay", "--rounds", "0"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			r := d.run(args...)
			if r.code != 2 || r.out != "" {
				t.Errorf("exit %d, standard output %q", r.code, r.out)
			}
			if !strings.Contains(r.err, "cusp: ") || !strings.Contains(r.err, "\n      ") {
				t.Errorf("no remedy: %s", r.err)
			}
			if _, err := os.Stat(d.db); err == nil {
				t.Error("a database was made")
			}
		})
	}
}

func TestFailure_exitsWith1AndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, tc := range []struct{ args, want string }{
		{"explain ada", "cusp serve makes one"},
		{"people", "cusp serve makes one"},
		{"import people nothing.csv", "check its name"},
		{"import spend testdata/history.csv", "people, accounts, events"},
		{"playbook publish nothing.yaml", "check its name"},
		{"playbook check testdata/history.csv", ""},
		{"people --url http://127.0.0.1:1", "cusp serve starts one"},
	} {
		r := d.run(strings.Fields(tc.args)...)
		if r.code != 1 || !strings.Contains(r.err, tc.want) {
			t.Errorf("cusp %s: exit %d\n%s%s", tc.args, r.code, r.out, r.err)
		}
	}
	if _, err := os.Stat(d.db); err == nil {
		t.Error("a database was made")
	}
}

func TestKey_commands(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var made map[string]any
	d.json(&made, "key", "create", "--kind", "write", "--name", "website")
	if made["kind"] != "write" || !strings.HasPrefix(made["key"].(string), "cuspw_") || made["id"].(float64) < 1 {
		t.Errorf("made %v", made)
	}
	id := fmt.Sprint(made["id"])
	if got := d.ok("key", "list"); !strings.Contains(got, "website") || !strings.Contains(got, "in use") || strings.Contains(got, made["key"].(string)) {
		t.Errorf("list: %s", got)
	}
	d.ok("key", "revoke", id)
	if got := d.ok("key", "list"); !strings.Contains(got, "revoked") {
		t.Errorf("list after revoke: %s", got)
	}
	if r := d.run("key", "revoke", "99"); r.code != 1 || !strings.Contains(r.err, "cusp key list") {
		t.Errorf("revoke of nothing: %+v", r)
	}
	info, err := os.Stat(d.db)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database may be read by others: %v %v", info.Mode(), err)
	}
}

func TestPlaybook_commands(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if got := d.ok("playbook", "check", "testdata/playbook.yaml"); !strings.Contains(got, "is right") {
		t.Errorf("check: %s", got)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("playbook: 1\nname: X\nsignls: []\ndecide: {review: a}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := d.run("playbook", "check", wrong)
	if r.code != 1 || !strings.Contains(r.out, ":3:1: error") || !strings.Contains(r.out, "^") || !strings.Contains(r.out, ":4:") {
		t.Errorf("check: %+v", r)
	}
	if r := d.run("playbook", "publish", wrong); r.code != 1 || !strings.Contains(r.err, wrong+":3:1: error") {
		t.Errorf("publish: %+v", r)
	}
	d.ok("playbook", "publish", "testdata/playbook.yaml", "--note", "first")
	if got := d.ok("playbook", "publish", "testdata/playbook.yaml"); !strings.Contains(got, "version 1") {
		t.Errorf("publishing the same again: %s", got)
	}
	text, err := os.ReadFile("testdata/playbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.ok("playbook", "show"); got != string(text) {
		t.Errorf("show: %s", got)
	}
	changed := filepath.Join(t.TempDir(), "changed.yaml")
	if err := os.WriteFile(changed, bytes.Replace(text, []byte("points: 60"), []byte("points: 55"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"playbook", "diff", changed}, {"playbook", "diff", "1", changed}, {"playbook", "diff", "testdata/playbook.yaml", changed}} {
		if got := d.ok(args...); !strings.Contains(got, "60 → 55") {
			t.Errorf("%v: %s", args, got)
		}
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(d.ok("playbook", "schema")), &schema); err != nil || schema["properties"] == nil {
		t.Errorf("schema: %v", err)
	}
}

func TestExport_everyKindInBothFormats(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	for what, want := range map[string]int{"events": 8, "people": 2, "accounts": 2, "ledger": 1} {
		lines := strings.Count(d.ok("export", what), "\n")
		table := strings.Count(d.ok("export", what, "--format", "csv"), "\n")
		if lines < want || table != lines+1 {
			t.Errorf("export %s: %d lines, %d rows, want at least %d", what, lines, table, want)
		}
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(d.ok("export", "events"), "\n", 2)[0]), &first); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"message_id", "type", "user_id", "anonymous_id", "time", "received_at", "message"} {
		if _, ok := first[key]; !ok {
			t.Errorf("an exported event has no %s", key)
		}
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if r := d.run("doctor"); r.code != 1 || !strings.Contains(r.out, "cusp serve makes one") {
		t.Errorf("without a database: %+v", r)
	}
	d.ok("key", "create", "--kind", "write", "--name", "w")
	r := d.run("doctor")
	if r.code != 0 || !strings.Contains(r.out, "cusp playbook publish") {
		t.Errorf("without a playbook: %+v", r)
	}
	var report struct{ OK bool }
	d.fill()
	d.json(&report, "doctor")
	if !report.OK {
		t.Error("a good installation is not")
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	var v cli.Version
	newDesk(t).json(&v, "version")
	if diff := cmp.Diff(cli.Version{Version: "v0", Commit: "c0", Go: "go0"}, v); diff != "" {
		t.Error(diff)
	}
}
