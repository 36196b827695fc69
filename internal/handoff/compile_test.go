package handoff

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/goldentest"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// head makes a playbook of a section: nothing in it draws a finding.
const head = `playbook: 1
name: Test
fit: {criteria: [{id: size, rules: [{when: 'account.employees >= 50', points: 20}]}]}
signals:
- {id: demo, class: buying, on: {track: Demo Requested}, points: 80, half_life: 30d}
- {id: trial, class: buying, on: {track: Trial Started}, points: 40, half_life: 30d}
decide: {review: 40, engage: 70}
`

// compiled is the plan of a section that draws no errors.
func compiled(t testing.TB, section string) (*Plan, fault.Problems) {
	t.Helper()
	p, plan, problems := Parse("playbook.yaml", []byte(head+section))
	if p == nil || plan == nil {
		t.Fatalf("refused: %v", problems)
	}
	return plan, problems
}

func TestCompile_nothingIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, section := range []string{"", "handoff: {}\n"} {
		plan, problems := compiled(t, section)
		plan.Specs = nil
		if diff := cmp.Diff(DefaultPlan(), plan); diff != "" {
			t.Errorf("%q: %s", section, diff)
		}
		if section == "" && len(problems) > 0 {
			t.Errorf("findings: %v", problems)
		}
	}
}

func TestCompile_full(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("testdata", "section", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, plan, problems := Parse("full.yaml", append([]byte(head), src...))
	if len(problems) > 0 {
		t.Fatalf("findings: %v", problems)
	}
	want := &Plan{
		Manager: "head.of.sales@acme.example",
		Teams: []Team{
			{
				ID: "dach", Name: "DACH", Calendar: "munich", Overflow: "sales", Manager: "mia@acme.example",
				Inbound: route.Policy{WhenFull: route.Manager, MaxWait: 4 * time.Hour},
				Nurture: route.Policy{Wait: true, Grace: 15 * time.Minute},
			},
			{ID: "sales", Name: "sales", Fallback: true},
		},
		Regions: map[string][]string{"dach": {"DE", "AT", "CH"}},
		SLA: map[decide.Track]SLA{
			decide.TrackInbound: {
				FirstContact: 10 * time.Minute, Warn: 6 * time.Minute, Escalate: 20 * time.Minute, Reassign: 30 * time.Minute,
				Return: 24 * time.Hour, Attempts: 6,
			},
			decide.TrackNurture: {
				FirstContact: 8 * time.Hour, Warn: 6 * time.Hour, Escalate: 16 * time.Hour, Reassign: 24 * time.Hour, Return: 240 * time.Hour, Attempts: 5,
			},
		},
		Reasons: []Reason{
			{"no_budget", "No money", QualificationGap, 180 * 24 * time.Hour},
			{"too_early", "too early", Timing, 0},
			{"price", "Price", Expectations, 0},
		},
		Frameworks: []string{"champ", "gpctba"},
		Alerts: []Alert{
			{On: []string{"assigned", "warning"}, Destination: "owner"},
			{On: []string{"breach"}, Tracks: []decide.Track{decide.TrackInbound}, Destination: "slack-sales"},
		},
		Quiet: Quiet{20 * 60, 7*60 + 30},
	}
	got := *plan
	got.Calendars, got.Specs, got.Rules = nil, nil, nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"munich", "night"}, slices.Sorted(maps.Keys(plan.Calendars))); diff != "" {
		t.Error(diff)
	}
	at := func(s string) lead.Instant {
		parsed, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return lead.At(parsed)
	}
	munich := plan.Calendars["munich"]
	for when, open := range map[string]bool{
		"2026-12-21T09:00:00Z": true, "2026-12-21T12:00:00Z": false, "2026-12-24T09:00:00Z": true, "2026-12-24T13:00:00Z": false,
		"2026-12-31T09:00:00Z": false, "2026-12-05T10:00:00Z": true, "2027-01-06T09:00:00Z": false,
	} {
		if got := munich.Open(at(when)); got != open {
			t.Errorf("munich at %s: open %v", when, got)
		}
	}
	if diff := cmp.Diff("named ana@acme.example>dach|raised [dach LI] inbound >dach|large 40 >dach", rulesText(plan)); diff != "" {
		t.Error(diff)
	}
	again, problems := Compile(p)
	if len(problems) > 0 || again.Manager != plan.Manager {
		t.Errorf("compiled from the parsed playbook: %v, %v", again, problems)
	}
}

func rulesText(p *Plan) string {
	var all []string
	for _, r := range p.Rules {
		parts := []string{r.ID}
		if r.Territories != nil {
			parts = append(parts, fmt.Sprint(r.Territories))
		}
		if r.Track != "" {
			parts = append(parts, string(r.Track))
		}
		if r.MinEngagement > 0 {
			parts = append(parts, fmt.Sprint(r.MinEngagement))
		}
		all = append(all, strings.Join(append(parts, string(r.Rep)+">"+string(r.Team)), " "))
	}
	return strings.Join(all, "|")
}

// Whole messages, as people see them, for a folder of bad sections.
func TestCompile_messages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "section", "bad", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, plan, problems := Parse("playbook.yaml", append([]byte(head), src...))
			if p != nil || plan != nil {
				t.Error("a bad section was accepted")
			}
			goldentest.Equal(t, file+".txt", problems.Error()+"\n")
		})
	}
}

// Every text gives a plan whose clocks are in order and whose leads have an owner, or errors that have a
// place.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "section", "*", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("testdata", "section", "full.yaml")) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, section string) {
		p, plan, problems := Parse("f", []byte(head+section))
		if (plan == nil) != (problems.Err() != nil) || (p == nil) != (plan == nil) {
			t.Fatalf("plan %v with problems %v", plan, problems)
		}
		for _, problem := range problems {
			if problem.Line < 0 || problem.Message == "" || problem.Code == "" {
				t.Fatalf("a problem out of place: %+v", problem)
			}
		}
		if plan != nil {
			sound(t, plan)
		}
	})
}

// sound checks what every plan promises.
func sound(t *testing.T, p *Plan) {
	t.Helper()
	if !slices.ContainsFunc(p.Teams, func(t Team) bool { return t.Fallback }) {
		t.Error("no team is the fallback")
	}
	if len(p.Reasons) == 0 {
		t.Error("no reasons")
	}
	for track, s := range p.SLA {
		late := max(s.FirstContact, s.Escalate, s.Reassign)
		if s.FirstContact > 0 && (s.Warn >= s.FirstContact || s.Escalate > 0 && s.Escalate < s.FirstContact || s.Reassign > 0 && s.Reassign < s.FirstContact) ||
			s.FirstContact > 0 && s.Return <= late || s.Attempts < 1 {
			t.Errorf("clocks of %s out of order: %+v", track, s)
		}
	}
}

func TestCompile_examplesHaveNoFindings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*/playbook.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d example playbooks (%v), want at least 5", len(files), err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, plan, problems := Parse(file, src)
		if len(problems) > 0 {
			t.Errorf("%v", problems)
			continue
		}
		sound(t, plan)
		if plan.Manager == "" || len(plan.Calendars) == 0 {
			t.Errorf("%s shows no handoff", file)
		}
	}
}

// Hundreds of rules, each for every country, are looked at together without taking for ever: nothing in
// them is wrong, and nothing is said to be.
func TestCompile_manyRules(t *testing.T) {
	t.Parallel()
	codes := strings.ReplaceAll(strings.Join(strings.Fields(countryCodes), ","), "NO", `"NO"`)
	var b strings.Builder
	b.WriteString("handoff:\n  manager: max@acme.example\n  teams: [{id: sales, fallback: true}]\n  routing:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  - {id: r%d, when: 'account.employees == %d || person.title == \"t%d\"', territories: [%s], to: sales}\n", i, i, i, codes)
	}
	plan, problems := compiled(t, b.String())
	if len(problems) > 0 || len(plan.Rules) != 300 {
		t.Errorf("%d rules, findings: %v", len(plan.Rules), problems)
	}
}
