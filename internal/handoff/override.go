package handoff

import (
	"context"
	"fmt"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/handoff/route"
)

// Assign gives a handoff to a rep because a manager says so; an empty rep routes it anew.
func (d *Desk) Assign(ctx context.Context, id ID, to route.RepID, by access.Principal) (Handoff, error) {
	var h Handoff
	err := d.o.DB.Write(ctx, func(tx *db.Tx) error {
		w, err := d.hold(tx, id, &h)
		if err != nil {
			return err
		}
		before := h
		if err := w.override(&h, to, by); err != nil {
			return err
		}
		return audit(tx, "assign", &before, &h, by, w.now)
	})
	if err != nil {
		return Handoff{}, fmt.Errorf("assign handoff %d: %w", id, err)
	}
	return h, nil
}

// override gives a handoff to a rep, or routes it anew.
func (w *work) override(h *Handoff, to route.RepID, by access.Principal) error {
	if to == "" {
		return w.again(h, "override", by.String())
	}
	if err := w.known(to); err != nil {
		return err
	}
	if err := h.move(Assign); err != nil {
		return err
	}
	if err := h.stop(w.tx); err != nil {
		return err
	}
	h.AcceptedAt, h.Given = 0, 0
	h.Hops = []route.Hop{{Code: "override", Subject: string(to), Text: fmt.Sprintf("%s gave it to %s.", by, to)}}
	if err := w.place(h, w.directly(to, h.Team)); err != nil {
		return err
	}
	if err := w.settle(h, by.String(), "override"); err != nil {
		return err
	}
	return w.tell(h, "reassigned", "override")
}

// directly is the assignment to a rep without routing.
func (w *work) directly(to route.RepID, team route.TeamID) route.Assignment {
	a := route.Assignment{Outcome: route.ToRep, Rep: to, Team: team, From: w.now}
	if rep := w.reps[to]; !rep.OpenNow && rep.NextOpen > w.now {
		a.From = rep.NextOpen
	}
	return a
}

// hold locks a handoff and looks around.
func (d *Desk) hold(tx *db.Tx, id ID, h *Handoff) (*work, error) {
	found, err := Find(tx, id)
	if err != nil {
		return nil, err
	}
	now := d.o.Now()
	if _, err := lockOwnership(tx, found.Person, now); err != nil {
		return nil, err
	}
	if *h, err = lock(tx, id); err != nil {
		return nil, err
	}
	return d.look(tx, now)
}

// Preview is where a lead would go now, and why; nothing is changed.
func (d *Desk) Preview(tx *db.Tx, c Change) (route.Assignment, []route.Hop, error) {
	w, err := d.look(tx, d.o.Now())
	if err != nil {
		return route.Assignment{}, nil, err
	}
	all, err := pools(tx, w.plan, false)
	if err != nil {
		return route.Assignment{}, nil, err
	}
	last, ok, err := latest(tx, c.Person)
	if err != nil {
		return route.Assignment{}, nil, err
	}
	h := Handoff{Person: c.Person, Account: c.Account, Track: track(c.To), Decision: c.To.Decision, Detail: Detail{Facts: snapshot(&c)}}
	if ok {
		h.Refused = last.Refused
		if last.State.Live() || last.State == Recycled {
			h.Owner = last.Owner
		}
	}
	owner, err := ownerOf(tx, h.Account, h.Person)
	if err != nil {
		return route.Assignment{}, nil, err
	}
	q := h.question(owner)
	q.Handoff = 0
	a, hops := route.DryRun(w.book, w.reps, all, q, w.now)
	return a, hops, nil
}

var strayHandoffs = db.SQL("handoff.stray", `
select id, owner, team from handoff
 where state in ('open', 'accepted', 'contacted', 'qualified')
 order by id`)

// Tidy gives what belongs to people who have left, or to teams that are no more, to others. It is to be
// called after users, teams or the playbook changed, and now and then.
func (d *Desk) Tidy(ctx context.Context) error {
	var stray []ID
	err := d.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		stray, err = d.stray(tx)
		return err
	})
	for _, id := range stray {
		if err != nil {
			break
		}
		err = d.o.DB.Write(ctx, func(tx *db.Tx) error {
			var h Handoff
			w, err := d.hold(tx, id, &h)
			if err != nil || !h.State.Live() || !w.lost(h.Owner, h.Team) {
				return err
			}
			return w.again(&h, "owner_left", "product")
		})
	}
	if err != nil {
		return fmt.Errorf("give to others what leavers had: %w", err)
	}
	return nil
}
