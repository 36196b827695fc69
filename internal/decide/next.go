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
	from, end := now, now+horizon
	for from < end {
		to := min(end, c.windowEnd(p, from))
		if cross := crossing(p, c, from, to); cross != 0 {
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

// Still says that nothing can change in (from, to] if nothing happens: no window ends and intent stays in
// its band. It may say false although nothing changes; then [Next] finds out.
func Still(p *playbook.Playbook, c *Case, from, to lead.Instant) bool {
	if c.windowEnd(p, from) <= to {
		return false
	}
	least, most := c.State.Bounds(p, from, to)
	return band(p, least) == band(p, most)
}

// band counts the thresholds that an intent reaches: only when the number changes can an outcome.
func band(p *playbook.Playbook, intent float64) int {
	n := 0
	if intent >= p.Decide.Review {
		n++
	}
	if intent >= p.Decide.Engage {
		n++
	}
	for i := range p.Decide.MQL {
		if intent >= p.Decide.MQL[i].Intent {
			n++
		}
	}
	return n
}

// crossing is the first instant in (from, to] at which intent stands in another band than at from; 0 for
// none.
func crossing(p *playbook.Playbook, c *Case, from, to lead.Instant) lead.Instant {
	return firstOutside(p, c, band(p, c.State.Intent(p, from).Score), from, to)
}

func firstOutside(p *playbook.Playbook, c *Case, start int, from, to lead.Instant) lead.Instant {
	least, most := c.State.Bounds(p, from, to)
	if band(p, least) == start && band(p, most) == start {
		return 0
	}
	if to-from <= 1 {
		if band(p, c.State.Intent(p, to).Score) != start {
			return to
		}
		return 0
	}
	middle := from + (to-from)/2
	if at := firstOutside(p, c, start, from, middle); at != 0 {
		return at
	}
	return firstOutside(p, c, start, middle, to)
}
