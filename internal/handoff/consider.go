package handoff

import (
	"cmp"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// Consider opens, updates and withdraws handoffs of leads whose outcome changed, within the transaction
// that changed it: engage and review open one, a raised hand turns an open one into an inbound one with
// a clock of its own, a disqualification withdraws what nobody has touched. A lead has at most one live
// handoff, however many servers consider it at once.
func (d *Desk) Consider(tx *db.Tx, changes []Change, now lead.Instant) error {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Person, b.Person) })
	var w *work
	for i := range changes {
		c := &changes[i]
		if !c.matters() {
			continue
		}
		o, err := lockOwnership(tx, c.Person, now)
		if err != nil {
			return err
		}
		if w == nil {
			if w, err = d.look(tx, now); err != nil {
				return err
			}
		}
		if err := w.consider(c, o); err != nil {
			return fmt.Errorf("consider %s: %w", c.Person, err)
		}
	}
	return nil
}

// wants says whether an outcome asks for sales.
func wants(o decide.Outcome) bool { return o.Decision == decide.Engage || o.Decision == decide.Review }

func (c *Change) matters() bool {
	return wants(c.To) || wants(c.From) || c.To.Decision == decide.Disqualify || c.From.Decision == decide.Disqualify
}

func (w *work) consider(c *Change, o Ownership) error {
	last, ok, err := Last(w.tx, c.Person)
	if err != nil {
		return err
	}
	switch {
	case ok && last.State.Live():
		return w.update(&last, c)
	case c.To.Decision == decide.Disqualify:
		return w.drop(c, o, &last)
	case !wants(c.To):
		return w.relieve(o)
	case ok && !reopens(&last, c):
		return nil
	}
	return w.open(c, &last)
}

// reopens says whether a lead that sales gave back is to be handed over again by a change. The fold keeps
// the cooldown after a rejection; here a date that sales gave and a disqualification by sales hold unless
// the lead raises a hand after it.
func reopens(last *Handoff, c *Change) bool {
	raised := c.To.Track == decide.TrackInbound && c.At > last.ClosedAt
	switch last.State {
	case Recycled, Disqualified:
		return raised
	case Rejected, Returned, Withdrawn:
		return c.At > last.ClosedAt || c.From.Decision == decide.Disqualify
	case Open, Accepted, Contacted, Qualified:
	}
	return false
}

// open begins a handoff; last is the one before, if it has an id.
func (w *work) open(c *Change, last *Handoff) error {
	if err := last.rest(w.tx); err != nil {
		return err
	}
	h := Handoff{
		Person: c.Person, Account: c.Account, Round: last.Round + 1, State: Open, Track: track(c.To), Decision: c.To.Decision,
		EventAt: c.At, OpenedAt: w.now, BeginAt: w.now, PeakAt: c.Peak, Version: w.version, Business: -1, Stage: "mql",
		Detail: Detail{Facts: snapshot(c)},
	}
	if h.PeakAt == 0 {
		h.PeakAt = c.At
	}
	if last.ID != 0 {
		h.Refused = slices.Clone(last.Refused)
		if last.State == Recycled {
			h.Owner = last.Owner // who knows it gets it
		}
	}
	if err := h.save(w.tx); err != nil {
		return err
	}
	return w.hand(&h, "decision", "fold", "assigned")
}

func track(o decide.Outcome) decide.Track {
	if o.Track == decide.TrackInbound {
		return decide.TrackInbound
	}
	return decide.TrackNurture
}

// rest stops what a closed handoff still had to do.
func (h *Handoff) rest(tx *db.Tx) error {
	if h.ID == 0 || h.Step == "" {
		return nil
	}
	if err := h.stop(tx); err != nil {
		return err
	}
	return h.save(tx)
}

// hand assigns a handoff and tells of it. One that nobody can take stays with marketing, which looks at it.
func (w *work) hand(h *Handoff, cause, by, on string) error {
	if err := w.assign(h); err != nil {
		return err
	}
	if h.Owner == "" && (h.Team == "" || w.over(h)) {
		return w.giveBack(h, Return, by)
	}
	if err := w.settle(h, by, cause); err != nil {
		return err
	}
	return w.tell(h, on, "")
}

// update notes what changed of a lead that sales has.
func (w *work) update(h *Handoff, c *Change) error {
	gone := c.To.Decision == decide.Disqualify || c.Revised && !wants(c.To)
	if gone && h.State == Open && h.AcceptedAt == 0 && h.Attempts == 0 {
		h.Reason = string(c.To.Rule)
		return w.giveBack(h, Withdraw, "fold")
	}
	if !h.State.Pending() || !wants(c.To) {
		return nil
	}
	h.Facts, h.Account = snapshot(c), c.Account
	if c.Peak > 0 {
		h.PeakAt = c.Peak
	}
	if c.To.Decision == decide.Engage {
		h.Decision = decide.Engage
	}
	if c.To.Track != decide.TrackInbound || h.Track == decide.TrackInbound {
		return h.save(w.tx)
	}
	return w.upgrade(h, c)
}

// upgrade turns a handoff into one of a lead that raised a hand: its clock begins anew.
func (w *work) upgrade(h *Handoff, c *Change) error {
	if err := h.move(Upgrade); err != nil {
		return err
	}
	if err := h.stop(w.tx); err != nil {
		return err
	}
	h.Track, h.EventAt, h.OpenedAt, h.DueAt, h.Began = decide.TrackInbound, c.At, w.now, 0, 0
	if h.Owner == "" {
		return w.hand(h, "raised_hand", "fold", "assigned")
	}
	h.Turn++
	h.BeginAt, h.AssignedAt = w.now, w.now
	if rep, ok := w.reps[h.Owner]; ok && !rep.OpenNow && rep.NextOpen > w.now {
		h.BeginAt = rep.NextOpen
	}
	h.Began = h.BeginAt
	hours := w.hoursOf(h)
	if h.State == Contacted {
		h.TouchedAt = w.now
	}
	h.DueAt = w.plan.promise(h, hours)
	if err := h.next(w.tx, w.plan, hours, ""); err != nil {
		return err
	}
	if err := w.settle(h, "fold", "raised_hand"); err != nil {
		return err
	}
	return w.tell(h, "assigned", "inbound")
}

// giveBack ends a handoff without an answer of sales: marketing owns the lead and looks at it.
func (w *work) giveBack(h *Handoff, do Action, by string) error {
	if err := h.move(do); err != nil {
		return err
	}
	if err := h.stop(w.tx); err != nil {
		return err
	}
	h.ClosedAt, h.TouchedAt, h.By = w.now, w.now, by
	h.Turn++
	if do == Return && h.Reason == "" {
		h.Reason = "nobody_answered"
		if h.Owner == "" {
			h.Reason = "nobody_available"
		}
	}
	if do == Return {
		if err := h.wind(w.tx, StepReview, w.now.Add(lookAgain)); err != nil {
			return err
		}
	}
	if err := w.settle(h, by, string(do)); err != nil {
		return err
	}
	if err := w.room(h); err != nil {
		return err
	}
	return w.tell(h, "returned", "")
}

// drop writes down that a lead is none; a return that was planned is off.
func (w *work) drop(c *Change, o Ownership, last *Handoff) error {
	if err := last.rest(w.tx); err != nil {
		return err
	}
	after := o
	after.State, after.NextAction, after.NextAt, after.Clock, after.Since = stateDisqualified, ActNever, 0, "", w.now
	after.Reason = cmp.Or(string(c.To.Rule), string(decide.RuleExcluded))
	return change(w.tx, o, after, w.now, "decision", "fold", o.State == stateDisqualified)
}

// relieve gives a lead that was disqualified by the fold and is not any more back to nurture.
func (w *work) relieve(o Ownership) error {
	if o.NextAction != ActNever || o.Reason != string(decide.RuleExcluded) {
		return nil
	}
	after := o
	after.State, after.NextAction, after.NextAt, after.Reason, after.Since = StateNurture, ActNurture, w.now.Add(lookAgain), "", w.now
	return change(w.tx, o, after, w.now, "decision", "fold", false)
}

// reassign gives a handoff whose clock ran out to the next rep. When nobody else can take it, it stays
// where it is until it goes back.
func (w *work) reassign(h *Handoff) error {
	next := *h
	next.Owner, next.Refused = "", slices.Clone(h.Refused)
	if h.Owner != "" {
		next.Refused = append(next.Refused, h.Owner)
	}
	now, err := pools(w.tx, w.plan, true)
	if err != nil {
		return err
	}
	w.pools = now
	a, _ := route.DryRun(w.book, w.reps, w.pools, next.question(""), w.now)
	if a.Outcome == route.ToMarketing || a.Rep != "" && slices.Contains(next.Refused, a.Rep) {
		return w.goOn(h, StepReassign, "escalated")
	}
	h.Refused = next.Refused
	return w.again(h, "reassign", "clock")
}

// again routes a live handoff anew.
func (w *work) again(h *Handoff, cause, by string) error {
	if err := h.move(Assign); err != nil {
		return err
	}
	if err := h.stop(w.tx); err != nil {
		return err
	}
	h.Owner, h.AcceptedAt = "", 0
	return w.hand(h, cause, by, "reassigned")
}

// ask asks a team again that could not take a handoff before.
func (w *work) ask(h *Handoff) error { return w.again(h, "ask", "clock") }

// over says whether the time is over in which somebody should have taken a handoff.
func (w *work) over(h *Handoff) bool {
	marks := w.plan.schedule(h, w.hoursOf(h))
	n := len(marks)
	return n > 0 && marks[n-1].step == StepReturn && marks[n-1].at <= w.now
}

// reopen hands a recycled lead over again, in a new round, to whoever had it, unless it is none any more.
func (w *work) reopen(last *Handoff) error {
	c, err := w.outlook(last)
	if err != nil {
		return err
	}
	if c.To.Decision == decide.Disqualify {
		o, err := lockOwnership(w.tx, last.Person, w.now)
		if err != nil {
			return err
		}
		return w.drop(&c, o, last)
	}
	if err := last.save(w.tx); err != nil {
		return err
	}
	newest, _, err := Last(w.tx, last.Person)
	if err != nil || newest.ID != last.ID {
		return err // a newer round has taken its place
	}
	return w.open(&c, last)
}

// outlook is what is known now of a recycled lead. One that would be left to marketing is to be reviewed
// all the same, since sales gave the date.
func (w *work) outlook(last *Handoff) (Change, error) {
	review := decide.Outcome{Decision: decide.Review, Track: decide.TrackNurture}
	if w.d.o.Outlook != nil {
		switch c, ok, err := w.d.o.Outlook(w.tx, last.Person); {
		case err != nil:
			return Change{}, err
		case ok:
			c.At = w.now
			if c.To.Decision != decide.Disqualify && !wants(c.To) {
				c.To.Decision, c.To.Track = review.Decision, review.Track
			}
			return c, nil
		}
	}
	return Change{
		Person: last.Person, Account: last.Account, At: w.now, Peak: last.PeakAt, Intent: last.Facts.Intent,
		To: review, PersonTraits: last.Facts.Person, AccountTraits: last.Facts.Account,
	}, nil
}
