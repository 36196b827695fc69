// Package route decides who gets a lead: as a pure fold per pool, without a clock, randomness or I/O.
//
// [Assign] asks in a fixed order: the lead's owner, the owner of its account, the first rule that
// matches, the pool of that rule's team, the teams behind it, and at last a manager. There is always an
// answer; each step on the way is a [Hop] with a code and a sentence. Inside a team a [Pool] keeps the
// turns: a smooth weighted round robin in which nobody who can take a lead is ever more than one lead
// ahead of anybody else who can.
//
// In go the book of rules and teams, the reps as they are at this moment, the pools and the lead; out
// come the pools after it, the assignment and the hops. Nothing that is passed in is changed. The caller
// fills in availability (calendars are not this package's business), keeps the pool that changed in the
// transaction that opens the handoff, and is the only one who counts open handoffs.
//
// Start reading at [Assign], then [Pool].
package route

import (
	"math"
	"time"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/lead"
)

// RepID names a person who can be given leads.
type RepID string

// TeamID names a team; each team has one [Pool].
type TeamID string

// HandoffID names one handoff of one lead. A second attempt after a rejection is a new handoff.
type HandoffID int64

// Unlimited is the capacity of a rep who is never full.
const Unlimited = math.MaxInt32

// MaxWeight is the largest weight; larger ones count as this one.
const MaxWeight = 1000

// Rep is a person who can be given leads, as things stand at the moment of asking.
type Rep struct {
	ID       RepID
	Name     string // shown in explanations; the id when empty
	Active   bool   // false: left, or switched off
	Weight   int    // share of the leads against the team mates', 1 to MaxWeight; nothing below
	Capacity int    // most open handoffs; Unlimited for no limit
	Open     int    // open handoffs at this moment

	// What the rep takes. An empty list means everything; what is not known of a lead excludes nobody.
	Languages   []string // tags such as "de" or "pt-BR"; without a region it takes all regions
	Territories []string // country codes, or names from [Book.Regions]
	Industries  []string
	Tiers       []string // size tiers

	Absent   bool         // on leave at this moment
	OpenNow  bool         // inside working hours at this moment, and not absent
	NextOpen lead.Instant // when not OpenNow: the next opening after leave and holidays; 0 or lead.Never: none known
}

// Team is a group of reps who share a pool.
type Team struct {
	ID       TeamID
	Name     string // shown in explanations; the id when empty
	Members  []RepID
	Fallback bool   // takes whatever no other team can; the first such team counts
	Overflow TeamID // asked when the policy says [Overflow]; may be empty
	Manager  RepID  // gets what the policy sends there; may be empty
	Inbound  Policy // for raised hands
	Nurture  Policy // for every other lead
}

// Policy says what happens when nobody of a team is both open and free.
type Policy struct {
	// Wait lets a rep who is closed have a turn when nobody is open: the lead waits for the opening.
	// Only those take part whose opening is at most Grace after the earliest one.
	Wait  bool
	Grace time.Duration
	// WhenOff is the outcome when those who could take the lead are closed or absent, WhenFull when
	// all of them have their hands full.
	WhenOff, WhenFull Resort
	// MaxWait is how long a lead may wait for an opening, by Wait or in a queue; 0 for any time.
	MaxWait time.Duration
}

// Resort is what a team does with a lead that nobody can take at the moment.
type Resort uint8

// The resorts.
const (
	Queue    Resort = iota // the team owns the lead and is asked again at the next opening
	Overflow               // the overflow team is asked, else the fallback team
	Manager                // the team's manager gets it
)

// Rule sends leads to a team or a rep. All that is stated must hold; a rule that states nothing matches
// every lead.
type Rule struct {
	ID            string
	Track         decide.Track         // empty: both
	Territories   []string             // countries or regions; empty: everywhere. An unknown country does not match.
	MinEngagement float64              // least intent score, 0 to 100
	When          *condition.Condition // nil: always
	Rep           RepID                // asked first when set
	Team          TeamID               // asked when Rep is empty or cannot take the lead
}

// Book is how an organisation routes: rules in their order, teams, regions and the last resort.
type Book struct {
	Rules   []Rule
	Teams   []Team
	Regions map[string][]string // region name to country codes
	Manager RepID               // gets what no team can take; may be empty
}

// Reps are the people by id, as things stand at the moment of asking.
type Reps map[RepID]Rep

// Pools are the states of the round robins by team. A team without an entry has not begun.
type Pools map[TeamID]Pool

// Lead is what routing may know of a lead. Unknown text fields are empty.
type Lead struct {
	Handoff      HandoffID        // 0: not remembered, so that a repeated question is a second assignment
	Facts        *condition.Facts // what conditions read; nil: nothing is known
	Owner        RepID            // who owns the lead already
	AccountOwner RepID            // who owns the lead's company
	Track        decide.Track
	Language     string  // tag such as "de-AT"
	Country      string  // ISO 3166-1 alpha-2
	Industry     string  // compared with what reps take, ignoring case
	Tier         string  // size tier, likewise
	Engagement   float64 // intent score, 0 to 100
	Refused      []RepID // must not get it again: rejected it, or let its clock run out
	// Before is the answer that the caller has on record for this handoff; it is repeated. Answers
	// that came from a pool are remembered there too, for the last [Memory] assignments.
	Before *Assignment
}

// Outcome is the kind of owner that a lead gets.
type Outcome uint8

// The outcomes.
const (
	ToRep       Outcome = iota + 1 // a rep, by ownership, by rule or by turn
	ToQueue                        // a team, until somebody opens or has room
	ToManager                      // a manager, because no rep can take it
	ToMarketing                    // stays with marketing: the book names no one else
)

// String is the outcome's name on the wire.
func (o Outcome) String() string {
	switch o {
	case ToRep:
		return "rep"
	case ToQueue:
		return "queue"
	case ToManager:
		return "manager"
	case ToMarketing:
		return "marketing"
	}
	return ""
}

// Assignment is the answer: exactly one owner.
type Assignment struct {
	Outcome Outcome
	Rep     RepID  // of ToRep and ToManager
	Team    TeamID // whose pool or queue it was; empty when ownership or a rule named the rep
	Rule    string // id of the rule that matched; empty when none was asked or none matched
	// From is when the owner can begin: now for whoever is open. For ToQueue it is the time to ask
	// again; lead.Never means as soon as one of the team has room.
	From     lead.Instant
	Repeated bool   // the handoff had its answer before; no pool changed
	Turn     bool   // the pool of Team changed and must be kept
	Order    []Turn // the reps who could take it, in the order of their turns before this one
}

// Turn is one place in the order of a pool.
type Turn struct {
	Rep    RepID
	Weight int
	Ahead  float64 // leads ahead of the fair share; negative when behind
	Due    float64 // (Ahead + ½) / Weight: the smallest is next
	Owed   int     // leads that were given back and are still to be made good
}
