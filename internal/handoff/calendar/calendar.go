package calendar

import (
	"iter"
	"time"

	"cusp/internal/lead"
)

// Horizon is how far a calendar looks for the next opening, counted from the last open moment. A calendar
// that does not open within it answers "never".
const Horizon = 5 * 366 * 24 * time.Hour

// The range within which calendars can be open: 1970-01-01 to 2200-01-01, UTC.
const (
	first    lead.Instant = 0
	last     lead.Instant = lastDay * 86_400_000_000
	lastDay               = 84_006
	lastYear              = 2199
)

// Span is the time from From until just before To.
type Span struct {
	From, To lead.Instant
}

// Length is the time from From to To.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// source is where openings come from. next finds the first piece of open time that begins at or after at,
// and before limit; it is never empty. The piece ends where the source knows no further at once, so the next
// one may touch it. Callers keep first <= at < limit <= last.
type source interface {
	next(at, limit lead.Instant) (Span, bool)
}

// Calendar is a set of openings on the time line. It is immutable; the zero Calendar never opens.
type Calendar struct {
	id  string
	src source
}

// Always is the calendar of people who never close: with it business time is clock time.
func Always() Calendar { return Calendar{id: "always", src: always{}} }

// ID is the id of the [Spec]; empty for combinations of several calendars.
func (c Calendar) ID() string { return c.id }

// piece is source.next with its conditions seen to.
func (c Calendar) piece(at, limit lead.Instant) (Span, bool) {
	at, limit = max(at, first), min(limit, last)
	if c.src == nil || at >= limit {
		return Span{}, false
	}
	return c.src.next(at, limit)
}

// Open says whether the calendar is open at an instant.
func (c Calendar) Open(at lead.Instant) bool {
	p, ok := c.piece(at, at+1)
	return ok && p.From == at
}

// NextOpen is the first instant from at on at which the calendar is open: at itself when it is open then.
// It is false when it does not open within [Horizon].
func (c Calendar) NextOpen(at lead.Instant) (lead.Instant, bool) {
	p, ok := c.piece(at, at.Add(Horizon))
	return p.From, ok
}

// NextClose is the end of the opening that holds at or, when it is closed then, of the one that follows. It
// is false when none follows within [Horizon], or when it stays open for longer than that.
func (c Calendar) NextClose(at lead.Instant) (lead.Instant, bool) {
	limit := at.Add(Horizon)
	p, ok := c.piece(at, limit)
	if !ok {
		return 0, false
	}
	whole, ok := c.grow(p, p.From.Add(Horizon))
	return whole.To, ok
}

// grow follows the pieces that touch p until the opening ends; false when it does not end before limit.
func (c Calendar) grow(p Span, limit lead.Instant) (Span, bool) {
	for p.To < limit {
		more, ok := c.piece(p.To, min(limit, p.To+1))
		if !ok || more.From != p.To {
			return p, p.To < last
		}
		p.To = more.To
	}
	return p, false
}

// Add is the deadline: the first instant at which d of business time has passed since at. It is at itself
// when d is zero, and false when d is negative or the calendar does not open for long enough: a closure of
// more than [Horizon] ends the search.
func (c Calendar) Add(at lead.Instant, d time.Duration) (lead.Instant, bool) {
	left := lead.Instant(d / time.Microsecond)
	if d < 0 || left == 0 {
		return at, d >= 0
	}
	for {
		p, ok := c.piece(at, at.Add(Horizon))
		if !ok {
			return 0, false
		}
		if n := p.To - p.From; n < left {
			left -= n
			at = p.To
			continue
		}
		return p.From + left, true
	}
}

// Between is the business time that passes from a to b. It is never negative: when b is not after a, as after
// a step back of a clock, nothing has passed.
func (c Calendar) Between(a, b lead.Instant) time.Duration {
	var sum lead.Instant
	for a < b {
		p, ok := c.piece(a, b)
		if !ok {
			break
		}
		sum += min(p.To, b) - p.From
		a = p.To
	}
	return time.Duration(sum) * time.Microsecond
}

// Spans are the openings between two instants in order, cut to that range, with a gap between any two.
func (c Calendar) Spans(from, to lead.Instant) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for at := from; at < to; {
			p, ok := c.piece(at, to)
			if !ok {
				return
			}
			whole, _ := c.grow(p, to)
			whole.To = min(whole.To, to)
			if !yield(whole) {
				return
			}
			at = whole.To
		}
	}
}
