package cases_test

import (
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

const small = `
playbook: 1
name: Small
lists: {rivals: [rival.example]}
exclude:
  - {id: rival, when: 'person.email_domain in lists.rivals', because: Competitor}
fit:
  criteria:
    - id: size
      rules:
        - {when: 'account.employees >= 100', points: 20}
        - {when: 'account.employees >= 10', points: 10}
    - {id: role, rules: [{when: 'person.title == "CFO"', points: 20}]}
signals:
  - {id: read, class: interest, on: {page: '/blog*'}, points: 5, half_life: 10d, cap: 10}
  - {id: priced, class: evaluation, on: {page: '/pricing'}, points: 25, half_life: 10d, cap: 60}
  - {id: asked, class: buying, on: {form: contact}, where: 'event.properties.seats > 5', points: 60, half_life: 10d, cap: 60, track: inbound}
intent: {caps: {interest: 10}}
decide: {review: 40, engage: 70, mql: [{level: 1, intent: 20}]}
`

func smallPlaybook(t testing.TB) *playbook.Playbook {
	t.Helper()
	p, problems := playbook.Parse("small.yaml", []byte(small))
	if p == nil {
		t.Fatalf("%v", problems)
	}
	return p
}

// folder is a cases directory with one case.
func folder(facts, want string) fstest.MapFS {
	fsys := fstest.MapFS{"cases/one/facts.yaml": {Data: []byte(facts)}}
	if want != "" {
		fsys["cases/one/want.yaml"] = &fstest.MapFile{Data: []byte(want)}
	}
	return fsys
}

func TestLoad_readsEverything(t *testing.T) {
	t.Parallel()
	facts := `
case: All there is
now: 2026-05-10T00:00:00Z
person: {email: A@Shop.Example, title: CFO, tags: {a: [1, x, true, null]}}
account: {employees: 50}
events:
  - {at: now, answer: rejected}
  - {at: -1d12h, page: /blog/a, properties: {title: A}, times: 3, every: 1h}
  - {at: 2026-05-09, form: contact, text: Hello, properties: {seats: 7}}
  - {at: 2026-05-01T10:00:00+02:00, identify: {email: b@other.example}}
  - {at: -1d, account: {employees: 80}}
`
	p, _ := playbook.Parse("p", []byte(strings.Replace(small, `'person.title == "CFO"'`, `'person.tags.a == "x"'`, 1)))
	found, problems := cases.Load(folder(facts, "decision: review\n"), "cases", p)
	if len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	c := found[0]
	type row struct {
		At, Type, ID, What string
	}
	var got []row
	for _, e := range c.Events {
		got = append(got, row{e.At.String(), e.Type.String(), e.MessageID, e.Name + e.Path})
	}
	want := []row{
		{"2026-05-01T08:00:00Z", "identify", "case-00001", ""},
		{"2026-05-08T12:00:00Z", "page", "case-00002", "/blog/a"},
		{"2026-05-08T13:00:00Z", "page", "case-00003", "/blog/a"},
		{"2026-05-08T14:00:00Z", "page", "case-00004", "/blog/a"},
		{"2026-05-09T00:00:00Z", "track", "case-00005", "Form Submitted"},
		{"2026-05-09T00:00:00Z", "group", "case-00006", ""},
		{"2026-05-10T00:00:00Z", "answered", "case-00007", "rejected"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]any{"form": "contact", "message": "Hello", "seats": 7.0}, c.Events[4].Properties); d != "" {
		t.Errorf("properties of the form (-want +got):\n%s", d)
	}
	person, account := c.Traits()
	if d := cmp.Diff(map[string]any{
		"email": "b@other.example", "email_domain": "other.example", "title": "CFO",
		"tags": map[string]any{"a": []any{1.0, "x", true, nil}},
	}, person); d != "" {
		t.Errorf("the person at the end (-want +got):\n%s", d)
	}
	if account["employees"] != 80.0 || c.Person["email_domain"] != "shop.example" || c.Account["employees"] != 50.0 {
		t.Errorf("the account is %v at the end; the beginning is %v and %v", account, c.Person, c.Account)
	}
}

func TestEvent_Message(t *testing.T) {
	t.Parallel()
	at := lead.Instant(1_700_000_000_000_000)
	for name, tt := range map[string]struct {
		event cases.Event
		want  map[string]any
	}{
		"page": {
			cases.Event{At: at, Type: lead.Page, MessageID: "m", Path: "/a"},
			map[string]any{"type": "page", "context": map[string]any{"page": map[string]any{"path": "/a"}}},
		},
		"track": {
			cases.Event{At: at, Type: lead.Track, MessageID: "m", Name: "Tried", Properties: map[string]any{"n": 1.0}},
			map[string]any{"type": "track", "event": "Tried", "properties": map[string]any{"n": 1.0}},
		},
		"identify": {
			cases.Event{At: at, Type: lead.Identify, MessageID: "m", Traits: map[string]any{"title": "CFO"}},
			map[string]any{"type": "identify", "traits": map[string]any{"title": "CFO"}},
		},
		"account": {
			cases.Event{At: at, Type: lead.Group, MessageID: "m", Traits: map[string]any{"employees": 5.0}},
			map[string]any{"type": "group", "groupId": "case", "traits": map[string]any{"employees": 5.0}},
		},
		"answer": {
			cases.Event{At: at, Type: lead.Answered, MessageID: "m", Name: "rejected"},
			map[string]any{"type": "answered", "event": "rejected"},
		},
	} {
		maps.Copy(tt.want, map[string]any{"messageId": "m", "timestamp": "2023-11-14T22:13:20Z", "userId": "case"})
		if d := cmp.Diff(tt.want, tt.event.Message()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestLoad_refuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		facts, want string
		problem     string // position: part of the message (hint)
	}{
		"unknown key":          {"case: A\nevent: []\n", "", `facts.yaml:2:1: unknown key "event" in facts (did you mean events?)`},
		"no sentence":          {"events: []\n", "", `facts.yaml:1:1: facts need the key "case"`},
		"bad now":              {"case: A\nnow: today\n", "", `facts.yaml:2:6: now must be a time, not "today"`},
		"mistyped trait":       {"case: A\nperson: {titel: CFO}\n", "", `facts.yaml:2:10: person.titel is neither a standard trait nor read by the playbook (did you mean title?)`},
		"trait of nobody":      {"case: A\naccount: {favourite_colour: red}\n", "", `account.favourite_colour is neither`},
		"event without time":   {"case: A\nevents:\n  - {page: /a}\n", "", `facts.yaml:3:5: an event needs the key "at"`},
		"event of nothing":     {"case: A\nevents: [{at: -1d}]\n", "", `exactly one thing that happens; this one names 0`},
		"event of two things":  {"case: A\nevents: [{at: -1d, page: /a, track: B}]\n", "", `this one names 2`},
		"unknown event key":    {"case: A\nevents: [{at: -1d, pages: /a}]\n", "", `facts.yaml:2:20: unknown key "pages" in event (did you mean page?)`},
		"unquoted comma":       {"case: A\nevents: [{at: -1d, track: A, text: Well, then no}]\n", "", `unknown key "then no" in event (text that holds a comma`},
		"time in the future":   {"case: A\nevents: [{at: 3d, page: /a}]\n", "", `"3d" is not a time (write -3d`},
		"later than now":       {"case: A\nevents: [{at: 2027-01-01, page: /a}]\n", "", `the event happens after now`},
		"repeated past now":    {"case: A\nevents: [{at: -2d, page: /a, times: 4, every: 1d}]\n", "", `the event happens after now`},
		"times without every":  {"case: A\nevents: [{at: -2d, page: /a, times: 4}]\n", "", `times and every go together`},
		"half a time":          {"case: A\nevents: [{at: -2d, page: /a, times: 1.5, every: 1h}]\n", "", `times must be a whole number`},
		"page with host":       {"case: A\nevents: [{at: -2d, page: 'https://a/b'}]\n", "", `a page is a path`},
		"unknown answer":       {"case: A\nevents: [{at: -2d, answer: reject}]\n", "", `"reject" is not how a handoff ends (did you mean rejected?)`},
		"text of a page":       {"case: A\nevents: [{at: -2d, page: /a, text: Hi}]\n", "", `only track and form have text`},
		"properties of answer": {"case: A\nevents: [{at: -2d, answer: rejected, properties: {a: 1}}]\n", "", `only page, track and form have properties`},
		"events as mapping":    {"case: A\nevents: {at: -2d}\n", "", `events must be a list`},
		"duplicate key":        {"case: A\ncase: B\n", "", `facts.yaml:2:1: the key "case" stands here a second time`},
		"alias":                {"case: &a A\nnow: *a\n", "", `anchors and aliases`},
		"not a mapping":        {"- a\n", "", `the file must be a mapping`},
		"broken YAML":          {"case: [A\n", "", `facts.yaml:`},
		"too many events":      {"case: A\nevents: [{at: -60d, page: /a, times: 2000, every: 1m}, {at: -1d, page: /a}]\n", "", `more than 2000 events`},
		"unknown signal":       {"case: A\n", "intent: {signals: {price: 3}}\n", `want.yaml:1:20: the playbook has no signal "price" (did you mean priced?)`},
		"unknown criterion":    {"case: A\n", "fit:\n  criteria:\n    sice: 3\n", `want.yaml:3:5: the playbook has no criterion "sice"`},
		"unknown exclusion":    {"case: A\n", "excluded_by: rivals\n", `want.yaml:1:14: the playbook has no exclusion "rivals"`},
		"signals as list":      {"case: A\n", "intent: {signals: [{id: read}]}\n", `signal values are written by their ids`},
	} {
		found, problems := cases.Load(folder(tt.facts, tt.want), "cases", smallPlaybook(t))
		var lines []string
		for _, p := range problems {
			line, _, _ := strings.Cut(p.String(), "\n")
			lines = append(lines, strings.Replace(line, ": error: ", ": ", 1)+" ("+p.Hint+")")
		}
		if !strings.Contains(strings.Join(lines, "\n"), tt.problem) {
			t.Errorf("%s: got %q, want %q", name, lines, tt.problem)
		}
		if len(found) > 0 {
			t.Errorf("%s: the case is kept", name)
		}
	}
}

func TestLoad_refusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := smallPlaybook(t)
	if _, problems := cases.Load(fstest.MapFS{}, "cases", p); len(problems) != 1 || problems[0].File != "cases" {
		t.Errorf("without a directory: %v", problems)
	}
	fsys := folder("case: A\n", "")
	fsys["cases/two/notes.txt"] = &fstest.MapFile{Data: []byte("x")}
	fsys["cases/readme.md"] = &fstest.MapFile{Data: []byte("x")}
	found, problems := cases.Load(fsys, "cases", p)
	if len(found) != 1 || len(problems) != 1 || problems[0].File != "cases/two/facts.yaml" {
		t.Errorf("got %d cases and %v, want the good one and the folder without facts", len(found), problems)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"case: A\nevents: [{at: -1d, page: /a}]\n", "case: A\nperson: {title: CFO}\n", "case: [\n", "a: &a [*a]\n",
		"case: A\nnow: 2026-01-01\nevents: [{at: -1d, track: B, times: 9, every: 1h, properties: {a: {b: [.inf]}}}]\n",
	} {
		f.Add(seed, "decision: review\nintent: {signals: {read: null}}\n")
	}
	if src, err := os.ReadFile("../../../examples/midmarket-saas/cases/reads-everything/facts.yaml"); err == nil {
		f.Add(string(src), "")
	}
	p := smallPlaybook(f)
	f.Fuzz(func(t *testing.T, facts, want string) {
		found, problems := cases.Load(folder(facts, want), "cases", p)
		if len(found) == 0 && len(problems) == 0 {
			t.Fatal("neither a case nor a finding")
		}
		if len(found) > 0 {
			found[0].Compare(map[string]any{"decision": "review"})
		}
	})
}
