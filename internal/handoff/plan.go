// Package handoff is the moment in which ownership passes from marketing to sales, and the way back.
//
// A decision opens a [Handoff]: it is routed to exactly one owner, given a clock on the owner's calendar,
// and announced with the reasons attached. The owner answers it (accept, contact, reject with one reason,
// recycle with a date, qualify, disqualify), or the clock does: reminder, warning, escalation,
// reassignment, return to marketing. Every answer is a fact in the fold. At every instant each live lead
// has one owner, one state, one next action with a date and one clock.
//
// [Plan] is what the playbook's handoff section says. Routing and business time are packages of their
// own (route, calendar); this package keeps the state and its rules.
package handoff

import (
	"time"

	"cusp/internal/decide"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
)

// Plan is the compiled handoff section of a playbook. The zero section gives the default plan: one team
// "sales" that is always open, the default clocks and the default reasons.
type Plan struct {
	Teams      []Team
	Calendars  map[string]calendar.Calendar
	Specs      map[string]calendar.Spec // the calendars as they are written
	Rules      []route.Rule
	Regions    map[string][]string
	Manager    string // e-mail of the user who gets what no team can take; may be empty
	SLA        map[decide.Track]SLA
	Reasons    []Reason
	Frameworks []string // bant, champ, gpctba
	Alerts     []Alert
	Quiet      Quiet
}

// Team is a team as the playbook names it. Who belongs to it is kept with the users.
type Team struct {
	ID       string
	Name     string
	Calendar string // id of its members' calendar unless they have their own; empty: always open
	Fallback bool
	Overflow string // team
	Manager  string // e-mail of a user
	Inbound  route.Policy
	Nurture  route.Policy
}

// SLA are the clocks of a track. Durations count on the owner's calendar when Business is set; a zero
// duration switches its step off. Steps are counted from the assignment.
type SLA struct {
	Business     bool
	FirstContact time.Duration // the promise: the first real contact
	Warn         time.Duration // warning to the owner, before FirstContact
	Escalate     time.Duration // to the manager, at or after FirstContact
	Reassign     time.Duration // to the next rep, at or after FirstContact
	Return       time.Duration // back to marketing when nobody answered
	Attempts     int           // contact attempts after which a lead may be recycled as not reached
}

// Barrier is why leads do not become deals, in three kinds.
type Barrier string

// The barriers.
const (
	QualificationGap Barrier = "qualification_gap"
	Timing           Barrier = "timing"
	Expectations     Barrier = "mismatched_expectations"
)

// Reason is one code that a rejection may carry.
type Reason struct {
	Code    string
	Label   string
	Barrier Barrier
	Recycle time.Duration // proposed return to sales' attention; 0: none
}

// Alert sends what happens to a destination.
type Alert struct {
	On          []string // assigned, warning, breach, escalated, reassigned, returned, answered
	Tracks      []decide.Track
	Destination string // id of a destination that is kept with the settings; "owner" and "manager" mean their e-mail
}

// Quiet are the hours in which alerts wait, in the recipient's zone; raised hands are never held back.
type Quiet struct {
	From, To int // minutes after midnight; equal: no quiet hours
}

// DefaultPlan is the plan of a playbook without a handoff section.
func DefaultPlan() *Plan {
	return &Plan{
		Teams:     []Team{{ID: "sales", Name: "Sales", Fallback: true}},
		Calendars: map[string]calendar.Calendar{},
		Regions:   map[string][]string{},
		SLA: map[decide.Track]SLA{
			decide.TrackInbound: {
				FirstContact: 5 * time.Minute, Warn: 3 * time.Minute, Escalate: 10 * time.Minute, Reassign: 15 * time.Minute,
				Return: 24 * time.Hour, Attempts: 6,
			},
			decide.TrackNurture: {
				Business: true, FirstContact: 24 * time.Hour, Warn: 20 * time.Hour, Escalate: 48 * time.Hour, Reassign: 72 * time.Hour,
				Return: 7 * 24 * time.Hour, Attempts: 8,
			},
		},
		Reasons: []Reason{
			{"no_budget", "No budget", QualificationGap, 180 * 24 * time.Hour},
			{"no_authority", "Cannot decide", QualificationGap, 0},
			{"no_need", "No need for it", QualificationGap, 0},
			{"wrong_size", "Wrong size or industry", QualificationGap, 0},
			{"not_a_buyer", "Student, competitor, supplier or job seeker", QualificationGap, 0},
			{"too_early", "Too early", Timing, 90 * 24 * time.Hour},
			{"bad_timing", "Bought elsewhere or frozen", Timing, 365 * 24 * time.Hour},
			{"no_response", "Could not be reached", Timing, 60 * 24 * time.Hour},
			{"price", "Expected another price", Expectations, 180 * 24 * time.Hour},
			{"missing_feature", "Expected something we do not do", Expectations, 0},
			{"other", "Something else", Expectations, 0},
		},
		Frameworks: []string{"bant"},
		Alerts: []Alert{
			{On: []string{"assigned", "warning", "reassigned"}, Destination: "owner"},
			{On: []string{"breach", "escalated"}, Destination: "manager"},
		},
	}
}
