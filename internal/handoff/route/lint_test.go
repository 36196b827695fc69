package route

import (
	"fmt"
	"strings"
	"testing"

	"cusp/internal/decide"
)

func findings(found []Finding) string {
	var s strings.Builder
	for _, f := range found {
		kind := "warning"
		if f.Error {
			kind = "error"
		}
		fmt.Fprintf(&s, "%-7s %-18s %-6s %s", kind, f.Code, f.Subject, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(&s, " (%s)", f.Hint)
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func TestLint_soundBook(t *testing.T) {
	t.Parallel()
	b, reps := office(t)
	if got := findings(Lint(b, reps)); got != "" {
		t.Errorf("findings in a sound book:\n%s", got)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		set  func(b *Book, reps Reps)
	}{
		{"rules", func(b *Book, _ Reps) {
			b.Rules = []Rule{
				{ID: "mid", When: when(t, "account.employees >= 200"), Team: "dach"},
				{ID: "big", When: when(t, "account.employees >= 1000"), Team: "enterprise"},                 // shadowed by a condition
				{ID: "odd", When: when(t, "account.employees > 5 and account.employees < 3"), Team: "dach"}, // contradicts itself
				{ID: "at", Territories: []string{"AT"}, Team: "dach"},
				{ID: "de", Territories: []string{"de"}, Track: decide.TrackInbound, Team: "dach"},
				{ID: "dach", Territories: []string{"DACH"}, Team: "dach"},                      // loses AT, and DE when inbound
				{ID: "ch", Territories: []string{"CH"}, Team: "enterprise", MinEngagement: 50}, // covered by dach
				{ID: "text", When: when(t, `account.country in ["FR", "IT"]`), Team: "dach"},   // stays
				{ID: "fr", When: when(t, `account.country == "FR"`), Rep: "ana"},               // covered by text
				{ID: "in", Track: decide.TrackInbound, Team: "dach"},                           // stays
				{ID: "nu", Track: decide.TrackNurture, MinEngagement: 10, Team: "dach"},        // stays
				{ID: "any", Team: "dach"}, // stays for low engagement
				{ID: "last", When: when(t, "score.intent > 5"), Territories: []string{"Bavaria"}, Team: "dach"}, // covered by any
				{ID: "any", Team: "nowhere"},
				{ID: "none", Territories: []string{"ES"}},
			}
		}},
		{"people", func(b *Book, reps Reps) {
			b.Rules[0].Rep = "zoe"
			b.Rules = append(b.Rules, Rule{ID: "left", Territories: []string{"US"}, Rep: "ben"}, Rule{ID: "away", Territories: []string{"CA"}, Rep: "eva"})
			b.Teams[0].Members = append(b.Teams[0].Members, "yan")
			edit(reps, left, "ben", "max")
			edit(reps, away, "eva")
			edit(reps, func(r *Rep) { r.Weight = 0 }, "ana")
			edit(reps, func(r *Rep) { r.Weight = 5000 }, "cleo")
			edit(reps, func(r *Rep) { r.Capacity, r.Territories = 0, []string{"Mars"} }, "dan")
		}},
		{"teams", func(b *Book, _ Reps) {
			b.Manager = ""
			b.Teams = []Team{
				{ID: "dach", Overflow: "dach", Members: []RepID{"ana"}, Nurture: Policy{WhenFull: Manager}},
				{ID: "enterprise", Overflow: "nowhere"},
				{ID: "dach", Members: []RepID{"ana"}, Nurture: Policy{WhenOff: Overflow}},
				{ID: "idle", Members: []RepID{"ana"}},
			}
		}},
		{"fallbacks", func(b *Book, _ Reps) { b.Teams[0].Fallback = true }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, reps := office(t)
			tc.set(b, reps)
			golden(t, "lint_"+tc.name, findings(Lint(b, reps)))
		})
	}
}
