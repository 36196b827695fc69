package flow

import (
	"cusp/internal/canon"
	"cusp/internal/decide"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
	"cusp/internal/signal"
)

// Lead is what the fold knows of one person: the state that a fact turns into the next state. It is a
// pure function of a playbook, the person's events and the account's facts.
type Lead struct {
	Person  canon.Lazy
	Company canon.Lazy
	Score   score.State
	Fit     score.Fit
	Recent  signal.Ring // what quarantine remembers of the newest events

	Excluded int // index of the exclusion that matches; -1 for none
	Barred   int // index of the first one that matches by who the lead is alone; -1 for none
	Outcome  decide.Outcome
	Since    lead.Instant // when the present outcome began

	UserID  string // the last user id seen
	GroupID string // the last group id seen: the account, when there is one
	Known   bool   // has a user id or an e-mail address

	Answered lead.Instant // the last closed handoff
	Rejected lead.Instant // the last rejection by sales

	Events  int // facts folded, quarantined ones included
	First   lead.Instant
	Last    Position     // the fact folded last
	Checked lead.Instant // the outcome is established up to here
	Quiet   lead.Instant // time alone changes nothing before this; Checked when that is not known

	employer map[string]any // what company answers, as long as no trait changes
}

// Position is a place in fold order.
type Position struct {
	Time      lead.Instant
	MessageID string
	Source    lead.SourceID
}

// Before says whether an event comes after the position in fold order.
func (p Position) Before(e *lead.Event) bool {
	at := lead.Event{Time: p.Time, MessageID: p.MessageID, Source: p.Source}
	return at.Compare(e) < 0
}

// NewLead is a lead of which nothing is known yet.
func NewLead(p *playbook.Playbook) *Lead {
	return &Lead{Score: score.NewState(p), Excluded: -1, Barred: -1}
}

// Reset empties the lead for another person and keeps its memory.
func (l *Lead) Reset() {
	state, recent := l.Score, l.Recent
	state.Reset()
	recent.Reset()
	*l = Lead{Score: state, Recent: recent, Excluded: -1, Barred: -1}
}

// Stage is a lead's place in its lifecycle.
type Stage string

// The stages that events and scores alone lead to. Later ones are for people to give.
const (
	StageVisitor      Stage = "visitor"
	StageLead         Stage = "lead"
	StageMQL          Stage = "mql"
	StageDisqualified Stage = "disqualified"
)

// Stage derives the lifecycle stage from what is known and decided.
func (l *Lead) Stage() Stage { return stageOf(l.Outcome, l.Known) }

func stageOf(o decide.Outcome, known bool) Stage {
	switch {
	case o.Decision == decide.Disqualify:
		return StageDisqualified
	case o.Level > 0:
		return StageMQL
	case known:
		return StageLead
	}
	return StageVisitor
}

// decision is the case that the policy judges.
func (l *Lead) decision() decide.Case {
	return decide.Case{
		Excluded: l.Excluded, Fit: l.Fit, State: &l.Score,
		AnsweredAt: l.Answered, RejectedAt: l.Rejected,
	}
}

// Change is a move from one outcome to the next.
type Change struct {
	At       lead.Instant
	From, To decide.Outcome
	Fit      score.Fit
	Intent   float64
	Known    bool
}

// Stages are the lifecycle stages before and after the change.
func (c Change) Stages() (from, to Stage) { return stageOf(c.From, c.Known), stageOf(c.To, c.Known) }
