package flow

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// jobSeekers is the test playbook with an exclusion that depends on what leads do.
func jobSeekers(t *testing.T, when string) *playbook.Playbook {
	t.Helper()
	src, err := os.ReadFile("../playbook/testdata/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(src), "exclude:", "exclude:\n  - {id: job_seeker, when: '"+when+"', because: Looks for a job}\n#", 1)
	text = strings.Replace(text, "#                         # first", "#", 1)
	p, problems := playbook.Parse("job seekers", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Who is excluded for what they did stops being so in the very instant in which the condition ends.
func TestAdvance_exclusionsEndAtTheirMoment(t *testing.T) {
	t.Parallel()
	const days = 24
	tests := []struct {
		when  string
		until float64 // hours after the epoch
	}{
		{`count("careers_viewed", "30d") >= 2`, 1 + 30*days},
		{`has_signal("careers_viewed") && days_since("careers_viewed") < 10`, 2 + 10*days},
	}
	for _, tt := range tests {
		t.Run(tt.when, func(t *testing.T) {
			t.Parallel()
			p := jobSeekers(t, tt.when)
			s := stored{}
			s.add(hours(1), lead.Page, "", "/careers/sales", `{}`)
			s.add(hours(2), lead.Page, "", "/careers/support", `{}`)
			f, l := NewFolder(p), NewLead(p)
			var changes []Change
			f.OnChange(func(c Change) { changes = append(changes, c) })
			f.Fold(l, s.events, nil, lead.Never)
			if l.Outcome.Decision != "disqualify" {
				t.Fatalf("decision after two visits to the careers page: %s", l.Outcome.Decision)
			}
			if wake := f.Wake(l); wake > hours(tt.until) {
				t.Errorf("wakes at %s, after the exclusion ends at %s", wake, hours(tt.until))
			}
			f.Advance(l, hours(tt.until)-1)
			if l.Outcome.Decision != "disqualify" {
				t.Errorf("a microsecond early the decision is %s", l.Outcome.Decision)
			}
			f.Advance(l, hours(9000))
			last := changes[len(changes)-1]
			if l.Outcome.Decision == "disqualify" || last.At != hours(tt.until) {
				t.Errorf("the exclusion ended at %s with %s, want %s", last.At, l.Outcome.Decision, hours(tt.until))
			}
		})
	}
}

// A state that is cut or scrambled is refused, never misread into a panic.
func FuzzLeadDecode(f *testing.F) {
	src, err := os.ReadFile("../playbook/testdata/acme.yaml")
	if err != nil {
		f.Fatal(err)
	}
	p, _ := playbook.Parse("acme", src)
	s := stored{}
	s.add(hours(1), lead.Track, "Demo Requested", "", `{}`)
	for i := range 5 {
		s.add(hours(float64(2+i)), lead.Page, "", "/pricing", `{}`)
	}
	l := NewLead(p)
	NewFolder(p).Fold(l, s.events, nil, lead.Never)
	packed, err := l.Encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	for cut := range packed {
		f.Add(packed[:cut])
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		l := NewLead(p)
		if err := l.Decode(p, b); err != nil {
			return
		}
		again, err := l.Encode(nil)
		if err != nil {
			return // traits that are no JSON object
		}
		if err := NewLead(p).Decode(p, again); err != nil {
			t.Fatalf("what was decoded and encoded again is refused: %v", err)
		}
	})
}

func ExampleFolder() {
	src, _ := os.ReadFile("../playbook/testdata/acme.yaml")
	p, _ := playbook.Parse("acme.yaml", src)
	f, l := NewFolder(p), NewLead(p)
	s := stored{}
	s.add(hours(0), lead.Page, "", "/pricing", `{}`)
	s.add(hours(1), lead.Track, "Demo Requested", "", `{}`)
	f.Fold(l, s.events, nil, lead.Never)
	fmt.Println(l.Outcome.Decision, l.Outcome.Track, l.Stage())
	// Output: engage inbound lead
}
