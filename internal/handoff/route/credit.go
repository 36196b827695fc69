package route

import (
	"slices"

	"cusp/internal/fault"
)

// Reason is why a lead counts as not had.
type Reason uint8

// The reasons.
const (
	Rejected Reason = iota // the rep rejected it as not fit for sales
	Absence                // the rep turned out to be away
	NoShow                 // the prospect did not come to the meeting

	reasons = 3
)

// String is the reason's name on the wire.
func (r Reason) String() string {
	switch r {
	case Rejected:
		return "rejected"
	case Absence:
		return "absent"
	case NoShow:
		return "no_show"
	}
	return ""
}

// Credit gives a rep's turn back: the pool owes the rep a lead, and makes it good before the ordinary
// turns go on. Asked again for the same handoff it changes nothing, as far as the pool remembers; for
// handoffs that are older than its memory the caller must ask once. It fails with fault.NotFound for a
// rep who has had nothing from this pool, with fault.Conflict when another rep got the handoff, and with
// fault.Invalid for an unknown reason.
func (p Pool) Credit(h HandoffID, r RepID, why Reason) (Pool, Hop, error) {
	i, ok := p.search(r)
	if why >= reasons {
		return p, Hop{}, fault.New(fault.Invalid, "there is no such reason to give a lead back").WithHint("use rejected, absent or no_show")
	}
	if !ok || p.Reps[i].Had == 0 {
		return p, Hop{}, fault.New(fault.NotFound, "rep %s has had no lead from this pool", r)
	}
	given, known := p.Find(h)
	switch {
	case known && given.Rep != r:
		return p, Hop{}, fault.New(fault.Conflict, "this handoff was given to rep %s, not to %s", given.Rep, r)
	case known && given.Back:
		return p, hop(CreditRepeated, string(r), "The turn for this lead was given back to %s before.", r), nil
	}
	p = p.clone()
	p.remember(h, r)
	s := &p.Reps[i]
	s.Back[why]++
	if s.Owed >= MaxOwed {
		return p, hop(CreditFull, string(r), "%s is owed %d leads already; this one (%s) is not added.", r, s.Owed, why), nil
	}
	s.Owed++
	return p, hop(CreditGiven, string(r), "The lead did not count (%s): the pool owes %s %s.", why, r, leads(s.Owed)), nil
}

// remember marks a handoff as given back, also one that was forgotten before.
func (p *Pool) remember(h HandoffID, r RepID) {
	if h == 0 {
		return
	}
	i := slices.IndexFunc(p.Recent, func(g Given) bool { return g.Handoff == h })
	if i >= 0 {
		p.Recent[i].Back = true
		return
	}
	if len(p.Recent) == Memory {
		p.Recent = slices.Delete(p.Recent, 0, 1)
	}
	p.Recent = append(p.Recent, Given{Handoff: h, Rep: r, Back: true})
}
