package handoff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cusp/internal/condition"
	"cusp/internal/db"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// work is what one transaction knows of the plan and the people. Pools are locked as long as it lasts once
// it assigns.
type work struct {
	d       *Desk
	tx      *db.Tx
	now     lead.Instant
	plan    *Plan
	version int
	staff   []Person
	book    *route.Book
	reps    route.Reps
	load    map[route.RepID]int
	pools   route.Pools // nil before the first assignment
}

func (d *Desk) look(tx *db.Tx, now lead.Instant) (*work, error) {
	w := &work{d: d, tx: tx, now: now}
	w.plan, w.version = d.o.Plan()
	if w.plan == nil {
		w.plan = DefaultPlan()
	}
	var err error
	if w.staff, err = d.o.Roster(tx); err != nil {
		return nil, fmt.Errorf("read who is there: %w", err)
	}
	w.book = w.plan.book(w.staff)
	return w, w.count()
}

// count fills in who is there at this moment and how much they have.
func (w *work) count() (err error) {
	if w.load, err = loads(w.tx); err != nil {
		return err
	}
	w.reps = route.Reps{}
	for i := range w.staff {
		s := &w.staff[i]
		r := s.Rep
		r.Open = w.load[r.ID]
		hours := w.plan.hours(s).Without(s.Away...)
		r.Absent = slices.ContainsFunc(s.Away, func(a calendar.Span) bool { return a.From <= w.now && w.now < a.To })
		r.OpenNow = hours.Open(w.now)
		if at, ok := hours.NextOpen(w.now); ok && !r.OpenNow {
			r.NextOpen = at
		}
		w.reps[r.ID] = r
	}
	return nil
}

// hoursOf is the calendar on which a handoff's clock runs: the owner's, else the team's.
func (w *work) hoursOf(h *Handoff) calendar.Calendar {
	if i := slices.IndexFunc(w.staff, func(s Person) bool { return s.Rep.ID == h.Owner }); i >= 0 && h.Owner != "" {
		return w.plan.hours(&w.staff[i]).Without(w.staff[i].Away...)
	}
	if t, ok := w.plan.team(h.Team); ok {
		return w.plan.teamHours(t)
	}
	return calendar.Always()
}

// assign routes a handoff and starts its clock. The pools are locked and the loads counted again first,
// so that two servers never count the same free place twice.
func (w *work) assign(h *Handoff) error {
	if w.pools == nil {
		var err error
		if w.pools, err = pools(w.tx, w.plan, true); err != nil {
			return err
		}
		if err = w.count(); err != nil {
			return err
		}
	}
	owner, err := ownerOf(w.tx, h.Account, h.Person)
	if err != nil {
		return err
	}
	q := h.question(owner)
	after, a, hops := route.Assign(w.book, w.reps, w.pools, q, w.now)
	if a.Turn {
		if err := keepPool(w.tx, a.Team, after[a.Team]); err != nil {
			return err
		}
	}
	w.pools = after
	h.Hops, h.Given = hops, 0
	if a.Turn {
		h.Given = q.Handoff
	}
	return w.place(h, a)
}

// place makes an assignment true.
func (w *work) place(h *Handoff, a route.Assignment) error {
	h.Turn++
	h.Team, h.Owner, h.AssignedAt, h.BeginAt, h.DueAt = a.Team, a.Rep, w.now, w.now, 0
	if a.From > w.now && a.From != lead.Never {
		h.BeginAt = a.From
	}
	switch a.Outcome {
	case route.ToRep, route.ToManager:
		if rep, ok := w.reps[a.Rep]; ok {
			rep.Open++
			w.reps[a.Rep] = rep
		}
		if h.Began == 0 {
			h.Began = h.BeginAt
		}
		h.DueAt = w.plan.promise(h, w.hoursOf(h))
		return h.next(w.tx, w.plan, w.hoursOf(h), "")
	case route.ToQueue:
		h.AssignedAt = 0
		h.DueAt = w.plan.promise(h, w.hoursOf(h))
		at := min(a.From, w.now.Add(askAgain))
		if a.From != lead.Never && a.From > w.now {
			at = a.From
		}
		return h.wind(w.tx, StepAsk, at)
	case route.ToMarketing:
	}
	h.AssignedAt = 0
	return nil
}

// question is the handoff as routing sees it. Each turn is a question of its own.
func (h *Handoff) question(accountOwner route.RepID) *route.Lead {
	person, account := h.Facts.Person, h.Facts.Account
	text := func(keys ...string) string {
		for _, k := range keys {
			for _, m := range []map[string]any{person, account} {
				if s, ok := m[k].(string); ok && s != "" {
					return s
				}
			}
		}
		return ""
	}
	return &route.Lead{
		Handoff: route.HandoffID(int64(h.ID)<<10 | int64(h.Turn+1)&1023),
		Facts:   &condition.Facts{Person: person, Account: account, History: remembered{h.Facts}},
		Owner:   h.keeper(), AccountOwner: accountOwner, Track: h.Track,
		Language: strings.ReplaceAll(text("language", "locale"), "_", "-"),
		Country:  text("country", "country_code"), Industry: text("industry"), Tier: text("tier", "size_tier"),
		Engagement: h.Facts.Intent, Refused: h.Refused,
	}
}

// keeper is who had the lead in its last round; a handoff that comes back goes to whoever knows it.
func (h *Handoff) keeper() route.RepID {
	if h.Owner != "" && !slices.Contains(h.Refused, h.Owner) {
		return h.Owner
	}
	return ""
}

// remembered answers what conditions ask about a lead from what was known at its handoff. Counts of
// signals are not kept with it.
type remembered struct{ f Facts }

// Count is zero: single signals are not kept with a handoff.
func (remembered) Count(int, float64) int { return 0 }

// SecondsSince is unknown for the same reason.
func (remembered) SecondsSince(int) (float64, bool) { return 0, false }

// Fit is the fit at the time.
func (r remembered) Fit() (float64, bool) {
	if r.f.Fit == nil {
		return 0, false
	}
	return *r.f.Fit, true
}

// Intent is the intent at the time.
func (r remembered) Intent() float64 { return r.f.Intent }

// settle stores a handoff and who owns its lead.
func (w *work) settle(h *Handoff, by, cause string) error {
	if err := h.save(w.tx); err != nil {
		return err
	}
	return h.own(w.tx, w.now, cause, by)
}

// tell asks for messages; occasion makes the key differ within a turn.
func (w *work) tell(h *Handoff, on, occasion string) error {
	if w.d.o.Tell == nil {
		return nil
	}
	key := strings.Join([]string{strconv.FormatInt(int64(h.ID), 10), strconv.Itoa(h.Turn), on, occasion}, "/")
	if err := w.d.o.Tell(w.tx, Notice{On: on, Key: key, Handoff: *h, At: w.now}); err != nil {
		return fmt.Errorf("tell of handoff %d: %w", h.ID, err)
	}
	return nil
}

// snapshot keeps what was known of a lead. What cannot be packed as JSON is left out.
func snapshot(c *Change) Facts {
	f := Facts{Person: packable(c.PersonTraits), Account: packable(c.AccountTraits), Intent: c.Intent}
	if c.Fit.Known {
		fit := c.Fit.Score
		f.Fit = &fit
	}
	return f
}

func packable(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if _, err := json.Marshal(v); err == nil {
			out[k] = v
		}
	}
	return out
}
