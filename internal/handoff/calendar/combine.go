package calendar

import (
	"slices"

	"cusp/internal/lead"
)

// always is open throughout.
type always struct{}

func (always) next(at, _ lead.Instant) (Span, bool) { return Span{at, last}, true }

// without is a source with spans taken out.
type without struct {
	src  source
	away []Span // in order, with a gap between any two
}

// Without is the calendar minus absences. Empty spans are ignored; overlapping ones count once.
func (c Calendar) Without(absences ...Span) Calendar {
	src, away := c.src, slices.Clone(absences)
	if w, ok := src.(*without); ok {
		src, away = w.src, append(away, w.away...)
	}
	away = slices.DeleteFunc(away, func(s Span) bool { return s.From >= s.To })
	if src == nil || len(away) == 0 {
		return c
	}
	return Calendar{c.id, &without{src, joined(away)}}
}

// joined sorts spans and joins those that touch or overlap.
func joined(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (w *without) next(at, limit lead.Instant) (Span, bool) {
	for at < limit {
		p, ok := w.src.next(at, limit)
		if !ok {
			return Span{}, false
		}
		i := w.after(p.From)
		if i == len(w.away) {
			return p, true
		}
		if a := w.away[i]; a.From > p.From {
			p.To = min(p.To, a.From)
			return p, true
		}
		at = w.away[i].To // over the whole absence in one step
	}
	return Span{}, false
}

// after is the index of the first absence that ends after at.
func (w *without) after(at lead.Instant) int {
	lo, hi := 0, len(w.away)
	for lo < hi {
		if mid := (lo + hi) / 2; w.away[mid].To > at {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// union is open when one of its parts is.
type union struct{ parts []source }

// Union is open whenever one of the calendars is: a team is there when anyone is. Of no calendars it never
// opens.
func Union(calendars ...Calendar) Calendar {
	parts := sources(calendars)
	switch len(parts) {
	case 0:
		return Calendar{}
	case 1:
		return Calendar{src: parts[0]}
	}
	return Calendar{src: &union{parts}}
}

// sources are the different ones among those that can open.
func sources(calendars []Calendar) []source {
	var all []source
	for _, c := range calendars {
		if c.src != nil && !slices.Contains(all, c.src) {
			all = append(all, c.src)
		}
	}
	return all
}

func (u *union) next(at, limit lead.Instant) (Span, bool) {
	best, found := Span{}, false
	for _, s := range u.parts {
		p, ok := s.next(at, limit)
		switch {
		case !ok:
		case !found || p.From < best.From:
			best, found = p, true
			limit = p.From + 1 // later pieces are of no use
		case p.From == best.From:
			best.To = max(best.To, p.To)
		}
	}
	return best, found
}

// intersect is open when all of its parts are.
type intersect struct{ parts []source }

// Intersect is open whenever all calendars are: the rep and the prospect are both at work. Of no calendars it
// never opens, because nobody is there.
func Intersect(calendars ...Calendar) Calendar {
	parts := sources(calendars)
	switch {
	case len(parts) == 0 || slices.ContainsFunc(calendars, func(c Calendar) bool { return c.src == nil }):
		return Calendar{}
	case len(parts) == 1:
		return Calendar{src: parts[0]}
	}
	return Calendar{src: &intersect{parts}}
}

func (n *intersect) next(at, limit lead.Instant) (Span, bool) {
	for at < limit {
		all := Span{at, last}
		for _, s := range n.parts {
			p, ok := s.next(all.From, limit)
			if !ok {
				return Span{}, false
			}
			if p.From > at {
				all = Span{p.From, last} // nothing is open before: begin again from there
				break
			}
			all.To = min(all.To, p.To)
		}
		if all.From == at {
			return all, true
		}
		at = all.From
	}
	return Span{}, false
}
