package handoff

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// OwnerKind is who can own a lead.
type OwnerKind string

// The kinds of owners.
const (
	ByMarketing OwnerKind = "marketing"
	ByTeam      OwnerKind = "team"
	ByPerson    OwnerKind = "person"
)

// Ownership is who owns a lead now, in which state, and what is done next, when.
type Ownership struct {
	Person     lead.PersonID
	Kind       OwnerKind
	Owner      string // team id or e-mail; empty for marketing
	State      string // a handoff's state, or "nurture" for a lead that was never handed over
	NextAction string
	NextAt     lead.Instant // 0 for never, which has a reason
	Clock      string       // key of the timer that sees to it; empty when the fold does
	Handoff    ID           // 0 for none
	Reason     string
	Since      lead.Instant
}

// What is done next.
const (
	ActAnswer  = "answer"           // accept or reject
	ActContact = "contact"          // reach the prospect
	ActQualify = "qualify"          // say what came of it
	ActAssign  = "assign"           // find somebody with room
	ActDeal    = "work_opportunity" // keep the deal moving
	ActRecycle = "recycle"          // hand it over again
	ActLook    = "look_again"       // marketing decides what to do with what sales gave back
	ActNurture = "nurture"          // the fold looks when time alone can change the decision
	ActNever   = "none"             // decided for good, with a reason
)

// StateNurture is the state of leads that sales never had.
const StateNurture = "nurture"

// stateDisqualified is the state of leads that are none.
const stateDisqualified = string(Disqualified)

var (
	ensureOwner = db.SQL("handoff.ensureOwner", `
insert into ownership (person_id, owner_kind, owner, state, next_action, next_at, clock, handoff_id, reason, since)
values ($1, 'marketing', '', 'nurture', 'nurture', $2, '', 0, '', $3)
on conflict (person_id) do nothing`)

	lockOwner = db.SQL("handoff.lockOwner", `
select person_id, owner_kind, owner, state, next_action, next_at, clock, handoff_id, reason, since
  from ownership where person_id = $1 /*for update*/`)

	findOwner = db.SQL("handoff.findOwner", `
select person_id, owner_kind, owner, state, next_action, next_at, clock, handoff_id, reason, since
  from ownership where person_id = $1`)

	listOwners = db.SQL("handoff.listOwners", `
select person_id, owner_kind, owner, state, next_action, next_at, clock, handoff_id, reason, since
  from ownership
 where person_id > $1 and ($2 = '' or owner_kind = $2) and ($3 = '' or owner = $3)
 order by person_id limit $4`)

	updateOwner = db.SQL("handoff.updateOwner", `
update ownership set owner_kind = $2, owner = $3, state = $4, next_action = $5, next_at = $6, clock = $7, handoff_id = $8, reason = $9, since = $10
 where person_id = $1`)

	deleteOwner = db.SQL("handoff.deleteOwner", `delete from ownership where person_id = $1`)

	insertOwnerChange = db.SQL("handoff.insertOwnerChange", `
insert into ownership_change (person_id, at, owner_kind_before, owner_before, state_before, owner_kind, owner, state, next_action, next_at, handoff_id, cause, made_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)

	listOwnerChanges = db.SQL("handoff.listOwnerChanges", `
select id, person_id, at, owner_kind_before, owner_before, state_before, owner_kind, owner, state, next_action, next_at, handoff_id, cause, made_by
  from ownership_change where person_id = $1 and id > $2 order by id limit $3`)

	moveOwnerChanges = db.SQL("handoff.moveOwnerChanges", `update ownership_change set person_id = $2 where person_id = $1`)

	wakeOf = db.SQL("handoff.wakeOf", `
select coalesce(wake_at, 0), updated_at, decision, rule from lead_state where person_id = $1`)
)

func (o *Ownership) into() []any {
	return []any{&o.Person, &o.Kind, &o.Owner, &o.State, &o.NextAction, &o.NextAt, &o.Clock, &o.Handoff, &o.Reason, &o.Since}
}

// lockOwnership holds a lead's row, which it makes when there is none: whoever changes a handoff holds it
// first, so that nobody else opens one for the same lead at the same time.
func lockOwnership(tx *db.Tx, person lead.PersonID, now lead.Instant) (Ownership, error) {
	var o Ownership
	_, err := tx.Exec(ensureOwner, int64(person), int64(now.Add(lookAgain)), int64(now))
	if err == nil {
		err = tx.QueryRow(lockOwner, []any{int64(person)}, o.into()...)
	}
	if err != nil {
		return o, fmt.Errorf("lock the owner of %s: %w", person, err)
	}
	return o, nil
}

const (
	// lookAgain is when marketing looks at what sales gave back without a date.
	lookAgain = 7 * 24 * time.Hour
	// reviewDeals is how often a lead that sales keeps, or that marketing has not moved, is looked at again.
	reviewDeals = 30 * 24 * time.Hour
)

// OwnerOf is who owns a lead. A lead without a row is marketing's; its next action is the fold's next look.
func OwnerOf(tx *db.Tx, person lead.PersonID) (Ownership, error) {
	var o Ownership
	err := tx.QueryRow(findOwner, []any{int64(person)}, o.into()...)
	if fault.Is(err, fault.NotFound) {
		return unhanded(tx, person)
	}
	if err != nil {
		return o, fmt.Errorf("find the owner of %s: %w", person, err)
	}
	return o, nil
}

func unhanded(tx *db.Tx, person lead.PersonID) (Ownership, error) {
	o := Ownership{Person: person, Kind: ByMarketing, State: StateNurture, NextAction: ActNurture}
	var decision, rule string
	err := tx.QueryRow(wakeOf, []any{int64(person)}, &o.NextAt, &o.Since, &decision, &rule)
	switch {
	case fault.Is(err, fault.NotFound):
		return o, fault.New(fault.NotFound, "Nothing is known of %s.", person)
	case err != nil:
		return o, fmt.Errorf("find when %s is looked at: %w", person, err)
	case decision == "disqualify":
		o.State, o.NextAction, o.NextAt, o.Reason = stateDisqualified, ActNever, 0, rule
	case o.NextAt == 0:
		o.NextAt = o.Since.Add(lookAgain)
	}
	return o, nil
}

// Owners lists the rows after a person, in order; empty filters choose all.
func Owners(tx *db.Tx, kind OwnerKind, owner string, after lead.PersonID, limit int) ([]Ownership, error) {
	var all []Ownership
	err := tx.Query(listOwners, []any{int64(after), string(kind), owner, limit}, func(r *sql.Rows) error {
		var o Ownership
		err := r.Scan(o.into()...)
		all = append(all, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	return all, nil
}

// OwnerChange is one change of owner or state, as it was made.
type OwnerChange struct {
	ID            int64
	Person        lead.PersonID
	At            lead.Instant
	Before, After struct {
		Kind  OwnerKind
		Owner string
		State string
	}
	NextAction string
	NextAt     lead.Instant
	Handoff    ID
	Cause      string
	By         string
}

// OwnerChanges are a lead's changes after an id, oldest first.
func OwnerChanges(tx *db.Tx, person lead.PersonID, after int64, limit int) ([]OwnerChange, error) {
	var all []OwnerChange
	err := tx.Query(listOwnerChanges, []any{int64(person), after, limit}, func(r *sql.Rows) error {
		var c OwnerChange
		err := r.Scan(&c.ID, &c.Person, &c.At, &c.Before.Kind, &c.Before.Owner, &c.Before.State, &c.After.Kind, &c.After.Owner, &c.After.State,
			&c.NextAction, &c.NextAt, &c.Handoff, &c.Cause, &c.By)
		all = append(all, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list changes of owner: %w", err)
	}
	return all, nil
}

// own writes down who owns the handoff's lead now, and the change, if it is one.
func (h *Handoff) own(tx *db.Tx, now lead.Instant, cause, by string) error {
	before, err := lockOwnership(tx, h.Person, now)
	if err != nil {
		return err
	}
	after := h.ownership(now)
	after.Since = before.Since
	same := before.Kind == after.Kind && before.Owner == after.Owner && before.State == after.State && before.Handoff == after.Handoff
	if !same {
		after.Since = now
	}
	return change(tx, before, after, now, cause, by, same)
}

func change(tx *db.Tx, before, after Ownership, now lead.Instant, cause, by string, same bool) error {
	_, err := tx.Exec(updateOwner, int64(after.Person), string(after.Kind), after.Owner, after.State, after.NextAction, int64(after.NextAt),
		after.Clock, int64(after.Handoff), after.Reason, int64(after.Since))
	if err == nil && !same {
		_, err = tx.Exec(insertOwnerChange, int64(after.Person), int64(now), string(before.Kind), before.Owner, before.State,
			string(after.Kind), after.Owner, after.State, after.NextAction, int64(after.NextAt), int64(after.Handoff), cause, by)
	}
	if err != nil {
		return fmt.Errorf("store the owner of %s: %w", after.Person, err)
	}
	return nil
}

// ownership is what a handoff means for its lead.
func (h *Handoff) ownership(now lead.Instant) Ownership {
	o := Ownership{
		Person: h.Person, Kind: ByMarketing, State: string(h.State), Handoff: h.ID, NextAt: h.StepAt, Clock: h.clockKey(), Reason: h.Reason,
	}
	switch {
	case h.State.Live() && h.Owner != "":
		o.Kind, o.Owner = ByPerson, string(h.Owner)
	case h.State.Live():
		o.Kind, o.Owner = ByTeam, string(h.Team)
	}
	switch h.State {
	case Open:
		o.NextAction = ActAnswer
		if h.Owner == "" {
			o.NextAction = ActAssign
		}
	case Accepted:
		o.NextAction = ActContact
	case Contacted:
		o.NextAction = ActQualify
	case Qualified:
		o.NextAction = ActDeal
	case Recycled:
		o.NextAction = ActRecycle
	case Disqualified, Withdrawn:
		o.NextAction, o.NextAt = ActNever, 0
	case Rejected:
		o.NextAction = ActNurture
	case Returned:
		o.NextAction = ActLook
	}
	if o.NextAction != ActNever && o.NextAt == 0 {
		o.NextAt = now.Add(lookAgain)
	}
	return o
}

// Orphan is a lead of which it is not plain who does what next.
type Orphan struct {
	Person  lead.PersonID
	Problem string
}

var (
	liveOwners = db.SQL("handoff.liveOwners", `
select h.id, h.person_id, h.team, h.owner, h.state, coalesce(o.owner_kind, ''), coalesce(o.owner, ''), coalesce(o.handoff_id, 0)
  from handoff h left join ownership o on o.person_id = h.person_id
 where h.state in ('open', 'accepted', 'contacted', 'qualified')
 order by h.id`)

	clockless = db.SQL("handoff.clockless", `
select o.person_id, o.clock from ownership o
 where o.clock <> ''
   and not exists (select 1 from job j where j.kind = 'handoff.clock' and j.key = o.clock and j.state in ('waiting', 'running'))
 order by o.person_id`)

	unwritten = db.SQL("handoff.unwritten", `
select o.person_id from ownership o
  join ownership_change c on c.person_id = o.person_id
 where c.id = (select max(d.id) from ownership_change d where d.person_id = o.person_id)
   and (c.owner_kind <> o.owner_kind or c.owner <> o.owner or c.state <> o.state)
 order by o.person_id`)
)

// Check proves that each lead has exactly one owner, one state and one next action with a date and a timer
// that waits, that sales owns exactly the leads with a live handoff, and that the last change that was
// written down is how things stand. It returns what is not so, by person. A lead without a row is
// marketing's, and the fold looks at it.
func Check(tx *db.Tx) ([]Orphan, error) {
	var all []Orphan
	add := func(p lead.PersonID, format string, args ...any) {
		all = append(all, Orphan{p, fmt.Sprintf(format, args...)})
	}
	live := map[lead.PersonID]ID{}
	err := tx.Query(liveOwners, nil, func(r *sql.Rows) error {
		var h Handoff
		var o Ownership
		if err := r.Scan(&h.ID, &h.Person, &h.Team, &h.Owner, &h.State, &o.Kind, &o.Owner, &o.Handoff); err != nil {
			return err
		}
		want := h.ownership(1)
		switch {
		case live[h.Person] != 0:
			add(h.Person, "handoffs %d and %d are both live", live[h.Person], h.ID)
		case o.Kind != want.Kind || o.Owner != want.Owner || o.Handoff != h.ID:
			add(h.Person, "handoff %d says owner %s %q, the ledger %s %q (handoff %d)", h.ID, want.Kind, want.Owner, o.Kind, o.Owner, o.Handoff)
		}
		live[h.Person] = h.ID
		return nil
	})
	for after := lead.PersonID(0); err == nil; {
		var page []Ownership
		if page, err = Owners(tx, "", "", after, 1000); len(page) == 0 {
			break
		}
		for _, o := range page {
			if problem := o.problem(live[o.Person]); problem != "" {
				add(o.Person, "%s", problem)
			}
			after = o.Person
		}
	}
	if err == nil {
		err = tx.Query(clockless, nil, func(r *sql.Rows) error {
			var o Ownership
			err := r.Scan(&o.Person, &o.Clock)
			add(o.Person, "timer %s does not wait", o.Clock)
			return err
		})
	}
	if err == nil {
		err = tx.Query(unwritten, nil, func(r *sql.Rows) error {
			var p lead.PersonID
			err := r.Scan(&p)
			add(p, "the last change that was written down is another")
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("check owners: %w", err)
	}
	slices.SortStableFunc(all, func(a, b Orphan) int { return cmp.Compare(a.Person, b.Person) })
	return all, nil
}

// problem is what is wrong with a row by itself.
func (o *Ownership) problem(live ID) string {
	sales := o.Kind == ByTeam || o.Kind == ByPerson
	switch {
	case !sales && o.Kind != ByMarketing:
		return fmt.Sprintf("owner kind %q is none", o.Kind)
	case sales != (o.Owner != ""):
		return fmt.Sprintf("owner %q of kind %s", o.Owner, o.Kind)
	case sales != (live != 0):
		return fmt.Sprintf("%s owns it, and the live handoff is %d", o.Kind, live)
	case o.State == "" || o.NextAction == "":
		return fmt.Sprintf("state %q, next action %q", o.State, o.NextAction)
	case o.NextAction == ActNever && o.Reason == "":
		return "never is a decision and needs a reason"
	case o.NextAction != ActNever && o.NextAt <= 0:
		return "the next action has no date"
	case o.NextAction != ActNever && o.NextAction != ActNurture && o.Clock == "":
		return fmt.Sprintf("next action %q has no timer", o.NextAction)
	}
	return ""
}
