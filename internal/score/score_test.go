package score

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cusp/internal/condition"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

const day = 24 * 3600.0

// start is some instant well after 1970.
const start = lead.Instant(1_700_000_000_000_000)

func after(seconds float64) lead.Instant { return start + lead.Instant(math.Round(seconds*1e6)) }

func uncapped() (caps [playbook.NumClasses]float64) {
	for i := range caps {
		caps[i] = math.Inf(1)
	}
	return caps
}

// book is a playbook of the given signals and no limits beyond theirs.
func book(signals ...playbook.Signal) *playbook.Playbook {
	return &playbook.Playbook{
		Signals:  signals,
		Intent:   playbook.Intent{Caps: uncapped(), ThirdPartyCap: math.Inf(1), FirstPartyWithin: 30 * day},
		Momentum: playbook.Momentum{Fast: 7 * day, Slow: 28 * day, SeriousWithin: 14 * day, SeriousCount: 2},
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %.12f, want %.12f", what, got, want)
	}
}

// The worked example of the playbook page: 15 points with a half-life of 14 days, capped at 45.
func TestCount_decaysAndCaps(t *testing.T) {
	t.Parallel()
	p := book(playbook.Signal{ID: "pricing", Class: playbook.Evaluation, Points: 15, HalfLife: 14 * day, Cap: 45, OncePer: 1800})
	s := NewState(p)
	if !s.Count(p, 0, after(0), 0) {
		t.Fatal("the first occurrence must be counted")
	}
	if s.Count(p, 0, after(1799), 0) {
		t.Error("a repeat inside once_per must not be counted")
	}
	near(t, "after one half-life", s.Worth(p, 0, after(14*day)), 7.5)
	if !s.Count(p, 0, after(1800), 0) {
		t.Error("once_per ends exactly after its length")
	}
	s.Count(p, 0, after(14*day), 0)
	near(t, "three visits", s.Worth(p, 0, after(14*day)), 15*math.Exp2(-1)+15*math.Exp2(-(14*day-1800)/(14*day))+15)
	for i := range 5 {
		s.Count(p, 0, after(14*day+3600*float64(i+1)), 0)
	}
	near(t, "capped", s.Signals[0].Value, 45)
}

func TestCount_negativeCapHoldsBelow(t *testing.T) {
	t.Parallel()
	p := book(playbook.Signal{ID: "careers", Class: playbook.Negative, Points: -20, Cap: 30})
	s := NewState(p)
	s.Count(p, 0, after(0), 0)
	s.Count(p, 0, after(1), 0)
	near(t, "value", s.Signals[0].Value, -30)
	near(t, "intent is held to zero", s.Intent(p, after(2)).Score, 0)
}

func TestIntent_capsClassesAndThirdParty(t *testing.T) {
	t.Parallel()
	p := book(
		playbook.Signal{ID: "ebook", Class: playbook.Interest, Points: 15},
		playbook.Signal{ID: "webinar", Class: playbook.Interest, Points: 12},
		playbook.Signal{ID: "surge", Class: playbook.Evaluation, ThirdParty: true, Points: 40},
		playbook.Signal{ID: "pricing", Class: playbook.Evaluation, Points: 9},
	)
	p.Intent.Caps[playbook.Interest], p.Intent.ThirdPartyCap = 20, 15
	s := NewState(p)
	for i := range 3 {
		s.Count(p, i, after(0), 0)
	}
	in := s.Intent(p, after(1))
	near(t, "interest", in.Classes[playbook.Interest], 20)
	near(t, "third party", in.ThirdParty, 15)
	near(t, "evaluation without third party", in.Classes[playbook.Evaluation], 0)
	near(t, "total", in.Score, 35)
	if in.Trusted {
		t.Error("interest and third party must not make a lead trusted")
	}
	s.Count(p, 3, after(2), 0)
	if in := s.Intent(p, after(2+30*day)); in.Trusted {
		t.Error("the window of trust is open at its old end")
	}
	if in := s.Intent(p, after(2+30*day-0.000001)); !in.Trusted {
		t.Error("a microsecond before its end the window of trust still holds")
	}
}

func TestCountIn_windowIsOpenAtItsOldEnd(t *testing.T) {
	t.Parallel()
	p := book(playbook.Signal{ID: "pricing", Class: playbook.Evaluation, Points: 1})
	s := NewState(p)
	for _, at := range []float64{0, 100, 200} {
		s.Count(p, 0, after(at), 200)
	}
	if got := s.CountIn(0, after(200), 200); got != 2 {
		t.Errorf("count in (0, 200] = %d, want 2", got)
	}
	for range 2 * condition.MaxCount {
		s.Count(p, 0, after(200), 200)
	}
	if got := s.CountIn(0, after(200), 200); got != condition.MaxCount {
		t.Errorf("a count saturates at %d, got %d", condition.MaxCount, got)
	}
}

func TestRole(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"": "", "Head of Marketing": RoleDecisionMaker, "CFO": RoleFinance, "VP Engineering": RoleTechnical,
		"Sales Manager": RoleManager, "Account Executive": RoleUser, "Co-Founder & CEO": RoleDecisionMaker, "IT Director": RoleTechnical,
	} {
		if got := Role(title); got != want {
			t.Errorf("Role(%q) = %q, want %q", title, got, want)
		}
	}
}

// naive recomputes a signal's worth from the list of all occurrences, as the playbook page words it.
func naive(def playbook.Signal, times []lead.Instant, now lead.Instant) float64 {
	v, t, u := 0.0, lead.Instant(0), lead.Instant(0)
	counted := false
	factor := func(dt float64) float64 {
		if def.HalfLife == 0 {
			return 1
		}
		return math.Pow(2, -dt/def.HalfLife)
	}
	for _, tau := range times {
		if counted && float64(tau-u)/1e6 < def.OncePer {
			continue
		}
		if counted {
			v *= factor(float64(tau-t) / 1e6)
		}
		v += def.Points
		t, u, counted = tau, tau, true
		if def.Cap > 0 && def.Points > 0 {
			v = math.Min(v, def.Cap)
		}
		if def.Cap > 0 && def.Points < 0 {
			v = math.Max(v, -def.Cap)
		}
	}
	if !counted {
		return 0
	}
	return v * factor(float64(now-t)/1e6)
}

func drawSignal(t *rapid.T, id string) playbook.Signal {
	def := playbook.Signal{
		ID: id, Class: playbook.Class(rapid.IntRange(0, playbook.NumClasses-1).Draw(t, "class")),
		ThirdParty: rapid.IntRange(0, 4).Draw(t, "origin") == 0,
		Points:     float64(rapid.IntRange(1, 60).Draw(t, "points")),
		HalfLife:   float64(rapid.SampledFrom([]int{0, 3600, 14 * 86400}).Draw(t, "half-life")),
		OncePer:    float64(rapid.SampledFrom([]int{0, 1800, 7 * 86400}).Draw(t, "once_per")),
		Cap:        float64(rapid.SampledFrom([]int{0, 10, 45}).Draw(t, "cap")),
	}
	if def.Class == playbook.Negative {
		def.Points = -def.Points
	}
	return def
}

func drawTimes(t *rapid.T) []lead.Instant {
	offsets := rapid.SliceOfN(rapid.IntRange(0, 60*86400), 0, 30).Draw(t, "times")
	slices.Sort(offsets)
	times := make([]lead.Instant, len(offsets))
	for i, o := range offsets {
		times[i] = after(float64(o))
	}
	return times
}

func TestWorth_agreesWithTheDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := book(drawSignal(t, "s"))
		times := drawTimes(t)
		s := NewState(p)
		for _, at := range times {
			s.Count(p, 0, at, 0)
		}
		now := after(60*day + float64(rapid.IntRange(0, 1e7).Draw(t, "later")))
		if got, want := s.Worth(p, 0, now), naive(p.Signals[0], times, now); math.Abs(got-want) > 1e-9 {
			t.Fatalf("worth = %v, want %v", got, want)
		}
	})
}

func TestBounds_holdEveryInstantBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := book(drawSignal(t, "a"), drawSignal(t, "b"), drawSignal(t, "c"))
		p.Intent.Caps[playbook.Interest] = 20
		p.Intent.ThirdPartyCap = 15
		s := NewState(p)
		for i := range p.Signals {
			for _, at := range drawTimes(t) {
				s.Count(p, i, at, 0)
			}
		}
		from := after(60 * day)
		span := rapid.Int64Range(1, int64(400*day*1e6)).Draw(t, "span")
		at := from + lead.Instant(rapid.Int64Range(0, span).Draw(t, "at"))
		least, most := s.Bounds(p, from, from+lead.Instant(span))
		if got := s.Intent(p, at).Score; got < least-1e-9 || got > most+1e-9 {
			t.Fatalf("intent %v is outside [%v, %v]", got, least, most)
		}
	})
}

func TestMomentum_steadyStreamIsSteadyAndABurstWarms(t *testing.T) {
	t.Parallel()
	p := book(playbook.Signal{ID: "visit", Class: playbook.Evaluation, Points: 5})
	s := NewState(p)
	if got := s.Momentum(p, after(0)); got != Steady {
		t.Errorf("momentum of nothing = %s", got)
	}
	for d := range 200 {
		s.Count(p, 0, after(float64(d)*day), 0)
	}
	if got := s.Momentum(p, after(199.5*day)); got != Steady {
		t.Errorf("momentum of a daily visitor = %s, want steady", got)
	}
	if got := s.Momentum(p, after(215*day)); got != Cooling {
		t.Errorf("momentum two weeks after the last visit = %s, want cooling", got)
	}
	for i := range 30 {
		s.Count(p, 0, after(215*day+float64(i)*3600), 0)
	}
	if got := s.Momentum(p, after(217*day)); got != Warming {
		t.Errorf("momentum in a burst = %s, want warming", got)
	}
}

func TestSerious_needsOneBuyingOrTwoDistinctSignals(t *testing.T) {
	t.Parallel()
	p := book(
		playbook.Signal{ID: "ebook", Class: playbook.Interest, Points: 5},
		playbook.Signal{ID: "pricing", Class: playbook.Evaluation, Points: 5},
		playbook.Signal{ID: "compare", Class: playbook.Evaluation, Points: 5},
		playbook.Signal{ID: "demo", Class: playbook.Buying, Points: 5},
		playbook.Signal{ID: "surge", Class: playbook.Buying, ThirdParty: true, Points: 5},
	)
	check := func(want bool, signals ...int) {
		t.Helper()
		s := NewState(p)
		for i, sig := range signals {
			s.Count(p, sig, after(float64(i)), 0)
		}
		if got := s.Serious(p, after(10)); got != want {
			t.Errorf("serious after %v = %v", signals, got)
		}
		if s.Serious(p, after(15*day)) {
			t.Errorf("serious after %v must end with its window", signals)
		}
	}
	check(false, 0, 0, 0)
	check(false, 1, 1, 1)
	check(true, 1, 2)
	check(true, 3)
	check(false, 4, 0)
}

func TestAccount_weighsTheMostActiveAndRewardsRoles(t *testing.T) {
	t.Parallel()
	p := book()
	p.Account = playbook.Account{Weights: []float64{1, 0.5, 0.25}, TwoRoles: 10, ThreeRoles: 20}
	g := Account(p, []Member{{Person: 1, Intent: 10, Role: "user"}, {Person: 2, Intent: 40, Role: "decision_maker"}, {Person: 3, Intent: 20, Role: "user"}, {Person: 4, Intent: 8}})
	near(t, "score", g.Score, 40+0.5*20+0.25*10+10)
	if g.Members[0].Person != 2 {
		t.Errorf("most active = %v, want person 2", g.Members[0].Person)
	}
	near(t, "nobody", Account(p, nil).Score, 0)
}
