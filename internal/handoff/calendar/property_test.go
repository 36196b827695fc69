package calendar_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cusp/internal/handoff/calendar"
	"cusp/internal/lead"
)

const day = 1440 * minute

// drawn is a random calendar about a random odd day, and that day.
func drawn(t *rapid.T) (calendar.Calendar, lead.Instant) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	odd := oddities[r.IntN(len(oddities))]
	middle, err := calendar.Moment(odd.zone, odd.date)
	if err != nil {
		t.Fatal(err)
	}
	compile := func(zone string) calendar.Calendar {
		c, problems := calendar.Compile(randomSpec(r, zone, middle.Time()))
		if problems != nil {
			t.Fatal(problems)
		}
		return c
	}
	c := compile(odd.zone)
	switch r.IntN(4) {
	case 0:
		c = c.Without(calendar.Span{From: middle - lead.Instant(r.Int64N(int64(day))), To: middle + lead.Instant(r.Int64N(int64(3*day)))})
	case 1:
		c = calendar.Union(c, compile("Asia/Kolkata"))
	case 2:
		c = calendar.Intersect(c, compile("America/St_Johns"))
	}
	return c, middle
}

func near(middle lead.Instant) *rapid.Generator[lead.Instant] {
	return rapid.Map(rapid.Int64Range(-5*int64(day), 5*int64(day)), func(d int64) lead.Instant { return middle + lead.Instant(d) })
}

func durations() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(0, int64(60*time.Hour/time.Microsecond)), func(d int64) time.Duration {
		return time.Duration(d) * time.Microsecond
	})
}

func TestDeadlineIsTheFirstInstantAtWhichTheTimeHasPassed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, middle := drawn(t)
		at, d := near(middle).Draw(t, "at"), durations().Draw(t, "d")
		due, ok := c.Add(at, d)
		if !ok {
			if next, opens := c.NextOpen(at); opens && c.Between(next, next.Add(calendar.Horizon)) > d {
				t.Fatalf("no deadline %v after %v, but it opens at %v", d, at, next)
			}
			return
		}
		if got := c.Between(at, due); got != d {
			t.Fatalf("%v passes until the deadline %v, not %v", got, due, d)
		}
		if d > 0 && c.Between(at, due-1) != d-time.Microsecond {
			t.Fatalf("%v passes a microsecond before the deadline %v of %v", c.Between(at, due-1), due, d)
		}
	})
}

func TestLaterNeverMeansDueEarlier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, middle := drawn(t)
		a, b := near(middle).Draw(t, "a"), near(middle).Draw(t, "b")
		d, e := durations().Draw(t, "d"), durations().Draw(t, "e")
		a, b, d, e = min(a, b), max(a, b), min(d, e), max(d, e)
		early, ok1 := c.Add(a, d)
		late, ok2 := c.Add(b, d)
		long, ok3 := c.Add(a, e)
		if ok1 && ok2 && late < early || ok1 && ok3 && long < early {
			t.Fatalf("%v after %v is %v, after %v %v; %v after the first %v", d, a, early, b, late, e, long)
		}
	})
}

func TestTimeAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, middle := drawn(t)
		at := []lead.Instant{near(middle).Draw(t, "a"), near(middle).Draw(t, "b"), near(middle).Draw(t, "c")}
		slices.Sort(at)
		if whole := c.Between(at[0], at[2]); whole != c.Between(at[0], at[1])+c.Between(at[1], at[2]) {
			t.Fatalf("%v does not add up over %v", whole, at)
		}
		if at[0] < at[2] && c.Between(at[2], at[0]) != 0 {
			t.Fatal("time passes backwards")
		}
		var sum time.Duration
		end := lead.Instant(-1)
		for s := range c.Spans(at[0], at[2]) {
			if s.From <= end || s.From >= s.To || s.From < at[0] || s.To > at[2] || !c.Open(s.From) || !c.Open(s.To-1) {
				t.Fatalf("opening %v after one that ended at %v, within %v", s, end, at)
			}
			if s.To < at[2] && c.Open(s.To) {
				t.Fatalf("open at the end of %v", s)
			}
			sum, end = sum+s.Length(), s.To
		}
		if sum != c.Between(at[0], at[2]) {
			t.Fatalf("openings of %v in %v of time", sum, c.Between(at[0], at[2]))
		}
	})
}

func TestTeamsAndPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, middle := drawn(t)
		b, _ := drawn(t)
		from, to := near(middle).Draw(t, "from"), near(middle).Draw(t, "to")
		from, to = min(from, to), max(from, to)
		anyone, both := calendar.Union(a, b), calendar.Intersect(a, b)
		if got, want := anyone.Between(from, to)+both.Between(from, to), a.Between(from, to)+b.Between(from, to); got != want {
			t.Fatalf("either and both come to %v, the two alone to %v", got, want)
		}
		if anyone.Open(from) != (a.Open(from) || b.Open(from)) || both.Open(from) != (a.Open(from) && b.Open(from)) {
			t.Fatal("open is not open")
		}
		away := calendar.Span{From: from, To: to}
		if got := a.Without(away); got.Between(from-day, to+day) != a.Between(from-day, to+day)-a.Between(from, to) || got.Open(from) && from < to {
			t.Fatalf("still there during %v", away)
		}
	})
}
