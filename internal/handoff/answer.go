package handoff

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// Answer is what sales says about a handoff.
type Answer struct {
	Action    Action         // accept, contact, reject, recycle, qualify, disqualify
	Reason    string         // one code of the plan: for reject always, for recycle and disqualify too
	Note      string         // in the rep's own words; at most [MaxNote] bytes
	RecycleAt lead.Instant   // for recycle: when it comes back; 0 for what the reason proposes
	Reached   bool           // for contact: the prospect was reached; otherwise it was an attempt
	Framework map[string]any // for qualify: the framework's fields
	As        route.RepID    // who answers, when a key or the owner of the database speaks for a rep
}

// MaxNote bounds a note, in bytes.
const MaxNote = 4000

// maxRecycle bounds how far away a lead may be put.
const maxRecycle = 3 * 366 * 24 * time.Hour

// names are the facts that the answers become in the fold.
var names = map[Action]string{
	Accept: "accepted", Contact: "contacted", Reject: "rejected", Recycle: "recycled", Qualify: "qualified", Disqualify: "disqualified",
}

// Answer takes what sales says: it becomes a fact in the fold and changes the handoff, in one transaction.
// [fault.Invalid] for an unknown reason (the hint lists the known ones) or a missing part, [fault.Denied]
// for somebody else's handoff, [fault.Conflict] with the name of who was first when the handoff does not
// stand so any more.
func (d *Desk) Answer(ctx context.Context, id ID, a Answer, by access.Principal) (Handoff, error) {
	plan, _ := d.o.Plan()
	if plan == nil {
		plan = DefaultPlan()
	}
	now := d.o.Now()
	if err := a.check(plan, now); err != nil {
		return Handoff{}, err
	}
	var h Handoff
	err := d.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		h, err = Find(tx, id)
		return err
	})
	if err != nil {
		return Handoff{}, err
	}
	if _, ok := h.State.after(a.Action); !ok {
		return Handoff{}, h.conflict(a.Action)
	}
	fact, err := a.fact(&h, plan, now, by)
	if err != nil {
		return Handoff{}, err
	}
	err = d.o.State(ctx, fact, func(tx *db.Tx) error {
		if _, err := lockOwnership(tx, h.Person, now); err != nil {
			return err
		}
		held, err := lock(tx, id)
		if err != nil {
			return err
		}
		w, err := d.look(tx, now)
		if err != nil {
			return err
		}
		before := held
		if err := w.answer(&held, a, by); err != nil {
			return err
		}
		h = held
		return audit(tx, string(a.Action), &before, &held, by, now)
	})
	if err != nil {
		return Handoff{}, fmt.Errorf("answer handoff %d: %w", id, err)
	}
	return h, nil
}

// audit notes in the audit log what somebody did to a handoff.
func audit(tx *db.Tx, what string, before, after *Handoff, by access.Principal, now lead.Instant) error {
	return access.Record(tx, access.Change{
		Who: by.String(), What: "handoff." + what, Subject: fmt.Sprintf("handoff:%d", after.ID), Before: *before, After: *after, At: now,
	})
}

// check looks at an answer by itself.
func (a *Answer) check(p *Plan, now lead.Instant) error {
	if names[a.Action] == "" {
		return fault.New(fault.Invalid, "%q is not an answer.", a.Action).WithField("action").
			WithHint("answer with accept, contact, reject, recycle, qualify or disqualify")
	}
	if len(a.Note) > MaxNote {
		return fault.New(fault.Invalid, "The note has more than %d bytes.", MaxNote).WithField("note")
	}
	needs := a.Action == Reject || a.Action == Recycle || a.Action == Disqualify
	reason, ok := p.reason(a.Reason)
	if needs && !ok {
		return p.unknownReason(a.Reason)
	}
	if !needs && a.Reason != "" {
		return fault.New(fault.Invalid, "%q takes no reason.", a.Action).WithField("reason")
	}
	if a.Action == Qualify {
		return a.checkFacts(now)
	}
	if a.Action != Recycle {
		return nil
	}
	if a.RecycleAt == 0 && reason.Recycle > 0 {
		a.RecycleAt = now.Add(reason.Recycle)
	}
	if a.RecycleAt <= now || a.RecycleAt > now.Add(maxRecycle) {
		return fault.New(fault.Invalid, "To recycle a lead needs a date within the next three years.").WithCode("recycle_date").
			WithField("until").WithHint("say when it comes back, as in 2027-01-15T09:00:00Z; to end it for good, disqualify it")
	}
	return nil
}

func (p *Plan) unknownReason(code string) error {
	known := make([]string, len(p.Reasons))
	for i, r := range p.Reasons {
		known[i] = r.Code
	}
	e := fault.New(fault.Invalid, "%q is not a reason of the playbook.", code).WithCode("unknown_reason")
	if code == "" {
		e = fault.New(fault.Invalid, "This answer needs exactly one reason.").WithCode("reason_missing")
	}
	return e.WithField("reason").WithHint("the reasons are %s", strings.Join(known, ", "))
}

// fact is the answer as the fold hears it.
func (a *Answer) fact(h *Handoff, p *Plan, now lead.Instant, by access.Principal) (lead.Event, error) {
	reason, _ := p.reason(a.Reason)
	name := names[a.Action]
	if a.Action == Contact && !a.Reached {
		name = "attempted"
	}
	body := map[string]any{
		"type": lead.Answered.String(), "event": name, "userId": h.Person.String(),
		"properties": map[string]any{
			"handoff": int64(h.ID), "reason": a.Reason, "barrier": string(reason.Barrier), "stage": stageAt(h), "track": string(h.Track),
			"owner": string(h.Owner), "by": by.String(),
		},
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return lead.Event{}, fmt.Errorf("write the answer: %w", err)
	}
	if raw, err = canon.Append(nil, raw); err != nil {
		return lead.Event{}, fmt.Errorf("write the answer: %w", err)
	}
	id := strings.Join([]string{"handoff", strconv.FormatInt(int64(h.ID), 10), strconv.Itoa(h.Turn), name, strconv.Itoa(h.Attempts)}, "-")
	return lead.Event{
		Type: lead.Answered, Name: name, UserID: h.Person.String(), MessageID: id, Source: access.SourceProduct,
		Flags: lead.Trusted, Time: now, ReceivedAt: now, Body: raw,
	}, nil
}

// stageAt is how far the lead had come in its lifecycle.
func stageAt(h *Handoff) string {
	switch h.State {
	case Qualified:
		return "sql"
	case Accepted, Contacted:
		return "sal"
	case Open, Rejected, Recycled, Disqualified, Returned, Withdrawn:
	}
	return "mql"
}

// answer does what an answer means.
func (w *work) answer(h *Handoff, a Answer, by access.Principal) error {
	who, err := w.may(h, a, by)
	if err != nil {
		return err
	}
	stage := stageAt(h)
	first := h.ContactedAt == 0
	if a.Action == Contact && !a.Reached {
		return w.attempt(h, who)
	}
	if err := h.move(a.Action); err != nil {
		return err
	}
	if err := h.stop(w.tx); err != nil {
		return err
	}
	h.By, h.TouchedAt, h.Note = string(who), w.now, cmp.Or(a.Note, h.Note)
	h.claim(who, w.now)
	switch a.Action {
	case Accept:
		h.AcceptedAt = w.now
	case Contact:
		h.Attempts++
		w.contacted(h, first)
	case Qualify:
		w.contacted(h, first)
		h.Framework = a.Framework
	case Reject, Recycle, Disqualify, Assign, Upgrade, Return, Withdraw, Absorb:
	}
	h.Stage = stage
	if h.State.Pending() || h.State == Qualified {
		h.Stage = stageAt(h)
	}
	if a.Reason != "" {
		reason, _ := w.plan.reason(a.Reason)
		h.Reason, h.Barrier = a.Reason, reason.Barrier
	}
	if err := w.wound(h, a); err != nil {
		return err
	}
	if err := w.settle(h, string(who), string(a.Action)); err != nil {
		return err
	}
	if err := w.room(h); err != nil {
		return err
	}
	return w.tell(h, "answered", string(a.Action))
}

// wound starts the clock that an answer leads to.
func (w *work) wound(h *Handoff, a Answer) error {
	switch h.State {
	case Accepted:
		return h.next(w.tx, w.plan, w.hoursOf(h), w.passed(h))
	case Contacted, Qualified:
		h.Turn++
		return h.next(w.tx, w.plan, w.hoursOf(h), "")
	case Recycled:
		h.ClosedAt, h.RecycleAt = w.now, a.RecycleAt
		h.Turn++
		return h.wind(w.tx, StepRecycle, a.RecycleAt)
	case Rejected:
		h.ClosedAt = w.now
		if h.Owner != "" {
			h.Refused = append(h.Refused, h.Owner)
		}
		return w.credit(h)
	case Disqualified:
		h.ClosedAt = w.now
		return w.credit(h)
	case Open, Returned, Withdrawn:
	}
	return nil
}

var oldestQueued = db.SQL("handoff.oldestQueued", `
select id, turn from handoff where team = $1 and owner = '' and state = 'open' and step = 'ask' order by id limit 1`)

// room has the handoff asked for at once that has waited longest for the team, now that one of it has room.
func (w *work) room(h *Handoff) error {
	if h.State.Pending() || h.Owner == "" {
		return nil
	}
	for _, s := range w.staff {
		if s.Rep.ID != h.Owner {
			continue
		}
		for _, team := range s.Teams {
			t := timer{Step: StepAsk}
			err := w.tx.QueryRow(oldestQueued, []any{string(team)}, &t.Handoff, &t.Turn)
			if err == nil {
				err = queue.Reschedule(w.tx, ClockKind, t.key(), w.now)
			}
			if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
				return fmt.Errorf("ask team %s again: %w", team, err)
			}
		}
	}
	return nil
}

// passed is the last step whose time was over before an acceptance: the clock goes on behind it.
func (w *work) passed(h *Handoff) Step {
	last := Step("")
	h.Turn++
	for _, m := range w.plan.schedule(h, w.hoursOf(h)) {
		if m.at <= w.now {
			last = m.step
		}
	}
	return last
}

// claim makes who answers the owner of a handoff that a team has.
func (h *Handoff) claim(who route.RepID, now lead.Instant) {
	if h.Owner != "" || who == "" {
		return
	}
	h.Owner, h.AssignedAt, h.BeginAt = who, now, now
	if h.Began == 0 {
		h.Began = now
	}
}

// contacted notes the first real contact, on the owner's calendar.
func (w *work) contacted(h *Handoff, first bool) {
	if !first {
		return
	}
	h.ContactedAt = w.now
	h.Business = int64(w.hoursOf(h).Between(h.AssignedAt, w.now) / time.Microsecond)
	if h.AcceptedAt == 0 {
		h.AcceptedAt = w.now
	}
}

// attempt counts a try to reach the prospect. It is no contact, and the clock goes on.
func (w *work) attempt(h *Handoff, who route.RepID) error {
	if _, ok := h.State.after(Contact); !ok {
		return h.conflict(Contact)
	}
	h.Attempts++
	h.TouchedAt, h.By = w.now, string(who)
	return w.settle(h, string(who), "attempt")
}

// credit gives the turn back to whoever had to take a lead that was none. A turn that the pool has
// forgotten, or of a rep who left the team, is not given back.
func (w *work) credit(h *Handoff) error {
	if h.Given == 0 || h.Owner == "" {
		return nil
	}
	if w.pools == nil {
		var err error
		if w.pools, err = pools(w.tx, w.plan, true); err != nil {
			return err
		}
	}
	given, ok := w.pools[h.Team].Find(h.Given)
	if !ok || given.Rep != h.Owner {
		return nil
	}
	p, hop, err := w.pools[h.Team].Credit(h.Given, h.Owner, route.Rejected)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give the turn back: %w", err)
	}
	h.Hops = append(h.Hops, hop)
	return keepPool(w.tx, h.Team, p)
}

// may finds who answers and whether they may: reps answer what is theirs or waits in a queue of their team,
// managers everything; keys and the owner of the database speak for the rep.
func (w *work) may(h *Handoff, a Answer, by access.Principal) (route.RepID, error) {
	if by.Kind != access.User {
		who := cmp.Or(a.As, h.Owner)
		if who == "" {
			return "", fault.New(fault.Invalid, "Team %s has handoff %d: say who takes it.", h.Team, h.ID).WithCode("who_missing").
				WithField("as").WithHint("name the user's e-mail address")
		}
		if a.As != "" && h.Owner != "" && a.As != h.Owner {
			return "", w.taken(h, a.Action)
		}
		return who, w.known(who)
	}
	me := route.RepID(by.Name)
	if h.Owner == me || leads(by.Role) {
		return cmp.Or(h.Owner, me), nil
	}
	if h.Owner != "" {
		return "", w.taken(h, a.Action)
	}
	if i := slices.IndexFunc(w.staff, func(s Person) bool { return s.Rep.ID == me && slices.Contains(s.Teams, h.Team) }); i >= 0 {
		return me, nil
	}
	return "", fault.New(fault.Denied, "Handoff %d waits for team %s.", h.ID, h.Team).WithCode("not_on_team")
}

// known refuses people who do not exist or have left.
func (w *work) known(who route.RepID) error {
	if rep, ok := w.reps[who]; ok && rep.Active {
		return nil
	}
	return fault.New(fault.Invalid, "%s is no active user.", who).WithCode("unknown_rep").WithField("as")
}

func (w *work) taken(h *Handoff, do Action) error {
	if do == Accept && h.State != Open {
		return h.conflict(do)
	}
	return fault.New(fault.Denied, "Handoff %d is with %s.", h.ID, h.Owner).WithCode("not_yours").
		WithHint("a manager can give it to you")
}

// leads says whether a role may act for others.
func leads(r access.Role) bool { return r == access.RoleAdmin || r == access.RoleSalesManager }
