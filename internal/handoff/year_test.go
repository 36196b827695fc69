package handoff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/handoff"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// year is a company in which people come and go, teams are dissolved, and answers come or do not.
type year struct {
	*rig
	rng   *rand.Rand
	leads int
	hired int
}

// A year with leavers, absences, deleted teams and answers that fail half way: after every fact and every
// step of a clock each lead has one owner, one state and one next action with a date.
func TestYear_nobodyIsOrphaned(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		y := &year{rig: newRig(t, d), rng: rand.New(rand.NewPCG(1, 2))}
		y.plan.Teams = []handoff.Team{
			{ID: "emea", Overflow: "sales", Inbound: route.Policy{Wait: true, MaxWait: 48 * time.Hour}},
			{ID: "sales", Fallback: true},
		}
		office, problems := calendar.Compile(calendar.Spec{ID: "office", Zone: "Europe/Berlin", Hours: map[string]calendar.Times{
			"mon": {"09:00-17:00"}, "tue": {"09:00-17:00"}, "wed": {"09:00-17:00"}, "thu": {"09:00-17:00"}, "fri": {"09:00-15:00"},
		}})
		if problems != nil {
			t.Fatal(problems)
		}
		y.plan.Calendars["office"] = office
		y.plan.Teams[0].Calendar = "office"
		y.plan.Rules = []route.Rule{{ID: "inbound", Track: decide.TrackInbound, Team: "emea"}}
		for range 4 {
			y.hire()
		}
		for week := range 52 {
			y.week(week)
		}
		y.pass(130 * 24 * time.Hour) // whatever is left ends by itself
		y.ended()
	})
}

func (y *year) hire() {
	y.hired++
	teams := []route.TeamID{"emea", "sales"}[y.hired%2:]
	y.mu.Lock()
	defer y.mu.Unlock()
	p := rep(fmt.Sprintf("rep%d@x.example", y.hired), 2+y.rng.IntN(3), teams...)
	if teams[0] == "emea" {
		p.Calendar = "office"
	}
	y.staff = append(y.staff, p)
}

func (y *year) week(week int) {
	for range 1 + y.rng.IntN(2) {
		y.arrive()
	}
	for range 3 {
		y.move()
		y.reply()
		y.pass(time.Duration(y.rng.Int64N(int64(56 * time.Hour))))
	}
	y.mu.Lock()
	switch who := &y.staff[y.rng.IntN(len(y.staff))]; y.rng.IntN(6) {
	case 0:
		who.Rep.Active = false
	case 1:
		now := lead.Instant(y.now.Load())
		who.Away = append(who.Away, calendar.Span{From: now, To: now.Add(14 * 24 * time.Hour)})
	}
	y.mu.Unlock()
	if y.rng.IntN(5) == 0 {
		y.hire()
	}
	if week == 20 {
		y.plan.Teams = y.plan.Teams[1:] // the team is dissolved
		y.plan.Rules = nil
	}
	if err := y.desk.Tidy(y.Context()); err != nil {
		y.Fatal(err)
	}
	y.check()
}

func (y *year) arrive() {
	y.leads++
	track := []decide.Track{decide.TrackInbound, decide.TrackNurture}[y.rng.IntN(2)]
	y.consider(lead.PersonID(y.leads), decide.Outcome{}, outcome(decide.Engage, track))
}

// move changes what the fold thinks of some lead.
func (y *year) move() {
	p := lead.PersonID(1 + y.rng.IntN(y.leads))
	all := []decide.Outcome{
		outcome(decide.Engage, decide.TrackInbound), outcome(decide.Review, decide.TrackNurture), outcome(decide.Nurture, decide.TrackNurture),
		outcome(decide.Disqualify, ""),
	}
	y.consider(p, all[y.rng.IntN(len(all))], all[y.rng.IntN(len(all))])
}

// reply answers something; some answers fail after everything was written.
func (y *year) reply() {
	h := y.last(lead.PersonID(1 + y.rng.IntN(y.leads)))
	actions := []handoff.Action{handoff.Accept, handoff.Contact, handoff.Qualify, handoff.Reject, handoff.Recycle, handoff.Disqualify}
	a := handoff.Answer{Action: actions[y.rng.IntN(len(actions))], Reached: y.rng.IntN(2) == 0}
	if slices.Index(actions, a.Action) > 2 {
		a.Reason = "too_early"
	}
	if h.Owner == "" {
		a.As = y.staff[len(y.staff)-1].Rep.ID
	}
	_, err := y.desk.Answer(y.Context(), h.ID, a, access.Machine())
	if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
		y.Fatal(err)
	}
	y.check()
}

// ended looks at what is left after everybody has gone home: only deals that sales keeps.
func (y *year) ended() {
	err := y.d.Read(y.Context(), func(tx *db.Tx) error {
		all, err := handoff.List(tx, handoff.Filter{}, 0, 10_000)
		seen := map[handoff.State]int{}
		for _, h := range all {
			seen[h.State]++
			if h.State.Pending() {
				y.Errorf("handoff %d is still %s", h.ID, h.State)
			}
		}
		for _, s := range []handoff.State{handoff.Returned, handoff.Rejected, handoff.Withdrawn, handoff.Disqualified} {
			if seen[s] == 0 {
				y.Errorf("nothing was ever %s: the year is too quiet to prove anything (%v)", s, seen)
			}
		}
		return err
	})
	if err != nil {
		y.Fatal(err)
	}
}
