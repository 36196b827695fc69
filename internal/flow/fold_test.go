package flow

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/signal"
)

var epoch = lead.At(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))

func hours(h float64) lead.Instant { return epoch + lead.Instant(h*3600e6) }

func parse(t testing.TB, path string) *playbook.Playbook {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := playbook.Parse(path, src)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func acme(t testing.TB) *playbook.Playbook { return parse(t, "../playbook/testdata/acme.yaml") }

// stored makes events of one user as the log would hold them.
type stored struct {
	events []ingest.Stored
}

func (s *stored) add(at lead.Instant, typ lead.EventType, name, path, body string) {
	n := len(s.events)
	s.events = append(s.events, ingest.Stored{Seq: uint64(n + 1), Profile: 1, Event: lead.Event{
		Source: 1, Type: typ, Flags: lead.Trusted, MessageID: fmt.Sprintf("m%04d", n), UserID: "u1",
		Name: name, Path: path, Time: at, ReceivedAt: at, Body: []byte(body),
	}})
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %.12f, want %.12f", what, got, want)
	}
}

// A lead worked out by hand: a manager at a company of 250 looks at the prices three times in two days
// and downloads a paper.
func TestExplain_addsUpByHand(t *testing.T) {
	t.Parallel()
	p := acme(t)
	s := stored{}
	s.add(hours(0), lead.Identify, "", "", `{"traits":{"email":"ann@acme.example","title":"Marketing Manager"},"userId":"u1"}`)
	s.add(hours(1), lead.Track, "Asset Downloaded", "", `{}`)
	s.add(hours(2), lead.Page, "Pricing", "/pricing", `{}`)
	s.add(hours(2.25), lead.Page, "Pricing", "/pricing", `{}`) // inside once_per
	s.add(hours(26), lead.Page, "Pricing", "/pricing/teams", `{}`)
	s.add(hours(50), lead.Page, "Pricing", "/pricing", `{}`) // the third in 14 days: pricing_again
	company := []identity.Fact{{At: hours(0), Traits: map[string]any{"employees": 250.0, "domain": "acme.example"}}}
	x := ExplainFacts(p, s.events, company, hours(74))

	half := func(h, life float64) float64 { return math.Exp2(-h / (life * 24)) }
	pricing := 15*half(72, 14) + 15*half(48, 14) + 15*half(24, 14)
	ebook := 5 * half(73, 30)
	near(t, "evaluation", x.Intent.Classes.Evaluation, pricing+20)
	near(t, "interest", x.Intent.Classes.Interest, ebook)
	near(t, "intent", x.Intent.Score, pricing+20+ebook)
	if x.Fit.Score == nil {
		t.Fatal("fit must be known")
	}
	near(t, "fit", *x.Fit.Score, 100*(30+15)/60.0)
	got := []any{x.Decision, x.Quadrant, x.Track, x.Stage, x.Level, x.Intent.Trusted, x.ExcludedBy == nil, x.NextQuestion == nil}
	want := []any{x.Decision, x.Quadrant, x.Track, x.Stage, x.Level, true, true, true}
	want[0], want[1], want[2], want[3], want[4] = "review", "engage", "nurture", "mql", 2
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	for _, sig := range x.Intent.Signals {
		sum := sig.Older
		for _, part := range sig.Parts {
			sum += part.Left
		}
		near(t, "parts of "+sig.ID, sum, sig.Value)
	}
	if x.NextChange == nil || x.Flip == nil {
		t.Fatalf("next change %v, flip %v", x.NextChange, x.Flip)
	}
	if x.NextChange.Decision != "nurture" {
		t.Errorf("next change leads to %s, want nurture", x.NextChange.Decision)
	}
}

func drawHistory(t *rapid.T) []ingest.Stored {
	s := stored{}
	at := epoch
	bodies := []string{
		`{"traits":{"title":"Student"}}`, `{"traits":{"email":"ann@acme.example"}}`, `{"traits":{"title":"VP Sales","employees":12}}`,
		`{"context":{"traits":{"title":"Manager"}}}`,
	}
	for range rapid.IntRange(1, 25).Draw(t, "events") {
		at += lead.Instant(rapid.SampledFrom([]int64{0, 1, 60e6, 3600e6, 86400e6, 20 * 86400e6}).Draw(t, "gap"))
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			s.add(at, lead.Identify, "", "", rapid.SampledFrom(bodies).Draw(t, "traits"))
		case 1:
			s.add(at, lead.Track, "Demo Requested", "", `{"properties":{}}`)
		case 2:
			s.add(at, lead.Answered, rapid.SampledFrom([]string{"rejected", "accepted", "recycled"}).Draw(t, "answer"), "", `{}`)
		case 3:
			s.add(at, lead.Track, rapid.SampledFrom([]string{"Asset Downloaded", "Intent Surge", "Other"}).Draw(t, "name"), "", `{"properties":{}}`)
		default:
			s.add(at, lead.Page, "", rapid.SampledFrom([]string{"/pricing", "/careers/x", "/blog"}).Draw(t, "path"), `{}`)
		}
	}
	return s.events
}

func encode(t *rapid.T, l *Lead) []byte {
	b, err := l.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rejudged says whether an event changes what was thought of an earlier one.
func rejudged(p *playbook.Playbook, history []ingest.Stored) bool {
	guard, recent := signal.NewGuard(p), &signal.Ring{}
	for i := range history {
		if _, settled := guard.Judge(recent, &history[i].Event); !settled {
			return true
		}
	}
	return false
}

// Stepping through a stored state, with time passing in between at any pace, is folding all at once:
// the same outcomes at the same instants.
func TestStep_isFold(t *testing.T) {
	t.Parallel()
	p := acme(t)
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		if rejudged(p, history) {
			return // such leads are folded again, not stepped
		}
		var whole, steps []Change
		f := NewFolder(p)
		f.OnChange(func(c Change) { whole = append(whole, c) })
		l := NewLead(p)
		f.Fold(l, history, nil, lead.Never)
		end := l.Last.Time + lead.Instant(200*86400e6)
		f.Advance(l, end)

		g := NewFolder(p)
		g.OnChange(func(c Change) { steps = append(steps, c) })
		verdicts := signal.Quarantine(p, history)
		m := NewLead(p)
		for i := range history {
			packed := encode(t, m)
			m = NewLead(p)
			if err := m.Decode(p, packed); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				gap := int64(history[i].Event.Time - history[i-1].Event.Time)
				g.Advance(m, history[i-1].Event.Time+lead.Instant(rapid.Int64Range(0, gap).Draw(t, "pause")))
				g.Wake(m)
			}
			verdict, settled := g.guard.Judge(&m.Recent, &history[i].Event)
			if !settled || verdict != verdicts[i] {
				t.Fatalf("event %d is judged %v (settled: %v), in the whole history %v", i, verdict, settled, verdicts[i])
			}
			g.Step(m, &history[i].Event, verdict)
		}
		g.Advance(m, end)
		if diff := cmp.Diff(whole, steps); diff != "" {
			t.Fatalf("changes (-folded +stepped):\n%s", diff)
		}
		if early, exact := g.Wake(m), f.Wake(l); early > exact {
			t.Fatalf("wakes at %s, after the change at %s", early, exact)
		}
		l.Quiet, m.Quiet = 0, 0
		if !bytes.Equal(encode(t, l), encode(t, m)) {
			t.Fatalf("states differ:\n%+v\n%+v", l, m)
		}
	})
}

// The order in which events arrive cannot matter, because the fold sorts them.
func TestExplain_partsAddUpWhateverTheHistory(t *testing.T) {
	t.Parallel()
	p := acme(t)
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		shuffled := rapid.Permutation(history).Draw(t, "order")
		slices.SortFunc(shuffled, func(a, b ingest.Stored) int { return a.Event.Compare(&b.Event) })
		at := history[len(history)-1].Event.Time + lead.Instant(rapid.Int64Range(0, 90*86400e6).Draw(t, "later"))
		x := ExplainFacts(p, shuffled, nil, at)
		if diff := cmp.Diff(ExplainFacts(p, history, nil, at), x); diff != "" {
			t.Fatal(diff)
		}
		for _, sig := range x.Intent.Signals {
			sum := sig.Older
			for _, part := range sig.Parts {
				sum += part.Left
			}
			if math.Abs(sum-sig.Value) > 1e-9 {
				t.Fatalf("parts of %s add up to %v, not %v", sig.ID, sum, sig.Value)
			}
		}
		c := x.Intent.Classes
		total := c.Interest + c.Evaluation + c.Buying + c.Usage + c.ThirdParty + c.Negative
		if math.Abs(math.Max(0, math.Min(100, total))-x.Intent.Score) > 1e-9 {
			t.Fatalf("classes add up to %v, intent is %v", total, x.Intent.Score)
		}
	})
}

// Working on a lead leaves its raised hand up; closing the handoff answers it.
func TestStep_onlyClosingAnswersAnswer(t *testing.T) {
	t.Parallel()
	p := acme(t)
	for answer, want := range map[string]string{
		"accepted": "inbound", "contacted": "inbound", "attempted": "inbound",
		"rejected": "nurture", "recycled": "nurture", "qualified": "nurture", "disqualified": "nurture",
	} {
		s := stored{}
		s.add(hours(0), lead.Track, "Demo Requested", "", `{}`)
		s.add(hours(1), lead.Answered, answer, "", `{}`)
		if x := ExplainFacts(p, s.events, nil, hours(2)); string(x.Track) != want {
			t.Errorf("after %s the track is %s, want %s", answer, x.Track, want)
		}
	}
}
