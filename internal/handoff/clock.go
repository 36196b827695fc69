package handoff

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// Step is what a clock does when it has run.
type Step string

// The steps.
const (
	StepWarn     Step = "warn"          // the owner is reminded
	StepContact  Step = "first_contact" // the promise is broken
	StepEscalate Step = "escalate"      // the manager hears of it
	StepReassign Step = "reassign"      // the next rep gets it
	StepReturn   Step = "return"        // marketing gets it back
	StepAsk      Step = "ask"           // a team that has it in its queue is asked again
	StepRecycle  Step = "recycle"       // it is handed over again
	StepReview   Step = "review"        // somebody looks at it, and it is looked at again later
)

// ClockKind is the kind of the jobs that are clocks.
const ClockKind = "handoff.clock"

const (
	// askAgain is when a team without room is asked again. An answer that makes room has it asked at once.
	askAgain = 30 * time.Minute
	// lateness is how much later than due a step may come before it is marked as late.
	lateness = time.Minute
)

// timer is the payload of a clock.
type timer struct {
	Handoff ID           `json:"handoff"`
	Turn    int          `json:"turn"`
	Step    Step         `json:"step"`
	Due     lead.Instant `json:"due"`
}

func (t timer) key() string { return fmt.Sprintf("%d/%d/%s", t.Handoff, t.Turn, t.Step) }

// clockKey is the key of the clock that runs; empty for none.
func (h *Handoff) clockKey() string {
	if h.Step == "" {
		return ""
	}
	return timer{Handoff: h.ID, Turn: h.Turn, Step: h.Step}.key()
}

// wind starts the handoff's clock for a step. Whatever ran before is void, since its turn or its step is
// another one.
func (h *Handoff) wind(tx *db.Tx, step Step, at lead.Instant) error {
	h.Step, h.StepAt = step, at
	if step == "" {
		return nil
	}
	t := timer{h.ID, h.Turn, step, at}
	payload, err := json.Marshal(t)
	if err == nil {
		_, err = queue.Enqueue(tx, queue.Job{Kind: ClockKind, Key: t.key(), RunAt: at, Payload: payload})
	}
	if err != nil {
		return fmt.Errorf("start the clock of handoff %d: %w", h.ID, err)
	}
	return nil
}

// stop calls off the clock that runs.
func (h *Handoff) stop(tx *db.Tx) error {
	key := h.clockKey()
	h.Step, h.StepAt = "", 0
	if key == "" {
		return nil
	}
	if err := queue.Cancel(tx, ClockKind, key); err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
		return fmt.Errorf("stop the clock of handoff %d: %w", h.ID, err)
	}
	return nil
}

// mark is one step of a schedule.
type mark struct {
	step Step
	at   lead.Instant
}

// schedule is what the clock does from here on, in order.
func (p *Plan) schedule(h *Handoff, hours calendar.Calendar) []mark {
	sla := p.SLA[h.Track]
	add := func(from lead.Instant, d time.Duration) lead.Instant {
		if at, ok := hours.Add(from, d); sla.Business && ok {
			return at
		}
		return from.Add(d)
	}
	var all []mark
	put := func(step Step, from lead.Instant, d time.Duration) {
		if d > 0 {
			all = append(all, mark{step, add(from, d)})
		}
	}
	switch h.State {
	case Open, Accepted:
		put(StepWarn, h.BeginAt, sla.Warn)
		put(StepContact, h.BeginAt, sla.FirstContact)
		put(StepEscalate, h.BeginAt, sla.Escalate)
		put(StepReassign, h.BeginAt, sla.Reassign)
		put(StepReturn, max(h.OpenedAt, h.Began), orElse(sla.Return, giveUp))
	case Contacted:
		put(StepEscalate, h.TouchedAt, orElse(sla.Return, giveUp))
		put(StepReturn, h.TouchedAt, 2*orElse(sla.Return, giveUp))
	case Qualified:
		put(StepReview, h.TouchedAt, reviewDeals)
	case Rejected, Recycled, Disqualified, Returned, Withdrawn:
	}
	slices.SortStableFunc(all, func(a, b mark) int { return int(min(max(a.at-b.at, -1), 1)) })
	if i := slices.IndexFunc(all, func(m mark) bool { return m.step == StepReturn }); i >= 0 {
		all = all[:i+1]
	}
	return all
}

// giveUp is when a lead goes back to marketing under a plan that does not say.
const giveUp = 30 * 24 * time.Hour

func orElse(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// next winds the clock for the step after the one that fired last in this turn; "" begins.
func (h *Handoff) next(tx *db.Tx, p *Plan, hours calendar.Calendar, done Step) error {
	all := p.schedule(h, hours)
	if i := slices.IndexFunc(all, func(m mark) bool { return m.step == done }); i >= 0 {
		all = all[i+1:]
	}
	for _, m := range all {
		if m.step == StepContact && h.DueAt == 0 {
			h.DueAt = m.at
		}
	}
	if len(all) == 0 {
		return h.wind(tx, "", 0)
	}
	return h.wind(tx, all[0].step, all[0].at)
}

// promise is when the first contact is due; 0 when the plan promises none.
func (p *Plan) promise(h *Handoff, hours calendar.Calendar) lead.Instant {
	for _, m := range p.schedule(h, hours) {
		if m.step == StepContact {
			return m.at
		}
	}
	return 0
}

var insertFired = db.SQL("handoff.insertFired", `
insert into handoff_clock (handoff_id, turn, step, due_at, fired_at, late, cause, owner) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (handoff_id, turn, step) do nothing`)

// Fire handles a job of kind [ClockKind]: the step is done and the job completed in one transaction, so
// that it takes effect once. A clock that was stopped or restarted meanwhile does nothing.
func (d *Desk) Fire(ctx context.Context, c *queue.Claim) error {
	var t timer
	if err := json.Unmarshal(c.Payload, &t); err != nil {
		return queue.Permanent(fmt.Errorf("read a clock: %w", err))
	}
	return d.o.DB.Write(ctx, func(tx *db.Tx) error {
		if err := d.fire(tx, t); err != nil {
			return err
		}
		return c.Complete(tx)
	})
}

func (d *Desk) fire(tx *db.Tx, t timer) error {
	h, err := Find(tx, t.Handoff)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := d.o.Now()
	if _, err := lockOwnership(tx, h.Person, now); err != nil {
		return err
	}
	if h, err = lock(tx, t.Handoff); err != nil || h.Turn != t.Turn || h.Step != t.Step {
		return err
	}
	w, err := d.look(tx, now)
	if err != nil {
		return err
	}
	late := now.Sub(t.Due) > lateness
	cause := Cause("")
	if t.Step == StepContact {
		cause = w.cause(&h, late)
		h.Breach = cause
	}
	h.Late = h.Late || late
	h.Step, h.StepAt = "", 0 // this one is over: it is not to be called off
	if _, err := tx.Exec(insertFired, int64(h.ID), h.Turn, string(t.Step), int64(t.Due), int64(now), late, string(cause), string(h.Owner)); err != nil {
		return fmt.Errorf("store that a clock fired: %w", err)
	}
	return w.step(&h, t.Step)
}

// step does what a clock is for.
func (w *work) step(h *Handoff, s Step) error {
	switch s {
	case StepWarn:
		return w.goOn(h, s, "warning")
	case StepContact:
		return w.goOn(h, s, "breach")
	case StepEscalate:
		return w.goOn(h, s, "escalated")
	case StepReassign:
		return w.reassign(h)
	case StepReturn:
		return w.giveBack(h, Return, "clock")
	case StepAsk:
		return w.ask(h)
	case StepRecycle:
		return w.reopen(h)
	case StepReview:
		return w.review(h)
	}
	return fault.New(fault.Internal, "a clock has the unknown step %q", s)
}

// goOn tells of a step and winds the clock for the next.
func (w *work) goOn(h *Handoff, done Step, on string) error {
	if err := h.next(w.tx, w.plan, w.hoursOf(h), done); err != nil {
		return err
	}
	if err := w.settle(h, "clock", string(done)); err != nil {
		return err
	}
	return w.tell(h, on, string(done))
}

// review reminds of a lead that nobody has moved for long, and looks again later.
func (w *work) review(h *Handoff) error {
	h.Turn++
	on := "escalated"
	if !h.State.Live() {
		on = "returned"
	}
	if err := h.wind(w.tx, StepReview, w.now.Add(reviewDeals)); err != nil {
		return err
	}
	if err := w.settle(h, "clock", string(StepReview)); err != nil {
		return err
	}
	return w.tell(h, on, string(StepReview))
}

// cause says why the promise was broken.
func (w *work) cause(h *Handoff, late bool) Cause {
	system, ok := h.SystemTime()
	open := h.BeginAt
	switch {
	case h.Owner == "":
		return CauseCapacity
	case late || ok && h.Turn <= 1 && system > max(w.plan.SLA[h.Track].FirstContact, lateness):
		return CauseSystem
	case w.hoursOf(h).Between(open, h.DueAt) == 0 && h.DueAt > open:
		return CauseClosed
	case h.State == Accepted:
		return CauseUncontacted
	case w.load[h.Owner] >= w.capacity(h.Owner):
		return CauseCapacity
	}
	return CauseNobody
}

func (w *work) capacity(r route.RepID) int {
	if rep, ok := w.reps[r]; ok {
		return rep.Capacity
	}
	return route.Unlimited
}
