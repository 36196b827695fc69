package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cusp/internal/lead"
)

// Code says what happened in a step, for machines.
type Code string

// The codes of the steps before a pool.
const (
	AnsweredBefore     Code = "answered_before"     // this handoff has its answer; it stays
	NoOwner            Code = "no_owner"            // nobody owns the lead yet
	OwnerKeeps         Code = "owner_keeps"         // decisive: the owner gets it
	OwnerPassed        Code = "owner_passed"        // the owner cannot take it
	NoAccountOwner     Code = "no_account_owner"    // nobody owns the company
	AccountOwnerKeeps  Code = "account_owner_keeps" // decisive: the company's owner gets it
	AccountOwnerPassed Code = "account_owner_passed"
	RuleSkipped        Code = "rule_skipped"
	RuleMatched        Code = "rule_matched"
	RuleRep            Code = "rule_rep"        // decisive: the rule names the rep
	RuleRepUnable      Code = "rule_rep_unable" // the rule names a rep who cannot take it
	NoRule             Code = "no_rule"         // no rule matched: the fallback team is asked
)

// The codes of the steps in and after a pool.
const (
	TeamAsked    Code = "team_asked"
	RepInactive  Code = "rep_inactive"
	RepRefused   Code = "rep_refused"  // had this lead before
	RepLanguage  Code = "rep_language" // does not speak the lead's language
	RepTerritory Code = "rep_territory"
	RepIndustry  Code = "rep_industry"
	RepTier      Code = "rep_tier"
	RepWeight    Code = "rep_weight" // a weight below 1: takes no part
	RepAbsent    Code = "rep_absent"
	RepFull      Code = "rep_full"
	RepClosed    Code = "rep_closed"
	RepLater     Code = "rep_later" // opens later than another who is closed too
	Levelled     Code = "levelled"  // a standing was more than one lead apart
	RepOwed      Code = "rep_owed"  // decisive: the pool owes the rep a lead
	RepTurn      Code = "rep_turn"  // decisive: it is the rep's turn
	Opens        Code = "opens"     // the rep begins later, at the opening

	NobodyFits     Code = "nobody_fits" // no one on the team takes such leads
	TeamOff        Code = "team_off"
	TeamFull       Code = "team_full"
	TooLate        Code = "too_late"        // the next opening is farther away than a lead may wait
	QueueOpening   Code = "queue_opening"   // decisive: waits for the next opening
	QueueRoom      Code = "queue_room"      // decisive: waits until somebody has room
	ToOverflow     Code = "to_overflow"     // the overflow team is asked
	ToFallback     Code = "to_fallback"     // the fallback team is asked
	ManagerGets    Code = "manager"         // decisive
	ManagerPassed  Code = "manager_passed"  // the team's manager has left
	MarketingKeeps Code = "marketing_keeps" // decisive: the book names no one else
)

// The codes of [Pool.Credit].
const (
	CreditGiven    Code = "credit_given"
	CreditRepeated Code = "credit_repeated"
	CreditFull     Code = "credit_full"
)

// Hop is one step of an answer.
type Hop struct {
	Code    Code
	Subject string // id of the rep, rule or team that the step is about; may be empty
	Text    string // one sentence for people
}

func hop(c Code, subject, format string, args ...any) Hop {
	return Hop{c, subject, fmt.Sprintf(format, args...)}
}

// Decisive reports whether the step ended the search.
func (h Hop) Decisive() bool {
	return slices.Contains([]Code{
		AnsweredBefore, OwnerKeeps, AccountOwnerKeeps, RuleRep, RepOwed, RepTurn, QueueOpening, QueueRoom, ManagerGets, MarketingKeeps,
	}, h.Code)
}

func (r Rep) title() string {
	if r.Name != "" {
		return r.Name
	}
	return string(r.ID)
}

func (t *Team) title() string {
	if t.Name != "" {
		return t.Name
	}
	return string(t.ID)
}

func clock(at lead.Instant) string { return at.Time().Format("Mon 2006-01-02 15:04 UTC") }

func leads(n int) string {
	if n == 1 {
		return "one lead"
	}
	return strconv.Itoa(n) + " leads"
}

// known reports whether an opening is a time.
func known(at lead.Instant) bool { return at > 0 && at != lead.Never }

// signed is how far a standing is from the fair share.
func signed(ahead float64) string {
	text := strconv.FormatFloat(max(ahead, -ahead), 'f', 2, 64)
	switch {
	case text == "0.00":
		return "level"
	case ahead > 0:
		return text + " ahead"
	}
	return text + " behind"
}

// maxNamed bounds the others that a sentence about a turn names.
const maxNamed = 3

// turnText explains why the first in order goes first.
func (w *walk) turnText(order []Turn) string {
	first := order[0]
	if len(order) == 1 {
		return w.name(first.Rep) + " is the only one who can take it."
	}
	var others []string
	for _, t := range order[1:min(len(order), maxNamed+1)] {
		others = append(others, w.turn(t))
	}
	if more := len(order) - 1 - maxNamed; more > 0 {
		others = append(others, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("It is the turn of %s; then %s.", w.turn(first), strings.Join(others, ", "))
}

func (w *walk) turn(t Turn) string {
	return fmt.Sprintf("%s (weight %d, %s, due %.3f)", w.name(t.Rep), t.Weight, signed(t.Ahead), t.Due)
}

// name is how people call a rep.
func (w *walk) name(r RepID) string {
	if rep, ok := w.reps[r]; ok {
		return rep.title()
	}
	return string(r)
}
