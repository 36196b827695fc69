// Package attacks keeps the list of bad input that Cusp must take calmly, cases.tsv, and names the test of
// each case. The columns are the case's id, where it is sent, what is sent, what must come of it, and
// what must hold whatever comes of it; Q(code) is an event kept as rejected.
package attacks

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// proof is a test of a case: the file, the test in it, and a text in that test which shows that it is
// about the case; empty for the case's id.
type proof struct{ file, test, shown string }

// edge is the table of the cases that the tracking API decides, by id.
var edge = proof{file: "internal/track/attack_test.go", test: "TestAttacks"}

// proofs are the tests of the cases that are not, or not only, decided there.
var proofs = map[string][]proof{
	"A34": {{"internal/canon/canon_test.go", "TestTree_buildsObjects", "TestTree_buildsObjects"}},
	"A38": {{file: "internal/identity/resolve_test.go", test: "TestAliasCycles"}},
	"A39": {
		{file: "internal/identity/resolve_test.go", test: "TestPublicKeysNeverMergeKnownLeads"},
		{"internal/identity/traits_test.go", "TestApply", "evil@c.com"},
	},
	"A45": {{file: "internal/respond/respond_test.go", test: "TestServer_refusesHugeHeaders"}},
	"A46": {{file: "internal/respond/respond_test.go", test: "TestServer_refusesHugeHeaders"}},
	"T09": {{"internal/queue/run_test.go", "TestTimers_keepToElapsedTime", "-time.Hour"}},
	"T11": {{"internal/handoff/calendar/calendar_test.go", "TestMomentsTheClockSkipsOrShowsTwice", "2026-03-29 02:30"}},
	"T12": {
		{"internal/queue/run_test.go", "TestRestart_doesWhatWasMissed", "Late != 1"},
		{"internal/handoff/desk_test.go", "TestClock_lateStepsAreMarked", "no server was running"},
	},
	"T13": {{file: "internal/api/events_test.go", test: "TestPeople_pagesAndSearch"}},
	"R01": {{"internal/condition/condition_test.go", "TestCompile_limits", "all(person.a, any(#, one(#, # > 1)))"}},
	"R05": {{"internal/condition/condition_test.go", "TestCondition_Explain", "account.employees / 0 > 3"}},
	"R08": {
		{"internal/playbook/testdata/bad/yaml.yaml", "", "[no, .inf, 0o17, 1_000, 2024-01-01, !!binary aGk=, !!python/object:os.system x]"},
		{"internal/playbook/testdata/bad/tab.yaml.txt", "", "a tab cannot indent YAML"},
		{"internal/playbook/testdata/bad/unknown_keys.yaml", "", "unknown_keys.yaml"},
		{"internal/playbook/testdata/bad/duplicates.yaml", "", "duplicates.yaml"},
		{"internal/playbook/golden_test.go", "TestParse_messages", "bad"},
	},
	"B01": {{file: "internal/signal/quarantine_test.go", test: "TestQuarantine_groupB"}},
	"B04": {{file: "internal/signal/quarantine_test.go", test: "TestQuarantine_groupB"}},
	"B05": {{file: "internal/signal/quarantine_test.go", test: "TestQuarantine_groupB"}},
	"B06": {{file: "internal/signal/quarantine_test.go", test: "TestQuarantine_groupB"}},
	"B07": {
		{file: "internal/signal/quarantine_test.go", test: "TestQuarantine_groupB"},
		{"internal/flow/storm_test.go", "TestStorm_holdsBackManyFormsFromOneNetwork", "Storm"},
	},
}

// Every case of the list has a test, and every test that is named is there.
func TestEveryCaseHasATest(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, id := range ids(t, "cases.tsv") {
		listed[id] = true
		found := proofs[id]
		if strings.Contains(text(t, edge.file), `"`+id+`": func(`) {
			found = append(slices.Clip(found), edge)
		}
		if len(found) == 0 {
			t.Errorf("no test covers case %s", id)
		}
		for _, p := range found {
			if what := p.missing(t, id); what != "" {
				t.Errorf("case %s: %s", id, what)
			}
		}
	}
	for id := range proofs {
		if !listed[id] {
			t.Errorf("case %s is not in cases.tsv", id)
		}
	}
	if len(listed) < 55 {
		t.Errorf("only %d cases", len(listed))
	}
}

// missing says what of a proof is not there; empty when all is.
func (p proof) missing(t *testing.T, id string) string {
	t.Helper()
	src := text(t, p.file)
	if p.test != "" && !regexp.MustCompile(`(?m)^func `+p.test+`\(t \*testing\.T\)`).MatchString(src) {
		return p.file + " has no " + p.test
	}
	shown := p.shown
	if shown == "" {
		shown = id
	}
	if !strings.Contains(src, shown) && !strings.HasSuffix(p.file, shown) {
		return p.file + " does not say " + shown
	}
	return ""
}

func text(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// ids are the first column of a table, in its order.
func ids(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, 0, len(rows))
	for _, row := range rows[1:] {
		all = append(all, row[0])
	}
	return all
}
