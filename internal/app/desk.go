package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// plan is the handoff section of the playbook in force.
type plan struct {
	version int
	*handoff.Plan
}

// clockPolicy never gives a clock up for long: its work is in the house, and a lead waits for it.
var clockPolicy = queue.Policy{MaxAge: 30 * 24 * time.Hour, First: time.Second, Longest: 5 * time.Minute}

// setUpDesk makes the queue and the desk that opens handoffs. The engine, which both of them speak with,
// is made after them.
func (a *App) setUpDesk() error {
	a.queue = queue.New(a.db, queue.Options{Now: a.o.Now, Logger: a.o.Log, Elapsed: queue.BootClock()})
	if err := a.setUpAlerts(); err != nil {
		return fmt.Errorf("set up alerts: %w", err)
	}
	a.desk = handoff.New(handoff.Options{
		DB: a.db, Plan: a.planInForce, Roster: a.roster, Outlook: a.outlook, Tell: a.alerts.Tell,
		Now: func() lead.Instant { return lead.At(a.o.Now()) },
		State: func(ctx context.Context, fact lead.Event, with func(*db.Tx) error) error {
			_, err := a.engine.State(ctx, fact, with)
			return err
		},
	})
	if err := a.queue.Handle(handoff.ClockKind, clockPolicy, a.desk.Fire); err != nil {
		return fmt.Errorf("set up the desk: %w", err)
	}
	return nil
}

// jobsKept is how long finished jobs can be looked up.
const jobsKept = 30 * 24 * time.Hour

// forgetJobs drops jobs that finished long ago, and frees their keys.
func (a *App) forgetJobs(ctx context.Context) error {
	for {
		var n int64
		err := a.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = queue.Purge(tx, lead.At(a.o.Now().Add(-jobsKept)))
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// planInForce is how the playbook in force hands leads over, with its version.
func (a *App) planInForce() (*handoff.Plan, int) {
	pub := a.engine.Current()
	if pub == nil {
		return handoff.DefaultPlan(), 0
	}
	if p := a.plan.Load(); p != nil && p.version == pub.Version {
		return p.Plan, p.version
	}
	compiled, problems := handoff.Compile(pub.Playbook)
	if compiled == nil { // it was published by a version that did not read this section
		a.o.Log.Error("the handoff section cannot be read; the default holds", slog.Any("problems", problems))
		compiled = handoff.DefaultPlan()
	}
	a.plan.Store(&plan{version: pub.Version, Plan: compiled})
	return compiled, pub.Version
}

// decided hands decisions over, in the transaction that makes them.
func (a *App) decided(tx *db.Tx, leads []flow.Decided, now lead.Instant) error {
	changes := make([]handoff.Change, len(leads))
	for i := range leads {
		changes[i] = change(&leads[i])
	}
	return a.desk.Consider(tx, changes, now)
}

func (a *App) outlook(tx *db.Tx, person lead.PersonID) (handoff.Change, bool, error) {
	d, ok, err := a.engine.Outlook(tx, person)
	return change(&d), ok, err
}

func change(d *flow.Decided) handoff.Change {
	c := d.Change
	return handoff.Change{
		Person: d.Person, Account: d.Account, At: c.At, From: c.From, To: c.To, Fit: c.Fit, Intent: c.Intent,
		PersonTraits: d.Traits, AccountTraits: d.Company, Revised: d.Revised,
	}
}

// roster are the users who can be given leads, with their teams and absences.
func (a *App) roster(tx *db.Tx) ([]handoff.Person, error) {
	staff, err := access.Roster(tx, lead.At(a.o.Now()))
	if err != nil {
		return nil, err
	}
	away := map[int64][]calendar.Span{}
	for _, x := range staff.Absences {
		away[x.User] = append(away[x.User], calendar.Span{From: x.From, To: x.Until})
	}
	people := make([]handoff.Person, 0, len(staff.Users))
	for i := range staff.Users {
		people = append(people, person(&staff.Users[i], away[staff.Users[i].ID]))
	}
	return people, nil
}

// person is a user as routing sees them. A user's weight is the largest of their teams'.
func person(u *access.Colleague, away []calendar.Span) handoff.Person {
	x := &u.Attributes
	p := handoff.Person{
		Calendar: x.Calendar, Away: away,
		Rep: route.Rep{
			ID: route.RepID(u.Email), Name: u.Name, Active: u.Active, Weight: 1, Capacity: x.Capacity,
			Languages: x.Languages, Territories: x.Territories, Industries: x.Industries, Tiers: x.Tiers,
		},
	}
	if x.Capacity == 0 {
		p.Rep.Capacity = route.Unlimited
	}
	for _, m := range u.Teams {
		p.Teams = append(p.Teams, route.TeamID(m.Team))
		p.Rep.Weight = max(p.Rep.Weight, m.Weight)
	}
	return p
}
