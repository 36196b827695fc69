package queue_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/lead"
	"cusp/internal/queue"
)

func TestDiagramIsTheTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/states/job.md")
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, m := range regexp.MustCompile(`(?m)^ {4}(\w+ --> \w+: \w+)$`).FindAllStringSubmatch(string(page), -1) {
		drawn = append(drawn, m[1])
	}
	coded := queue.Arrows()
	slices.Sort(drawn)
	slices.Sort(coded)
	if diff := cmp.Diff(coded, drawn); diff != "" {
		t.Errorf("docs/states/job.md differs from the code (-code +page):\n%s", diff)
	}
	for _, arrow := range coded {
		_, action, _ := strings.Cut(arrow, ": ")
		if !strings.Contains(string(page), "\n| "+action+" | ") {
			t.Errorf("docs/states/job.md does not explain %s", action)
		}
	}
}

func TestPause_doublesWithinTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := queue.Policy{
			First:   time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "first")),
			Longest: time.Duration(rapid.Int64Range(int64(time.Hour), int64(1000*time.Hour)).Draw(t, "longest")),
		}
		id, failed := queue.ID(rapid.Int64Min(1).Draw(t, "id")), rapid.IntRange(1, 200).Draw(t, "failed")
		plain := p.Longest
		for n, d := 1, p.First; d < p.Longest; n, d = n+1, 2*d {
			if n == failed {
				plain = d
				break
			}
		}
		got := p.Pause(id, failed)
		if got < plain-plain/10 || got > plain+plain/10+1 {
			t.Fatalf("pause %v is not about %v", got, plain)
		}
		if got != p.Pause(id, failed) {
			t.Fatal("a pause is drawn")
		}
	})
}

func TestPause_spreadsJobsThatFailTogether(t *testing.T) {
	t.Parallel()
	const jobs, parts = 10_000, 10
	p := queue.Policy{First: time.Hour, Longest: time.Hour}
	var count [parts]int
	for id := range queue.ID(jobs) {
		off := p.Pause(id+1, 1) - 54*time.Minute
		count[min(parts-1, off*parts/(12*time.Minute))]++
	}
	for i, n := range count {
		if n < jobs/parts*8/10 || n > jobs/parts*12/10 {
			t.Errorf("part %d of the time has %d of %d jobs", i, n, jobs)
		}
	}
}

var errAny = errors.New("any")

func TestNext_endsWithThePolicy(t *testing.T) {
	t.Parallel()
	const first = lead.Instant(1_000_000_000)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		p     queue.Policy
		r     queue.Record
		after time.Duration
		cause error
		again bool
		least time.Duration // the pause is at least this
		exact lead.Instant
	}{
		"first failure":             {r: queue.Record{Failed: 1}, cause: errAny, again: true, least: 4 * time.Second},
		"permanent":                 {r: queue.Record{Failed: 1}, cause: fmt.Errorf("410: %w", queue.Permanent(errAny))},
		"asked for patience":        {r: queue.Record{Failed: 1}, cause: queue.After(errAny, time.Hour), again: true, least: time.Hour},
		"patience has an end":       {r: queue.Record{Failed: 1}, p: queue.Policy{MaxAge: 10 * day}, cause: queue.After(errAny, 999*time.Hour), again: true, exact: first.Add(day)},
		"impatience has no effect":  {r: queue.Record{Failed: 5}, cause: queue.After(errAny, time.Second), again: true, least: time.Minute},
		"the last attempt":          {r: queue.Record{Failed: 20}, after: 3*day - time.Minute, cause: errAny, again: true, exact: first.Add(3 * day)},
		"after three days":          {r: queue.Record{Failed: 20}, after: 3 * day, cause: errAny},
		"old by an outage of ours":  {r: queue.Record{Failed: 2}, after: 9 * day, cause: errAny, again: true, least: 9 * time.Second},
		"one attempt":               {r: queue.Record{Failed: 1}, p: queue.Policy{MaxAttempts: 1}, cause: errAny},
		"attempts, whatever age":    {r: queue.Record{Failed: 3}, p: queue.Policy{MaxAttempts: 4}, after: 99 * day, cause: errAny, again: true, least: time.Second},
		"attempts used up":          {r: queue.Record{Failed: 4}, p: queue.Policy{MaxAttempts: 4}, cause: errAny},
		"patience after the policy": {r: queue.Record{Failed: 4}, p: queue.Policy{MaxAttempts: 4}, cause: queue.After(errAny, time.Hour)},
	} {
		c.r.FirstAt, c.r.ID = first, 7
		now := first.Add(c.after)
		due, again := c.p.Next(c.r, now, c.cause)
		if again != c.again || again && due < now.Add(c.least) || c.exact != 0 && due != c.exact {
			t.Errorf("%s: due after %v, again %v", name, due.Sub(now), again)
		}
	}
}

// TestClock_keepsToElapsedTime lets a wall clock run, be slewed and jump. Steady time must stay with
// elapsed time up to the slew, and add up with the skew to the wall clock.
func TestClock_keepsToElapsedTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
		wall, elapsed := start, time.Duration(0)
		read := queue.Clock(func() time.Time { return wall }, func() time.Duration { return elapsed })
		var slewed, jumped time.Duration
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			pass := time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "pass"))
			slew := pass * time.Duration(rapid.Int64Range(-500, 500).Draw(t, "ppm")) / 1_000_000
			var jump time.Duration
			if rapid.Bool().Draw(t, "jumps") {
				jump = rapid.SampledFrom([]time.Duration{-time.Hour, 24 * time.Hour, -time.Second, time.Second, 10 * 8766 * time.Hour, time.Hour}).Draw(t, "jump")
			}
			elapsed += pass
			wall = wall.Add(pass + slew + jump)
			slewed += slew
			jumped += jump
			steady, skew := read()
			if got := (steady + skew).Sub(lead.At(wall)); got != 0 {
				t.Fatalf("steady time and skew miss the wall clock by %v", got)
			}
			// A slew within a jump counts as part of the jump: at most 15 ms each.
			if off := steady.Sub(lead.At(start).Add(elapsed + slewed)).Abs(); off > 40*16*time.Millisecond {
				t.Fatalf("steady time is off by %v", off)
			}
		}
	})
}

func TestClock_sleepIsNoJump(t *testing.T) {
	t.Parallel()
	boot := queue.BootClock()
	if boot == nil {
		boot = func() time.Duration { return 0 } // such systems have none
	}
	if a, b := boot(), boot(); b < a {
		t.Errorf("%v after %v", b, a)
	}
	now, since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour
	read := queue.Clock(func() time.Time { return now }, func() time.Duration { return since })
	now, since = now.Add(8*time.Hour), since+8*time.Hour
	if steady, skew := read(); skew != 0 || steady != lead.At(now) {
		t.Errorf("steady %s, skew %d", steady, skew)
	}
}
