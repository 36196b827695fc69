package decide

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

const (
	day   = 24 * 3600.0
	start = lead.Instant(1_700_000_000_000_000)
)

func after(seconds float64) lead.Instant { return start + lead.Instant(math.Round(seconds*1e6)) }

// The signals of the test playbook.
const (
	ebook = iota
	pricing
	demo
	surge
	careers
)

func book() *playbook.Playbook {
	inf := math.Inf(1)
	return &playbook.Playbook{
		Fit: playbook.Fit{Gate: 50, MinCoverage: 0.5},
		Signals: []playbook.Signal{
			ebook:   {ID: "ebook", Class: playbook.Interest, Points: 10, HalfLife: 30 * day},
			pricing: {ID: "pricing", Class: playbook.Evaluation, Points: 45, HalfLife: 14 * day, Cap: 90},
			demo:    {ID: "demo", Class: playbook.Buying, Points: 60, HalfLife: 30 * day, Inbound: true},
			surge:   {ID: "surge", Class: playbook.Evaluation, Points: 50, ThirdParty: true},
			careers: {ID: "careers", Class: playbook.Negative, Points: -20, HalfLife: 60 * day},
		},
		Intent: playbook.Intent{
			Caps: [playbook.NumClasses]float64{20, inf, inf, inf, inf}, ThirdPartyCap: inf, FirstPartyWithin: 30 * day,
		},
		Decide: playbook.Decide{
			Review: 40, Engage: 70, Cooldown: 30 * day, InboundFloor: 20,
			MQL: []playbook.Level{{Level: 1, Intent: 25}, {Level: 2, Intent: 40}},
		},
	}
}

func fit(points float64) score.Fit { return score.Fit{Score: points, Coverage: 1, Known: true} }

func TestChoose(t *testing.T) {
	t.Parallel()
	unknown := score.Fit{Coverage: 0.2}
	tests := []struct {
		name     string
		raised   []int
		fit      score.Fit
		excluded bool
		answered float64 // seconds after start; 0: not
		rejected float64
		at       float64
		want     Outcome
	}{
		{"exclusion beats a raised hand", []int{demo}, fit(90), true, 0, 0, 1, Outcome{Disqualify, TrackInbound, QuadrantEngage, 0, RuleExcluded}},
		{"a raised hand engages", []int{demo}, fit(60), false, 0, 0, 1, Outcome{Engage, TrackInbound, QuadrantEngage, 2, RuleInbound}},
		{"a raised hand with unknown fit engages", []int{demo}, unknown, false, 0, 0, 1, Outcome{Engage, TrackInbound, QuadrantEngage, 0, RuleInbound}},
		{"a raised hand above the floor but below the gate engages", []int{demo}, fit(20), false, 0, 0, 1, Outcome{Engage, TrackInbound, QuadrantDeflect, 0, RuleInbound}},
		{"a raised hand below the floor is deflected", []int{demo}, fit(19.9), false, 0, 0, 1, Outcome{Deflect, TrackInbound, QuadrantDeflect, 0, RuleInboundUnfit}},
		{"an answered hand counts as intent only", []int{demo}, fit(60), false, 5, 0, 6, Outcome{Review, TrackNurture, QuadrantEngage, 2, RuleReview}},
		{"high intent engages", []int{pricing, pricing}, fit(60), false, 0, 0, 1, Outcome{Engage, TrackNurture, QuadrantEngage, 2, RuleEngage}},
		{"high intent with unknown fit is reviewed", []int{pricing, pricing}, unknown, false, 0, 0, 1, Outcome{Review, TrackNurture, QuadrantEngage, 0, RuleReviewUnknown}},
		{"high intent without fit is deflected", []int{pricing, pricing}, fit(49.9), false, 0, 0, 1, Outcome{Deflect, TrackNurture, QuadrantDeflect, 0, RuleHighIntentUnfit}},
		{"review is between the lines", []int{pricing}, fit(60), false, 0, 0, 1, Outcome{Review, TrackNurture, QuadrantEngage, 2, RuleReview}},
		{"third party alone never triggers", []int{surge}, fit(60), false, 0, 0, 1, Outcome{Nurture, TrackNurture, QuadrantEngage, 0, RuleUntrusted}},
		{"interest alone is nurtured", []int{ebook, ebook, ebook}, fit(60), false, 0, 0, 1, Outcome{Nurture, TrackNurture, QuadrantNurture, 0, RuleNurture}},
		{"low fit and low intent are ignored", []int{ebook}, fit(10), false, 0, 0, 1, Outcome{Ignore, TrackNurture, QuadrantIgnore, 0, RuleIgnore}},
		{"a rejected lead cools down", []int{pricing, pricing}, fit(60), false, 5, 5, 6, Outcome{Nurture, TrackNurture, QuadrantEngage, 2, RuleCooldown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := book()
			state := score.NewState(p)
			for _, s := range tt.raised {
				state.Count(p, s, after(0), 0)
			}
			c := &Case{Excluded: -1, Fit: tt.fit, State: &state}
			if tt.excluded {
				c.Excluded = 0
			}
			if tt.answered > 0 {
				c.AnsweredAt = after(tt.answered)
			}
			if tt.rejected > 0 {
				c.RejectedAt = after(tt.rejected)
			}
			if got := Choose(p, c, after(tt.at)); got != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestChoose_aNewBuyingSignalEndsTheCooldown(t *testing.T) {
	t.Parallel()
	p := book()
	p.Signals[demo].Inbound = false
	state := score.NewState(p)
	state.Count(p, pricing, after(0), 0)
	c := &Case{Excluded: -1, Fit: fit(60), State: &state, AnsweredAt: after(5), RejectedAt: after(5)}
	if got := Choose(p, c, after(6)).Rule; got != RuleCooldown {
		t.Fatalf("rule = %s, want cooldown", got)
	}
	state.Count(p, demo, after(10), 0)
	if got := Choose(p, c, after(10)).Rule; got != RuleEngage {
		t.Errorf("rule = %s, want engage", got)
	}
}

// The next change is the first: nothing differs just before it, and it does differ.
func TestNext_isTheFirstChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := book()
		state := score.NewState(p)
		at := 0.0
		for range rapid.IntRange(0, 12).Draw(t, "occurrences") {
			at += float64(rapid.IntRange(1, 5*86400).Draw(t, "gap"))
			state.Count(p, rapid.IntRange(ebook, careers).Draw(t, "signal"), after(at), 0)
		}
		c := &Case{Excluded: -1, Fit: fit(float64(rapid.IntRange(0, 100).Draw(t, "fit"))), State: &state}
		if rapid.Bool().Draw(t, "rejected") {
			c.AnsweredAt, c.RejectedAt = after(at), after(at)
		}
		now := after(at + float64(rapid.IntRange(0, 86400).Draw(t, "wait")))
		current := Choose(p, c, now)
		next, out, ok := Next(p, c, now)
		end := next
		if !ok {
			end = now + lead.Instant(400*day*1e6)
		}
		if ok && (Choose(p, c, next) != out || out == current) {
			t.Fatalf("at %s: %+v, announced %+v, before %+v", next, Choose(p, c, next), out, current)
		}
		for range 50 {
			between := now + lead.Instant(rapid.Int64Range(0, int64(end-now)-1).Draw(t, "between"))
			if got := Choose(p, c, between); got != current {
				t.Fatalf("%s, before the announced %s: %+v, want %+v", between, next, got, current)
			}
		}
		if ok {
			if got := Choose(p, c, next-1); got != current {
				t.Fatalf("a microsecond early: %+v, want %+v", got, current)
			}
		}
	})
}

// Interest and third party never trigger, whatever their amount.
func TestChoose_interestNeverTriggers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := book()
		state := score.NewState(p)
		for i := range rapid.IntRange(0, 60).Draw(t, "occurrences") {
			state.Count(p, rapid.SampledFrom([]int{ebook, surge}).Draw(t, "signal"), after(float64(i)*60), 0)
		}
		c := &Case{Excluded: -1, Fit: fit(100), State: &state}
		if got := Choose(p, c, after(4000)).Decision; got != Nurture {
			t.Fatalf("decision = %s", got)
		}
	})
}
