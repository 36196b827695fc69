package handoff

import (
	"encoding/json"
	"time"

	"cusp/internal/decide"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/score"
)

// ID names a handoff.
type ID int64

// Handoff is one try of sales at one lead.
type Handoff struct {
	ID       ID
	Person   lead.PersonID
	Account  lead.AccountID // 0 for none
	Round    int            // counts the handoffs of the person from 1
	State    State
	Track    decide.Track
	Decision decide.Decision
	Team     route.TeamID // whose pool or queue it came from; empty for none
	Owner    route.RepID  // e-mail of a user; empty while a team or marketing has it

	Turn   int          // counts assignments and restarts of the clock
	Step   Step         // what the running clock will do; empty for none
	StepAt lead.Instant // and when

	EventAt     lead.Instant // from when the decision holds
	OpenedAt    lead.Instant
	AssignedAt  lead.Instant // to the present owner; 0 while a team has it
	BeginAt     lead.Instant // when the owner can begin
	DueAt       lead.Instant // the promised first contact
	AcceptedAt  lead.Instant
	ContactedAt lead.Instant // the first real contact
	TouchedAt   lead.Instant // the last answer of any kind
	ClosedAt    lead.Instant
	PeakAt      lead.Instant // when intent was at its highest
	RecycleAt   lead.Instant

	Reason   string // one code, of a rejection, a recycling or a disqualification
	Barrier  Barrier
	Stage    string // of the lead when it was answered: mql, sal, sql
	Attempts int    // contact attempts
	Version  int    // of the playbook
	Late     bool   // some step of the clock came later than it should have
	Breach   Cause  // why the promise was broken; empty while it is not
	Business int64  // business time from assignment to first contact, microseconds; -1 while unknown

	Detail
}

// Detail is what is read with a handoff and never searched.
type Detail struct {
	Hops      []route.Hop     `json:"hops,omitempty"`    // how the present owner was found
	Given     route.HandoffID `json:"given,omitempty"`   // under which the pool remembers it; 0: not from a pool
	Began     lead.Instant    `json:"began,omitempty"`   // when the first owner could begin
	Refused   []route.RepID   `json:"refused,omitempty"` // had it before: rejected it, or let the clock run out
	Note      string          `json:"note,omitempty"`
	By        string          `json:"by,omitempty"` // who gave the last answer
	Facts     Facts           `json:"facts"`
	Framework map[string]any  `json:"framework,omitempty"` // of a qualified lead
	Pack      json.RawMessage `json:"pack,omitempty"`
}

// Facts is what routing knew of the lead: a handoff is assigned again from the same facts.
type Facts struct {
	Person  map[string]any `json:"person,omitempty"`
	Account map[string]any `json:"account,omitempty"`
	Intent  float64        `json:"intent"`
	Fit     *float64       `json:"fit,omitempty"` // absent while unknown
}

// SystemTime is how long the product took from the event to the first owner; ok is false while there is none.
func (h *Handoff) SystemTime() (d time.Duration, ok bool) {
	return h.AssignedAt.Sub(h.EventAt), h.AssignedAt > 0
}

// HumanTime is how long the owner took from the assignment to the first real contact, by the wall clock and
// in business time; ok is false while there was none.
func (h *Handoff) HumanTime() (wall, business time.Duration, ok bool) {
	if h.ContactedAt == 0 || h.AssignedAt == 0 {
		return 0, 0, false
	}
	return h.ContactedAt.Sub(h.AssignedAt), time.Duration(max(h.Business, 0)) * time.Microsecond, true
}

// Change is a lead whose outcome changed.
type Change struct {
	Person        lead.PersonID
	Account       lead.AccountID // 0 for none
	At            lead.Instant   // event time from which the new outcome holds
	From, To      decide.Outcome
	Fit           score.Fit
	Intent        float64
	PersonTraits  map[string]any
	AccountTraits map[string]any
	Peak          lead.Instant // when intent was at its highest; 0 for At
	Revised       bool         // a verdict says that earlier events were, or were not, a human's
}

// Cause is why a promise was broken.
type Cause string

// The causes of a breach.
const (
	CauseCapacity    Cause = "capacity"          // everybody who could have taken it had their hands full
	CauseClosed      Cause = "closed_hours"      // the owner was closed all the time
	CauseSystem      Cause = "system"            // the product was late itself
	CauseNobody      Cause = "nobody_accepted"   // there was time, and nobody took it up
	CauseUncontacted Cause = "accepted_no_reply" // taken up, and not contacted
)
