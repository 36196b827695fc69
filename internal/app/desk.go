package app

import (
	"context"
	"fmt"
	"time"

	"cusp/internal/db"
	"cusp/internal/flow"
	"cusp/internal/handoff"
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
	a.desk = handoff.New(handoff.Options{
		DB: a.db, Plan: a.planInForce, Roster: a.roster, Outlook: a.outlook,
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

// planInForce is how the playbook in force hands leads over, with its version.
func (a *App) planInForce() (*handoff.Plan, int) {
	pub := a.engine.Current()
	if pub == nil {
		return handoff.DefaultPlan(), 0
	}
	if p := a.plan.Load(); p != nil && p.version == pub.Version {
		return p.Plan, p.version
	}
	p := &plan{version: pub.Version, Plan: handoff.DefaultPlan()}
	a.plan.Store(p)
	return p.Plan, p.version
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
		PersonTraits: d.Traits, AccountTraits: d.Company,
	}
}

// roster are the users who can be given leads.
func (a *App) roster(*db.Tx) ([]handoff.Person, error) { return nil, nil }
