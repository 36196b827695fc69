package cases_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

// explained is an explanation as the product gives it, decoded.
func explained() map[string]any {
	return map[string]any{
		"at": "2026-06-01T12:00:00Z", "decision": "review", "level": 1.0, "excluded_by": nil,
		"reasons": []any{"Intent 41.2 reaches the review line of 40.", "Fit 83.3 passes the gate of 50."},
		"fit": map[string]any{
			"score": 83.333333333, "known": true,
			"criteria": []any{map[string]any{"id": "size", "known": true, "points": 10.0, "max": 20.0}},
		},
		"intent": map[string]any{
			"score": 41.25, "trusted": true,
			"signals": []any{map[string]any{"id": "priced", "class": "evaluation", "value": 36.25, "count": 2.0}},
		},
	}
}

func compare(t *testing.T, want string) []string {
	t.Helper()
	found, problems := cases.Load(folder("case: A\n", want), "cases", smallPlaybook(t))
	if len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	var got []string
	for _, p := range found[0].Compare(explained()) {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Message))
	}
	return got
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		want string
		got  string // differences, joined; empty when it agrees
	}{
		"any subset":          {"decision: review\nfit: {known: true}\n", ""},
		"within tolerance":    {"fit: {score: 83.333333}\nintent: {score: 41.2500009}\n", ""},
		"outside tolerance":   {"intent: {score: 41.25001}\n", "1:17 intent.score: want 41.25001, got 41.25"},
		"another decision":    {"decision: engage\n", `1:11 decision: want "engage", got "review"`},
		"null":                {"excluded_by: null\n", ""},
		"null but there":      {"decision: null\n", `1:11 decision: want null, got "review"`},
		"there but null":      {"excluded_by: rival\n", `1:14 excluded_by: want "rival", got null`},
		"by number":           {"intent: {signals: {priced: 36.25}}\nfit: {criteria: {size: 10}}\n", ""},
		"by parts":            {"intent: {signals: {priced: {count: 2, class: evaluation}}}\n", ""},
		"by number, wrong":    {"intent: {signals: {priced: 15}}\n", "1:28 intent.signals.priced: want 15, got 36.25"},
		"by parts, wrong":     {"intent: {signals: {priced: {count: 3}}}\n", "1:36 intent.signals.priced.count: want 3, got 2"},
		"absent as wanted":    {"intent: {signals: {read: null}}\n", ""},
		"absent":              {"intent: {signals: {read: 5}}\n", "1:20 intent.signals.read: want it, but it is not there"},
		"there, not wanted":   {"intent: {signals: {priced: null}}\n", "1:20 intent.signals.priced: want nothing of it, got 36.25"},
		"a reason's words":    {"reasons: [review line of 40, passes the gate]\n", ""},
		"no such reason":      {"reasons: [budget]\n", `1:11 reasons: want "budget"`},
		"mistyped part":       {"intent: {scroe: 3}\n", "1:10 intent.scroe: the explanation has no such part"},
		"text for a number":   {"intent: {score: high}\n", `1:17 intent.score: want "high", got 41.25`},
		"number for a text":   {"decision: 3\n", `1:11 decision: want 3, got "review"`},
		"bool":                {"intent: {trusted: false}\n", "1:19 intent.trusted: want false, got true"},
		"parts of a scalar":   {"decision: {a: 1}\n", `1:11 decision: want several parts, got "review"`},
		"list of a scalar":    {"decision: [review]\n", `1:11 decision: want a list, got "review"`},
		"the same instant":    {"at: 2026-06-01T14:00:00+02:00\n", ""},
		"another instant":     {"at: 2026-06-01T14:00:00Z\n", `1:5 at: want`},
		"all of them at once": {"decision: engage\nlevel: 2\n", "1:11 decision: want \"engage\", got \"review\"\n2:8 level: want 2, got 1"},
	} {
		got := strings.Join(compare(t, tt.want), "\n")
		if tt.got == "" && got != "" || !strings.HasPrefix(got, tt.got) {
			t.Errorf("%s: got %q, want %q", name, got, tt.got)
		}
	}
}

func TestWriteWant_agreesWithItsRun(t *testing.T) {
	t.Parallel()
	p := smallPlaybook(t)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		fmt.Fprintf(&b, "case: A\nperson: {title: %s}\naccount: {employees: %d}\nevents:\n",
			rapid.SampledFrom([]string{"CFO", "Cook"}).Draw(t, "title"), rapid.IntRange(1, 200).Draw(t, "employees"))
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			fmt.Fprintf(&b, "  - {at: -%dh, %s}\n", rapid.IntRange(0, 900).Draw(t, "hours"),
				rapid.SampledFrom([]string{"page: /blog", "page: /pricing", "form: contact, properties: {seats: 9}", "answer: rejected"}).Draw(t, "what"))
		}
		facts := strings.TrimSuffix(b.String(), "events:\n")
		first, problems := cases.Load(folder(facts, ""), "cases", p)
		if len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		x, err := explain(p, *first[0])
		if err != nil {
			t.Fatal(err)
		}
		again, problems := cases.Load(folder(facts, string(cases.WriteWant(x))), "cases", p)
		if len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		if d := again[0].Compare(x); len(d) > 0 {
			t.Fatalf("%v", d)
		}
	})
}

func TestRun_report(t *testing.T) {
	t.Parallel()
	p := smallPlaybook(t)
	fsys := folder("case: A CFO asks\nperson: {title: CFO}\naccount: {employees: 500}\nevents: [{at: -1h, form: contact, properties: {seats: 9}}]\n", "decision: engage\n")
	fsys["cases/three/facts.yaml"] = fsys["cases/one/facts.yaml"]
	two := folder("case: Nobody yet\n", "decision: review\n")
	fsys["cases/two/facts.yaml"], fsys["cases/two/want.yaml"] = two["cases/one/facts.yaml"], two["cases/one/want.yaml"]
	found, problems := cases.Load(fsys, "cases", p)
	if len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	report := cases.Run(p, found, explain)
	if report.Failed() != 2 {
		t.Errorf("%d failed, want the wrong one and the one without want.yaml", report.Failed())
	}
	got := map[string]string{}
	for i := range report.Results {
		got[report.Results[i].Case.Name] = report.Results[i].String()
	}
	if d := cmp.Diff(map[string]string{
		"one":   "ok    one: A CFO asks",
		"three": "NEW   three: A CFO asks\nthere is no want.yaml yet",
		"two": "FAIL  two: Nobody yet\ncases/two/want.yaml:1:11: error: decision: want \"review\", got \"nurture\"\n" +
			"  decision: review\n            ^",
	}, got); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{
		"no case reaches the exclusion rival",
		"no case reaches the rule of size: 'account.employees >= 10'",
		"no case reaches the signal read",
		"no case reaches the signal priced",
		"no case reaches the decision review",
		"no case reaches the decision deflect",
		"no case reaches the decision ignore",
		"no case reaches the decision disqualify",
	}, report.Unreached.Lines()); d != "" {
		t.Errorf("unreached (-want +got):\n%s", d)
	}
}

func TestRun_errorFailsTheCase(t *testing.T) {
	t.Parallel()
	p := smallPlaybook(t)
	found, _ := cases.Load(folder("case: A\n", "decision: nurture\n"), "cases", p)
	report := cases.Run(p, found, func(*playbook.Playbook, cases.Case) (map[string]any, error) {
		return nil, errors.New("no fold today")
	})
	if r := report.Results[0]; r.Passed() || report.Failed() != 1 || !strings.Contains(r.String(), "no fold today") {
		t.Errorf("got %q", r.String())
	}
}
