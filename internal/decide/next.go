package decide

import (
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// horizon is how far ahead [Next] looks, in microseconds: five years. Beyond it every decaying signal of
// a sensible playbook is worth nothing.
const horizon = lead.Instant(5 * 365 * 24 * 3600 * 1e6)

// Next is the first instant after now at which the outcome differs from the one now if nothing happens,
// and that outcome; ok is false when time alone changes nothing within five years.
//
// The outcome changes when intent crosses a threshold or when a window ends. Window ends are known; a
// crossing is found by halving intervals, using that positive parts only fall and negative parts only
// rise, and is exact to the microsecond.
func Next(p *playbook.Playbook, c *Case, now lead.Instant) (at lead.Instant, next Outcome, ok bool) {
	current := Choose(p, c, now)
	lines := thresholds(p)
	from, end := now, now+horizon
	for from < end {
		to := min(end, c.windowEnd(p, from))
		if cross := crossing(p, c, lines, from, to); cross != 0 {
			to = cross
		}
		if out := Choose(p, c, to); out != current {
			return to, out, true
		}
		from = to
	}
	return 0, current, false
}

// windowEnd is the first instant after now at which a window of the case ends; Never when all have.
func (c *Case) windowEnd(p *playbook.Playbook, now lead.Instant) lead.Instant {
	within := lead.Instant(p.Intent.FirstPartyWithin * 1e6)
	end := lead.Never
	consider := func(start, length lead.Instant) {
		if start != 0 && start+length > now && start+length < end {
			end = start + length
		}
	}
	consider(c.State.LastFirstParty(p), within)
	consider(c.State.LastInbound(p), within)
	consider(c.RejectedAt, lead.Instant(p.Decide.Cooldown*1e6))
	return end
}

// thresholds are the intents at which an outcome may change.
func thresholds(p *playbook.Playbook) []float64 {
	lines := []float64{p.Decide.Review, p.Decide.Engage}
	for _, l := range p.Decide.MQL {
		lines = append(lines, l.Intent)
	}
	return lines
}

// band counts the thresholds that an intent reaches.
func band(lines []float64, intent float64) int {
	n := 0
	for _, line := range lines {
		if intent >= line {
			n++
		}
	}
	return n
}

// crossing is the first instant in (from, to] at which intent stands in another band than at from; 0 for
// none.
func crossing(p *playbook.Playbook, c *Case, lines []float64, from, to lead.Instant) lead.Instant {
	start := band(lines, c.State.Intent(p, from).Score)
	return firstOutside(p, c, lines, start, from, to)
}

func firstOutside(p *playbook.Playbook, c *Case, lines []float64, start int, from, to lead.Instant) lead.Instant {
	least, most := c.State.Bounds(p, from, to)
	if band(lines, least) == start && band(lines, most) == start {
		return 0
	}
	if to-from <= 1 {
		if band(lines, c.State.Intent(p, to).Score) != start {
			return to
		}
		return 0
	}
	middle := from + (to-from)/2
	if at := firstOutside(p, c, lines, start, from, middle); at != 0 {
		return at
	}
	return firstOutside(p, c, lines, start, middle, to)
}
