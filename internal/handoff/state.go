package handoff

import (
	"slices"

	"cusp/internal/fault"
)

// State is where a handoff stands.
type State string

// The states. The first four are live: sales owns the lead.
const (
	Open         State = "open"      // with a rep or a team who has not answered
	Accepted     State = "accepted"  // a rep has taken it up
	Contacted    State = "contacted" // the prospect was reached, or a meeting was booked
	Qualified    State = "qualified" // sales qualified it: an SQL, and sales keeps it
	Rejected     State = "rejected"  // with one reason
	Recycled     State = "recycled"  // comes back on a date
	Disqualified State = "disqualified"
	Returned     State = "returned"  // by the clock, because nobody answered
	Withdrawn    State = "withdrawn" // the lead turned out to be none before anybody touched it
)

// Live says whether sales owns the lead while the handoff is in this state.
func (s State) Live() bool { return s == Open || s == Accepted || s == Contacted || s == Qualified }

// Pending says whether an answer is still owed.
func (s State) Pending() bool { return s == Open || s == Accepted || s == Contacted }

// Action is what happens to a handoff.
type Action string

// The actions. The first six are answers of sales.
const (
	Accept     Action = "accept"
	Contact    Action = "contact"
	Reject     Action = "reject"
	Recycle    Action = "recycle"
	Qualify    Action = "qualify"
	Disqualify Action = "disqualify"
	Assign     Action = "assign"   // to another owner: by a manager, the clock, or because the owner left
	Upgrade    Action = "upgrade"  // the lead raised a hand meanwhile: the clock of that track begins
	Return     Action = "return"   // the clock
	Withdraw   Action = "withdraw" // the fold
	Absorb     Action = "absorb"   // the person was merged with one who has a handoff that is further
)

// transition is one arrow of the diagram in docs/states/handoff.md.
type transition struct {
	from State
	do   Action
	to   State
}

// transitions are all arrows. There is no other way for a handoff to change its state.
func transitions() []transition {
	return []transition{
		{Open, Accept, Accepted},
		{Open, Contact, Contacted},
		{Open, Reject, Rejected},
		{Open, Recycle, Recycled},
		{Open, Qualify, Qualified},
		{Open, Disqualify, Disqualified},
		{Open, Assign, Open},
		{Open, Upgrade, Open},
		{Open, Return, Returned},
		{Open, Withdraw, Withdrawn},
		{Open, Absorb, Withdrawn},
		{Accepted, Contact, Contacted},
		{Accepted, Reject, Rejected},
		{Accepted, Recycle, Recycled},
		{Accepted, Qualify, Qualified},
		{Accepted, Disqualify, Disqualified},
		{Accepted, Assign, Open},
		{Accepted, Upgrade, Accepted},
		{Accepted, Return, Returned},
		{Accepted, Absorb, Withdrawn},
		{Contacted, Contact, Contacted},
		{Contacted, Reject, Rejected},
		{Contacted, Recycle, Recycled},
		{Contacted, Qualify, Qualified},
		{Contacted, Disqualify, Disqualified},
		{Contacted, Assign, Open},
		{Contacted, Upgrade, Contacted},
		{Contacted, Return, Returned},
		{Contacted, Absorb, Withdrawn},
		{Qualified, Recycle, Recycled},
		{Qualified, Disqualify, Disqualified},
		{Qualified, Assign, Qualified},
		{Qualified, Return, Returned},
		{Qualified, Absorb, Withdrawn},
	}
}

// after is the state that an action leads to.
func (s State) after(do Action) (State, bool) {
	i := slices.IndexFunc(transitions(), func(t transition) bool { return t.from == s && t.do == do })
	if i < 0 {
		return s, false
	}
	return transitions()[i].to, true
}

// move changes the state by an action. [fault.Conflict] says who was first when it is not possible.
func (h *Handoff) move(do Action) error {
	to, ok := h.State.after(do)
	if !ok {
		return h.conflict(do)
	}
	h.State = to
	return nil
}

func (h *Handoff) conflict(do Action) error {
	who := h.By
	if who == "" {
		who = string(h.Owner)
	}
	if who == "" {
		who = "the clock"
	}
	return fault.New(fault.Conflict, "Handoff %d is %s already, by %s: it cannot take %q.", h.ID, h.State, who, do).
		WithCode("handoff_state").WithHint("GET /api/v1/handoffs/%d shows how it stands", h.ID)
}
