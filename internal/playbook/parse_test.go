package playbook

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cusp/internal/condition"
	"cusp/internal/document"
	"cusp/internal/fault"
	"cusp/internal/goldentest"
)

// read loads a file of testdata.
func read(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// mustParse parses a playbook that has to be accepted.
func mustParse(t testing.TB, src string) *Playbook {
	t.Helper()
	p, problems := Parse("test.yaml", []byte(src))
	if p == nil {
		t.Fatalf("refused:\n%v", problems)
	}
	return p
}

const minimal = `playbook: 1
name: Small
fit: {criteria: [{id: size, rules: [{when: 'account.employees >= 50 and person.title != nil', points: 20}]}]}
signals: [{id: demo, class: buying, on: {track: Demo}, points: 80}]
decide: {review: 40, engage: 70}
`

func TestParse_defaults(t *testing.T) {
	t.Parallel()
	got := mustParse(t, minimal)
	inf := math.Inf(1)
	want := &Playbook{
		Name: "Small", ReviewEvery: 90 * 24 * time.Hour,
		Fit: Fit{Gate: 50, MinCoverage: 0.5, Criteria: []Criterion{{
			ID: "size", Needs: []string{"account.employees", "person.title"}, Max: 20,
			Rules: []Rule{{When: &condition.Condition{Text: "account.employees >= 50 and person.title != nil"}, Points: 20}},
		}}},
		Signals:  []Signal{{ID: "demo", Class: Buying, On: Trigger{Kind: OnTrack, Value: "Demo", Signal: -1}, Points: 80}},
		Intent:   Intent{Caps: [NumClasses]float64{inf, inf, inf, inf, inf}, ThirdPartyCap: inf, FirstPartyWithin: 30 * condition.Day},
		Decide:   Decide{Review: 40, Engage: 70, Cooldown: 30 * condition.Day},
		Account:  Account{Weights: []float64{1, 0.5, 0.25}, Review: inf, Engage: inf},
		Momentum: Momentum{Fast: 7 * condition.Day, Slow: 28 * condition.Day, SeriousWithin: 14 * condition.Day, SeriousCount: 2},
	}
	ignore := cmpopts.IgnoreFields(Playbook{}, "Hash", "Source")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreUnexported(condition.Condition{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestParse_designExample(t *testing.T) {
	t.Parallel()
	p, problems := Parse("acme.yaml", read(t, "acme.yaml"))
	if p == nil {
		t.Fatalf("the design's own example is refused:\n%v", problems)
	}
	goldentest.Equal(t, filepath.Join("testdata", "acme.warnings.txt"), problems.Error()+"\n")
	if got, want := p.CountWindows(0), 14*condition.Day; got != want {
		t.Errorf("CountWindows(pricing_viewed) = %v, want %v", got, want)
	}
	if got := p.CountWindows(1); got != 0 {
		t.Errorf("CountWindows(pricing_again) = %v, want 0", got)
	}
	if s := p.Signals[2]; !s.Inbound || s.HalfLife != 30*condition.Day || s.Stage != DecisionStage {
		t.Errorf("demo_requested = %+v", s)
	}
	if s := p.Signals[4]; !s.ThirdParty {
		t.Errorf("review_site_surge = %+v", s)
	}
}

func TestParse_triggers(t *testing.T) {
	t.Parallel()
	src := strings.Replace(minimal, "signals: [", `signals: [{id: known, class: usage, on: {identify: true}, points: 0},
  {id: asked, class: buying, on: {form: contact}, points: 0}, {id: money, class: buying, on: {text: budget}, points: 0},
  {id: broke, class: negative, on: {text: no_budget}, points: -5}, {id: turned, class: evaluation, on: {turn: serious}, points: 0},
  {id: again, class: buying, on: {signal: demo}, points: 0}, {id: docs, class: evaluation, on: {page: '*/docs/*'}, points: 0}, `, 1)
	var got []Trigger
	for _, s := range mustParse(t, src).Signals {
		got = append(got, s.On)
	}
	want := []Trigger{
		{OnIdentify, "", -1}, {OnForm, "contact", -1}, {OnText, "budget", -1}, {OnText, "no_budget", -1}, {OnTurn, "", -1},
		{OnSignal, "demo", 7}, {OnPage, "*/docs/*", -1}, {OnTrack, "Demo", -1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
}

func TestParse_hash(t *testing.T) {
	t.Parallel()
	hash := mustParse(t, minimal).Hash
	same := map[string]string{
		"comments": "# a comment\n" + strings.Replace(minimal, "points: 20", "points: 20.0   ", 1),
		"order": `decide: {engage: 70, review: 40}
name: "Small"
signals:
  - points: 8e1
    on:
      track: Demo
    class: buying
    id: 'demo'
fit:
  criteria:
    - id: size
      rules:
        - points: 20
          when: >-
            account.employees >= 50
            and person.title != nil
playbook: 1
`,
		"json": `{"playbook": 1.0, "name": "Sm\u0061ll", "fit": {"criteria": [{"id": "size", "rules": [{"when":
			"account.employees >= 50 and person.title != nil", "points": 20}]}]},
			"signals": [{"id": "demo", "class": "buying", "on": {"track": "Demo"}, "points": 80}], "decide": {"review": 40, "engage": 70}}`,
		"windows": "\ufeff" + strings.ReplaceAll(minimal, "\n", "\r\n"),
	}
	for name, src := range same {
		if got := mustParse(t, src).Hash; got != hash {
			t.Errorf("%s changes the hash", name)
		}
	}
	if mustParse(t, strings.Replace(minimal, "points: 20", "points: 21", 1)).Hash == hash {
		t.Error("another playbook has the same hash")
	}
}

func TestParse_json(t *testing.T) {
	t.Parallel()
	src := `{"playbook": 1, "name": "Gr\u00fc\u00dfe \ud83d\ude00 \/", "signals": [{"id": "demo", "class": "buying",
		"on": {"track": "Demo"}, "points": 80}], "decide": {"review": 40, "engage": 70}}`
	if got, want := mustParse(t, src).Name, "Grüße 😀 /"; got != want {
		t.Errorf("name = %q, want %q", got, want)
	}
	var viaDecoder struct{ Name string }
	if err := json.Unmarshal([]byte(src), &viaDecoder); err != nil || viaDecoder.Name != mustParse(t, src).Name {
		t.Errorf("encoding/json reads %q, %v", viaDecoder.Name, err)
	}
}

// Hostile documents are refused quickly, with a reason, whatever they are made of.
func TestParse_bombs(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"size":     minimal + "# " + strings.Repeat("x", document.MaxBytes),
		"brackets": strings.Repeat("[", 500_000),
		"braces":   strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"aliases":  "a: &a [x, x]\n" + "b: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n",
		"list":     minimal + "lists: {a: [" + strings.Repeat("a,", maxList+1) + "]}\n",
		"values":   minimal + "nurture: {a: [" + strings.Repeat("1,", document.MaxNodes+1) + "]}\n",
		"deep":     minimal + "nurture: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n",
		"errors":   minimal + strings.Repeat("x: 1\n", 50_000),
		"binary":   "\x00\x01\x02",
		"latin1":   "name: Gr\xfc\xdfe\n",
		"rules": "playbook: 1\nname: x\nsignals: [{id: a, class: buying, on: {track: a}, points: 80}]\ndecide: {review: 40, engage: 70}\nexclude:\n" +
			strings.Repeat(`- {id: a, when: 'person.a in ["a","b","c","d"] and (person.b == 1 or person.c == 2) and (person.d == 1 or person.e == 2)'}`+"\n", 400),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := Parse("bomb.yaml", []byte(src))
			if p != nil {
				t.Fatal("accepted")
			}
			if len(problems) == 0 || len(problems) > document.MaxProblems+1 {
				t.Errorf("%d problems", len(problems))
			}
			if n := len(problems.Error()); n > 1<<18 {
				t.Errorf("the message has %d bytes", n)
			}
		})
	}
}

func TestParse_longList(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(minimal + "lists:\n  named:\n")
	for i := range 40_000 {
		fmt.Fprintf(&b, "    - c%d.example\n", i)
	}
	src := strings.Replace(b.String(), "points: 80}", "points: 80, where: 'account.domain in lists.named'}", 1)
	p := mustParse(t, src)
	where := p.Signals[0].Where
	for domain, want := range map[string]condition.Truth{"c39999.example": condition.True, "c40000.example": condition.False, "www.c1.example": condition.False} {
		if got := where.Eval(&condition.Facts{Account: map[string]any{"domain": domain}}); got != want {
			t.Errorf("%s = %v, want %v", domain, got, want)
		}
	}
}

func TestParse_severity(t *testing.T) {
	t.Parallel()
	_, problems := Parse("x.yaml", []byte(minimal))
	for _, p := range problems {
		if p.Severity != fault.SeverityWarning {
			t.Errorf("unexpected: %v", p)
		}
	}
	if problems.Err() != nil {
		t.Errorf("warnings refuse a playbook: %v", problems)
	}
}

// The proof that no rule shadows another stops at its budget: without one, this document would take
// minutes.
func TestCheck_budget(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(minimal + "exclude:\n")
	for i := range 400 {
		fmt.Fprintf(&b, "- {id: x%d, when: 'person.a in [\"a\", \"b\", \"c\"] and (person.b == %d or person.c == 2) and (person.d == 1 or person.e == 2) "+
			"and (person.f == 1 or person.g == 2) and (person.h == 1 or person.i == 2) and (person.j == 1 or person.k == %d)'}\n", i, i, i)
	}
	if p := mustParse(t, b.String()); len(p.Exclude) != 400 {
		t.Errorf("%d excludes", len(p.Exclude))
	}
}
