package handoff

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

var lookHandoff = db.SQL("handoff.latest", `
select id, person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at, assigned_at,
       begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage, attempts,
       version, late, breach, business, detail
  from handoff where person_id = $1 order by round desc limit 1`)

// latest is [Last] without a lock.
func latest(tx *db.Tx, person lead.PersonID) (h Handoff, ok bool, err error) {
	h, err = one(tx, lookHandoff, int64(person))
	if fault.Is(err, fault.NotFound) {
		return Handoff{}, false, nil
	}
	return h, err == nil, err
}

// PreviewPerson is [Desk.Preview] of a lead as it stands.
func (d *Desk) PreviewPerson(tx *db.Tx, person lead.PersonID) (route.Assignment, []route.Hop, error) {
	c := Change{Person: person, At: d.o.Now()}
	if d.o.Outlook != nil {
		now, ok, err := d.o.Outlook(tx, person)
		if err != nil {
			return route.Assignment{}, nil, fmt.Errorf("look at %s: %w", person, err)
		}
		if ok {
			c = now
			c.Person = person
		}
	} else if last, ok, err := latest(tx, person); err != nil {
		return route.Assignment{}, nil, err
	} else if ok {
		c.Account, c.PersonTraits, c.AccountTraits, c.Intent = last.Account, last.Facts.Person, last.Facts.Account, last.Facts.Intent
	}
	return d.Preview(tx, c)
}

// lost says whether an owner cannot own any more.
func (w *work) lost(owner route.RepID, team route.TeamID) bool {
	if owner != "" {
		rep, ok := w.reps[owner]
		return !ok || !rep.Active
	}
	_, ok := w.plan.team(team)
	return !ok
}

// stray are the live handoffs without an owner who is there.
func (d *Desk) stray(tx *db.Tx) ([]ID, error) {
	w, err := d.look(tx, d.o.Now())
	if err != nil {
		return nil, err
	}
	var all []ID
	err = tx.Query(strayHandoffs, nil, func(r *sql.Rows) error {
		var id ID
		var owner route.RepID
		var team route.TeamID
		if err := r.Scan(&id, &owner, &team); err != nil {
			return err
		}
		if w.lost(owner, team) {
			all = append(all, id)
		}
		return nil
	})
	return all, err
}

var roundsOf = db.SQL("handoff.rounds", `select id from handoff where person_id = $1 order by round`)

// Merged moves what belongs to a person to the one that the person is part of now. Of two live handoffs the
// one that was answered further, then the inbound one, then the older one stays; the other is withdrawn.
// It belongs into the transaction that merges.
func (d *Desk) Merged(tx *db.Tx, from, to lead.PersonID, now lead.Instant) error {
	ids, err := rounds(tx, from)
	if err != nil || len(ids) == 0 {
		if err == nil {
			_, err = tx.Exec(deleteOwner, int64(from))
		}
		return err
	}
	w, err := d.look(tx, now)
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(slices.Values([]lead.PersonID{from, to})) {
		if _, err := lockOwnership(tx, p, now); err != nil {
			return err
		}
	}
	kept, ok, err := Last(tx, to)
	if err != nil {
		return err
	}
	last := Handoff{Round: kept.Round}
	for _, id := range ids {
		h, err := lock(tx, id)
		if err != nil {
			return err
		}
		if h.State.Live() && ok && kept.State.Live() {
			if err := w.yield(&h, &kept); err != nil {
				return err
			}
		}
		h.Person, h.Round = to, last.Round+1
		if err := h.save(tx); err != nil {
			return err
		}
		last = h
	}
	return w.join(from, to, last, kept)
}

// yield withdraws the lesser of two live handoffs of one person.
func (w *work) yield(a, b *Handoff) error {
	less := a
	if rank(a) > rank(b) || rank(a) == rank(b) && a.ID < b.ID {
		less = b
	}
	if err := less.move(Absorb); err != nil {
		return err
	}
	if err := less.stop(w.tx); err != nil {
		return err
	}
	less.Reason, less.ClosedAt, less.By = "merged", w.now, "fold"
	return less.save(w.tx)
}

// rank orders live handoffs by how far they have come, then inbound first.
func rank(h *Handoff) int {
	n := 2 * slices.Index([]State{Open, Accepted, Contacted, Qualified}, h.State)
	if h.Track == decide.TrackInbound {
		n++
	}
	return n
}

// join makes one owner of two.
func (w *work) join(from, to lead.PersonID, moved, kept Handoff) error {
	if _, err := w.tx.Exec(moveOwnerChanges, int64(from), int64(to)); err != nil {
		return fmt.Errorf("move changes of owner: %w", err)
	}
	if _, err := w.tx.Exec(deleteOwner, int64(from)); err != nil {
		return fmt.Errorf("forget an owner: %w", err)
	}
	holder := moved
	if kept.State.Live() || kept.ID > moved.ID && !moved.State.Live() {
		holder = kept
	}
	before, err := lockOwnership(w.tx, to, w.now)
	if err != nil {
		return err
	}
	after := holder.ownership(w.now)
	after.Since = cmp.Or(before.Since, w.now)
	return change(w.tx, before, after, w.now, "merge", "fold", false)
}

func rounds(tx *db.Tx, person lead.PersonID) ([]ID, error) {
	var ids []ID
	err := tx.Query(roundsOf, []any{int64(person)}, func(r *sql.Rows) error {
		var id ID
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list a person's handoffs: %w", err)
	}
	return ids, nil
}
