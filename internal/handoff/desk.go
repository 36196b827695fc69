package handoff

import (
	"context"
	"slices"

	"cusp/internal/db"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// Person is a user who can be given leads.
type Person struct {
	Rep      route.Rep      // Open, Absent, OpenNow and NextOpen are filled in by the desk
	Teams    []route.TeamID // whose pools the person is in
	Calendar string         // id of a calendar of the plan; empty for that of the first team
	Away     []calendar.Span
}

// Options are what a [Desk] needs to know.
type Options struct {
	DB *db.DB
	// Plan is the handoff section in force, with the version of its playbook.
	Plan func() (plan *Plan, version int)
	// Roster are the users who can be given leads, as they are in this transaction.
	Roster func(tx *db.Tx) ([]Person, error)
	// State commits a fact together with what with does, see flow.Engine.State.
	State func(ctx context.Context, fact lead.Event, with func(*db.Tx) error) error
	// Now is the clock.
	Now func() lead.Instant
	// Tell asks for the messages about what happened, in the same transaction; nil for none.
	Tell func(tx *db.Tx, n Notice) error
	// Outlook is a lead's present outcome and facts; ok is false when nothing is known of it. Nil when
	// that cannot be known: then what was known at the last handoff counts.
	Outlook func(tx *db.Tx, person lead.PersonID) (c Change, ok bool, err error)
}

// Notice is something that people want to hear of.
type Notice struct {
	On      string // assigned, warning, breach, escalated, reassigned, returned, answered
	Key     string // the same for the same occurrence, however often it is told
	Handoff Handoff
	At      lead.Instant
}

// Desk opens handoffs, watches their clocks and takes their answers. It keeps nothing itself and is safe
// for concurrent use.
type Desk struct{ o Options }

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o} }

// Book is how the plan routes; members come from the roster.
func (p *Plan) book(staff []Person) *route.Book {
	b := &route.Book{Rules: p.Rules, Regions: p.Regions, Manager: route.RepID(p.Manager)}
	for _, t := range p.Teams {
		team := route.Team{
			ID: route.TeamID(t.ID), Name: t.Name, Fallback: t.Fallback, Overflow: route.TeamID(t.Overflow),
			Manager: route.RepID(t.Manager), Inbound: t.Inbound, Nurture: t.Nurture,
		}
		for _, s := range staff {
			if slices.Contains(s.Teams, team.ID) {
				team.Members = append(team.Members, s.Rep.ID)
			}
		}
		slices.Sort(team.Members)
		b.Teams = append(b.Teams, team)
	}
	return b
}

// sorted are the ids of the teams in order.
func (p *Plan) sorted() []string {
	var ids []string
	for _, t := range p.Teams {
		ids = append(ids, t.ID)
	}
	slices.Sort(ids)
	return ids
}

// reason finds a code.
func (p *Plan) reason(code string) (Reason, bool) {
	i := slices.IndexFunc(p.Reasons, func(r Reason) bool { return r.Code == code })
	if i < 0 {
		return Reason{}, false
	}
	return p.Reasons[i], true
}

func (p *Plan) team(id route.TeamID) (Team, bool) {
	i := slices.IndexFunc(p.Teams, func(t Team) bool { return t.ID == string(id) })
	if i < 0 {
		return Team{}, false
	}
	return p.Teams[i], true
}

// hours is a person's calendar without absences: their own, that of their first team, or always.
func (p *Plan) hours(s *Person) calendar.Calendar {
	if c, ok := p.Calendars[s.Calendar]; ok && s.Calendar != "" {
		return c
	}
	for _, id := range s.Teams {
		if t, ok := p.team(id); ok {
			return p.teamHours(t)
		}
	}
	return calendar.Always()
}

func (p *Plan) teamHours(t Team) calendar.Calendar {
	if c, ok := p.Calendars[t.Calendar]; ok {
		return c
	}
	return calendar.Always()
}
