package lead

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestInstantRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := Instant(rapid.Int64().Draw(t, "i"))
		if back := At(i.Time()); back != i {
			t.Fatalf("%d came back as %d", i, back)
		}
	})
}

func TestAtDropsNanoseconds(t *testing.T) {
	t.Parallel()
	i := At(time.Date(2026, 5, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 7200)))
	if want := "2026-05-01T10:00:00.123456Z"; i.String() != want {
		t.Errorf("got %s, want %s", i, want)
	}
}

func TestAddNeverTurnsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := Instant(rapid.Int64().Draw(t, "i"))
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		got := i.Add(d)
		switch {
		case d >= 0 && got < i, d <= 0 && got > i:
			t.Fatalf("%d and %v make %d", i, d, got)
		case got != Never && got != math.MinInt64 && got-i != Instant(d.Microseconds()):
			t.Fatalf("%d and %v make %d, which is %d away", i, d, got, got-i)
		}
	})
}

func TestAddStopsAtTheEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from Instant
		d    time.Duration
		want Instant
	}{
		"forward":                {1_000_000, time.Second, 2_000_000},
		"back":                   {1_000_000, -2 * time.Second, -1_000_000},
		"below a microsecond":    {5, 999, 5},
		"never stays never":      {Never, time.Hour, Never},
		"just up to never":       {Never - 1, time.Microsecond, Never},
		"over the end":           {Never - 1, time.Hour, Never},
		"the longest duration":   {Never - 1, math.MaxInt64, Never},
		"before the beginning":   {math.MinInt64 + 1, -time.Hour, math.MinInt64},
		"the shortest duration":  {0, math.MinInt64, Instant(time.Duration(math.MinInt64) / time.Microsecond)},
		"and from the beginning": {math.MinInt64, math.MinInt64, math.MinInt64},
	} {
		if got := c.from.Add(c.d); got != c.want {
			t.Errorf("%s: %d and %v make %d, want %d", name, c.from, c.d, got, c.want)
		}
	}
}

func TestSubIsThatOfTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i, j := Instant(rapid.Int64().Draw(t, "i")), Instant(rapid.Int64().Draw(t, "j"))
		got, want := i.Sub(j), i.Time().Sub(j.Time())
		if got != want {
			t.Fatalf("from %d to %d it is %v, want %v", j, i, got, want)
		}
	})
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	a, b := Instant(1_500_000), Instant(4_000_000)
	if got := b.Sub(a); got != 2500*time.Millisecond {
		t.Errorf("Sub is %v", got)
	}
	if got := a.Seconds(b); got != -2.5 {
		t.Errorf("Seconds is %v", got)
	}
}
