package handoff_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// start is a Monday morning.
var start = lead.At(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))

// rig is a desk on a database with a clock that the test sets.
type rig struct {
	*testing.T
	d     *db.DB
	desk  *handoff.Desk
	plan  *handoff.Plan
	now   atomic.Int64
	mu    sync.Mutex
	staff []handoff.Person
	told  []string
	facts []lead.Event
	known map[lead.PersonID]decide.Outcome // how leads stand when their date comes
}

func rep(id string, capacity int, teams ...route.TeamID) handoff.Person {
	return handoff.Person{
		Rep: route.Rep{ID: route.RepID(id), Name: id, Active: true, Weight: 1, Capacity: capacity}, Teams: teams,
	}
}

func newRig(t *testing.T, d *db.DB, staff ...handoff.Person) *rig {
	t.Helper()
	r := &rig{T: t, d: d, staff: staff, plan: handoff.DefaultPlan()}
	r.now.Store(int64(start))
	r.desk = handoff.New(handoff.Options{
		DB:   d,
		Plan: func() (*handoff.Plan, int) { return r.plan, 1 },
		Roster: func(*db.Tx) ([]handoff.Person, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return slices.Clone(r.staff), nil
		},
		Outlook: func(_ *db.Tx, person lead.PersonID) (handoff.Change, bool, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			to, ok := r.known[person]
			return handoff.Change{Person: person, Account: 7, From: to, To: to}, ok, nil
		},
		State: func(ctx context.Context, fact lead.Event, with func(*db.Tx) error) error {
			err := d.Write(ctx, with)
			if err == nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.facts = append(r.facts, fact)
			}
			return err
		},
		Now: func() lead.Instant { return lead.Instant(r.now.Load()) },
		Tell: func(_ *db.Tx, n handoff.Notice) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, n.On)
			return nil
		},
	})
	return r
}

// on runs a test on each engine with two reps.
func on(t *testing.T, f func(r *rig)) {
	t.Helper()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		f(newRig(t, d, rep("ann@x.example", 50, "sales"), rep("bob@x.example", 50, "sales")))
	})
}

func outcome(d decide.Decision, t decide.Track) decide.Outcome {
	o := decide.Outcome{Decision: d, Track: t, Rule: decide.Rule(d)}
	if d == decide.Disqualify {
		o.Rule = decide.RuleExcluded
	}
	return o
}

func (r *rig) consider(p lead.PersonID, from, to decide.Outcome) {
	r.Helper()
	at := lead.Instant(r.now.Load())
	err := r.d.Write(r.Context(), func(tx *db.Tx) error {
		return r.desk.Consider(tx, []handoff.Change{{Person: p, Account: 7, At: at, From: from, To: to}}, at)
	})
	if err != nil {
		r.Fatal(err)
	}
	r.check()
}

func (r *rig) engage(p lead.PersonID) handoff.Handoff {
	r.Helper()
	r.consider(p, decide.Outcome{}, outcome(decide.Engage, decide.TrackNurture))
	return r.last(p)
}

func (r *rig) raise(p lead.PersonID) handoff.Handoff {
	r.Helper()
	r.consider(p, decide.Outcome{}, outcome(decide.Engage, decide.TrackInbound))
	return r.last(p)
}

func (r *rig) last(p lead.PersonID) (h handoff.Handoff) {
	r.Helper()
	err := r.d.Write(r.Context(), func(tx *db.Tx) (err error) {
		h, _, err = handoff.Last(tx, p)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return h
}

func (r *rig) owner(p lead.PersonID) (o handoff.Ownership) {
	r.Helper()
	err := r.d.Read(r.Context(), func(tx *db.Tx) (err error) {
		o, err = handoff.OwnerOf(tx, p)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return o
}

func (r *rig) check() {
	r.Helper()
	err := r.d.Read(r.Context(), func(tx *db.Tx) error {
		orphans, err := handoff.Check(tx)
		for _, o := range orphans {
			r.Errorf("%s: %s", o.Person, o.Problem)
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	if r.Failed() {
		r.FailNow()
	}
}

// pass lets time pass and fires every clock on the way.
func (r *rig) pass(d time.Duration) {
	r.Helper()
	end := lead.Instant(r.now.Load()).Add(d)
	for {
		var at lead.Instant
		err := r.d.Write(r.Context(), func(tx *db.Tx) (err error) {
			if at, err = handoff.NextTimer(tx, end); err != nil || at == 0 {
				return err
			}
			r.now.Store(max(r.now.Load(), int64(at)))
			return r.desk.FireNext(tx, end)
		})
		if err != nil {
			r.Fatal(err)
		}
		if at == 0 {
			break
		}
		r.check()
	}
	r.now.Store(int64(end))
}

func (r *rig) answer(h handoff.Handoff, a handoff.Answer) handoff.Handoff {
	r.Helper()
	got, err := r.desk.Answer(r.Context(), h.ID, a, access.Machine())
	if err != nil {
		r.Fatal(err)
	}
	r.check()
	return got
}

func (r *rig) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

func TestDiagramIsTheTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/states/handoff.md")
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, m := range regexp.MustCompile(`(?m)^ {4}(\w+ --> \w+: \w+)$`).FindAllStringSubmatch(string(page), -1) {
		drawn = append(drawn, m[1])
	}
	coded := handoff.Arrows()
	slices.Sort(drawn)
	slices.Sort(coded)
	if diff := cmp.Diff(coded, drawn); diff != "" {
		t.Errorf("docs/states/handoff.md differs from the code (-code +page):\n%s", diff)
	}
	for _, arrow := range coded {
		_, action, _ := strings.Cut(arrow, ": ")
		if !strings.Contains(string(page), "\n| "+action+" | ") {
			t.Errorf("docs/states/handoff.md does not explain %s", action)
		}
	}
}

func TestConsider_engageOpensOne(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		if h.State != handoff.Open || h.Owner != "ann@x.example" || h.Round != 1 || len(h.Hops) == 0 || h.AssignedAt != start || h.PeakAt != start {
			r.Errorf("got %+v", h)
		}
		if o := r.owner(1); o.Kind != handoff.ByPerson || o.NextAction != handoff.ActAnswer || o.NextAt != h.StepAt {
			r.Errorf("owner is %+v", o)
		}
		r.consider(1, outcome(decide.Engage, decide.TrackNurture), outcome(decide.Review, decide.TrackNurture))
		if again := r.last(1); again.ID != h.ID {
			r.Errorf("a second handoff was opened: %+v", again)
		}
	})
}

func TestConsider_nurtureOpensNone(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.consider(1, decide.Outcome{}, outcome(decide.Nurture, decide.TrackNurture))
		if h := r.last(1); h.ID != 0 {
			r.Errorf("opened %+v", h)
		}
	})
}

func TestConsider_raisedHandStartsItsOwnClock(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		r.pass(time.Hour)
		r.consider(1, outcome(decide.Engage, decide.TrackNurture), outcome(decide.Engage, decide.TrackInbound))
		up := r.last(1)
		if up.ID != h.ID || up.Track != decide.TrackInbound || up.DueAt != start.Add(time.Hour+5*time.Minute) {
			r.Errorf("got %+v", up)
		}
	})
}

func TestConsider_disqualifiedBeforeAnybodyTouchedItIsWithdrawn(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.engage(1)
		none := outcome(decide.Disqualify, "")
		r.consider(1, outcome(decide.Engage, decide.TrackNurture), none)
		if h := r.last(1); h.State != handoff.Withdrawn || h.Reason != "excluded" {
			r.Errorf("got %+v", h)
		}
		h := r.engage(2)
		r.answer(h, handoff.Answer{Action: handoff.Accept})
		r.consider(2, outcome(decide.Engage, decide.TrackNurture), none)
		if h := r.last(2); h.State != handoff.Accepted {
			r.Errorf("taken from a rep who had accepted it: %+v", h)
		}
	})
}

// Many servers consider the same leads at once: each lead gets one handoff, and turns stay fair.
func TestConsider_atOnceOpensExactlyOne(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		const leads, rivals = 8, 100
		var wg sync.WaitGroup
		failed := make(chan error, rivals)
		for range rivals {
			wg.Go(func() {
				var changes []handoff.Change
				for p := range lead.PersonID(leads) {
					changes = append(changes, handoff.Change{Person: p + 1, At: start, To: outcome(decide.Engage, decide.TrackInbound)})
				}
				failed <- r.d.Write(r.Context(), func(tx *db.Tx) error { return r.desk.Consider(tx, changes, start) })
			})
		}
		wg.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				r.Fatal(err)
			}
		}
		had := map[route.RepID]int{}
		err := r.d.Read(r.Context(), func(tx *db.Tx) error {
			all, err := handoff.List(tx, handoff.Filter{State: "live"}, 0, 1000)
			if len(all) != leads {
				r.Errorf("%d handoffs for %d leads", len(all), leads)
			}
			for _, h := range all {
				had[h.Owner]++
			}
			return err
		})
		if err != nil {
			r.Fatal(err)
		}
		if had["ann@x.example"] != leads/2 || had["bob@x.example"] != leads/2 {
			r.Errorf("the reps had %v", had)
		}
		r.check()
	})
}

func TestClock_runsFromWarningToReturn(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.raise(1)
		if h.DueAt != start.Add(5*time.Minute) {
			r.Errorf("due at %s", h.DueAt)
		}
		r.pass(12 * time.Minute)
		if got, want := r.heard(), []string{"assigned", "warning", "breach", "escalated"}; !slices.Equal(got, want) {
			r.Errorf("told of %v, want %v", got, want)
		}
		if h = r.last(1); h.Breach != handoff.CauseNobody || h.Late {
			r.Errorf("breach %q, late %v", h.Breach, h.Late)
		}
		r.pass(4 * time.Minute)
		if h = r.last(1); h.Owner != "bob@x.example" || !slices.Contains(h.Refused, "ann@x.example") {
			r.Errorf("after the time was over it is with %q", h.Owner)
		}
		r.pass(25 * time.Hour)
		if h = r.last(1); h.State != handoff.Returned || h.Reason == "" {
			r.Errorf("nobody touched it, and it is %s", h.State)
		}
		if o := r.owner(1); o.Kind != handoff.ByMarketing || o.NextAt == 0 {
			r.Errorf("owner is %+v", o)
		}
	})
}

func TestClock_firesOnce(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.raise(1)
		for range 3 {
			r.now.Store(int64(h.StepAt))
			if err := r.d.Write(r.Context(), func(tx *db.Tx) error { return r.desk.FireAgain(tx, h) }); err != nil {
				r.Fatal(err)
			}
		}
		if got := r.heard(); !slices.Equal(got, []string{"assigned", "warning"}) {
			r.Errorf("told of %v", got)
		}
	})
}

func TestClock_lateStepsAreMarked(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.raise(1)
		r.now.Store(int64(start.Add(8 * time.Minute))) // no server was running
		if err := r.d.Write(r.Context(), func(tx *db.Tx) error { return r.desk.FireAgain(tx, h) }); err != nil {
			r.Fatal(err)
		}
		r.pass(0)
		if h = r.last(1); !h.Late || h.Breach != handoff.CauseSystem {
			r.Errorf("late %v, breach %q", h.Late, h.Breach)
		}
	})
}

func TestClock_acceptingKeepsThePromise(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.raise(1)
		r.pass(time.Minute)
		h = r.answer(h, handoff.Answer{Action: handoff.Accept})
		if h.State != handoff.Accepted || h.Step != handoff.StepWarn {
			r.Errorf("got %s, next step %q", h.State, h.Step)
		}
		r.pass(time.Minute)
		h = r.answer(h, handoff.Answer{Action: handoff.Contact, Reached: true})
		wall, business, ok := h.HumanTime()
		if !ok || wall != 2*time.Minute || business != 2*time.Minute {
			r.Errorf("human time %v, %v, %v", wall, business, ok)
		}
		r.pass(10 * time.Minute)
		if h = r.last(1); h.Breach != "" || h.State != handoff.Contacted {
			r.Errorf("breach %q in state %s", h.Breach, h.State)
		}
		r.pass(50 * time.Hour)
		if h = r.last(1); h.State != handoff.Returned {
			r.Errorf("contacted and never answered, and it is %s", h.State)
		}
	})
}

func TestAnswer_attemptIsNoContact(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.answer(r.raise(1), handoff.Answer{Action: handoff.Contact})
		if h.State != handoff.Open || h.Attempts != 1 || h.ContactedAt != 0 {
			r.Errorf("got %+v", h)
		}
	})
}

func TestAnswer_rejectHasExactlyOneKnownReason(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		for _, code := range []string{"", "because"} {
			_, err := r.desk.Answer(r.Context(), h.ID, handoff.Answer{Action: handoff.Reject, Reason: code}, access.Machine())
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprintf("%+v", hint(err)), "no_budget") {
				r.Errorf("reason %q: %v, hint %q", code, err, hint(err))
			}
		}
		h = r.answer(h, handoff.Answer{Action: handoff.Reject, Reason: "no_budget", Note: "next year"})
		if h.State != handoff.Rejected || h.Barrier != handoff.QualificationGap || h.Stage != "mql" || h.ClosedAt == 0 {
			r.Errorf("got %+v", h)
		}
		if f := r.facts[len(r.facts)-1]; f.Name != "rejected" || f.UserID != lead.PersonID(1).String() || !f.Flags.Has(lead.Trusted) {
			r.Errorf("the fold hears %+v", f)
		}
		if next := r.engage(2); next.Owner != "ann@x.example" {
			r.Errorf("the turn was not given back: %s", next.Owner)
		}
	})
}

func hint(err error) string {
	for err != nil {
		if e, ok := err.(*fault.Error); ok { //nolint:errorlint // every layer is looked at
			return e.Hint
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return ""
		}
		err = u.Unwrap()
	}
	return ""
}

func TestAnswer_recycledComesBackByItself(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		back := start.Add(90 * 24 * time.Hour)
		r.answer(h, handoff.Answer{Action: handoff.Recycle, Reason: "too_early"})
		if o := r.owner(1); o.Kind != handoff.ByMarketing || o.NextAction != handoff.ActRecycle || o.NextAt != back {
			r.Errorf("owner is %+v", o)
		}
		r.consider(1, outcome(decide.Nurture, decide.TrackNurture), outcome(decide.Engage, decide.TrackNurture))
		if l := r.last(1); l.ID != h.ID {
			r.Errorf("handed over before its date: %+v", l)
		}
		r.pass(91 * 24 * time.Hour)
		if l := r.last(1); l.Round != 2 || l.OpenedAt != back {
			r.Errorf("on its date: %+v", l)
		}
	})
}

// What is known on the date counts, except that sales gets back also who would be left to marketing.
func TestAnswer_recycledComesBackAsItStandsThen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		to    decide.Outcome
		round int
		want  decide.Decision
		owner handoff.OwnerKind
	}{
		"cooled down":  {outcome(decide.Nurture, decide.TrackNurture), 2, decide.Review, handoff.ByPerson},
		"hot":          {outcome(decide.Engage, decide.TrackInbound), 2, decide.Engage, handoff.ByPerson},
		"disqualified": {outcome(decide.Disqualify, ""), 1, decide.Engage, handoff.ByMarketing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on(t, func(r *rig) {
				h := r.engage(1)
				r.answer(h, handoff.Answer{Action: handoff.Recycle, Reason: "too_early"})
				r.mu.Lock()
				r.known = map[lead.PersonID]decide.Outcome{1: tc.to}
				r.mu.Unlock()
				r.pass(90 * 24 * time.Hour)
				if l := r.last(1); l.Round != tc.round || l.Decision != tc.want {
					r.Errorf("on its date: %+v", l)
				}
				o := r.owner(1)
				if o.Kind != tc.owner || (tc.round == 1) != (o.NextAction == handoff.ActNever) {
					r.Errorf("owner is %+v", o)
				}
			})
		})
	}
}

func TestAnswer_recycledRaisesAHand(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.answer(r.engage(1), handoff.Answer{Action: handoff.Recycle, Reason: "too_early"})
		r.pass(time.Hour)
		again := r.raise(1)
		if again.Round != 2 || again.Owner != h.Owner {
			r.Errorf("got %+v", again)
		}
		r.pass(23 * time.Hour)
		r.answer(r.last(1), handoff.Answer{Action: handoff.Qualify, Framework: map[string]any{"budget": "yes"}})
		r.pass(100 * 24 * time.Hour)
		if l := r.last(1); l.State != handoff.Qualified || l.Round != 2 {
			r.Errorf("the old date was still heard: %+v", l)
		}
	})
}

func TestAnswer_twoAcceptAtOnceOneWins(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.staff = []handoff.Person{rep("ann@x.example", 0, "sales"), rep("bob@x.example", 0, "sales")}
		r.staff[0].Rep.Weight, r.staff[0].Rep.Capacity = 1, 1
		r.staff[1].Rep.Capacity = 1
		r.engage(1)
		r.engage(2)
		h := r.engage(3)
		if h.Owner != "" || h.Team != "sales" {
			r.Fatalf("everybody is full, and it went to %q", h.Owner)
		}
		answers := make(chan error, 2)
		var wg sync.WaitGroup
		for _, who := range []route.RepID{"ann@x.example", "bob@x.example"} {
			wg.Go(func() {
				by := access.Principal{Kind: access.User, Name: string(who), Role: access.RoleRep}
				_, err := r.desk.Answer(r.Context(), h.ID, handoff.Answer{Action: handoff.Accept}, by)
				answers <- err
			})
		}
		wg.Wait()
		first, second := <-answers, <-answers
		if first == nil {
			first, second = second, first
		}
		winner := r.last(3).Owner
		if second != nil || !fault.Is(first, fault.Conflict) || !strings.Contains(first.Error(), string(winner)) {
			r.Errorf("answers are %v and %v; it is with %q", first, second, winner)
		}
		r.check()
	})
}

func TestAnswer_othersHandoffs(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		as := func(name string, role access.Role) error {
			by := access.Principal{Kind: access.User, Name: name, Role: role}
			_, err := r.desk.Answer(r.Context(), h.ID, handoff.Answer{Action: handoff.Contact}, by)
			return err
		}
		if err := as("bob@x.example", access.RoleRep); !fault.Is(err, fault.Denied) {
			r.Errorf("another rep: %v", err)
		}
		if err := as("boss@x.example", access.RoleSalesManager); err != nil {
			r.Errorf("a manager: %v", err)
		}
		if err := as("ann@x.example", access.RoleRep); err != nil {
			r.Errorf("the owner: %v", err)
		}
	})
}

func TestAnswer_roomGoesToWhoWaitedLongest(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.staff = []handoff.Person{rep("ann@x.example", 1, "sales")}
		first := r.engage(1)
		r.engage(2)
		r.engage(3)
		r.answer(first, handoff.Answer{Action: handoff.Reject, Reason: "no_need"})
		r.pass(0)
		if h := r.last(2); h.Owner != "ann@x.example" || h.AssignedAt != start {
			r.Errorf("got %+v", h)
		}
		if h := r.last(3); h.Owner != "" || h.Team != "sales" {
			r.Errorf("got %+v", h)
		}
	})
}

func TestTidy_leaversLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		r.staff[0].Rep.Active = false
		if err := r.desk.Tidy(r.Context()); err != nil {
			r.Fatal(err)
		}
		if l := r.last(1); l.ID != h.ID || l.Owner != "bob@x.example" {
			r.Errorf("got %+v", l)
		}
		r.staff[1].Rep.Active = false
		if err := r.desk.Tidy(r.Context()); err != nil {
			r.Fatal(err)
		}
		if l := r.last(1); l.State != handoff.Returned {
			r.Errorf("nobody is left, and it is %s with %q", l.State, l.Owner)
		}
		r.check()
	})
}

func TestAssign_managerOverrides(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.engage(1)
		got, err := r.desk.Assign(r.Context(), h.ID, "bob@x.example", access.Machine())
		if err != nil || got.Owner != "bob@x.example" {
			r.Fatalf("got %+v, %v", got, err)
		}
		r.check()
		if _, err := r.desk.Assign(r.Context(), h.ID, "who@x.example", access.Machine()); !fault.Is(err, fault.Invalid) {
			r.Errorf("an unknown rep: %v", err)
		}
	})
}

func TestMerged_oneOwnerIsLeft(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.engage(1)
		far := r.answer(r.engage(2), handoff.Answer{Action: handoff.Accept})
		err := r.d.Write(r.Context(), func(tx *db.Tx) error { return r.desk.Merged(tx, 2, 1, start) })
		if err != nil {
			r.Fatal(err)
		}
		r.check()
		if o := r.owner(1); o.Handoff != far.ID || o.Owner != string(far.Owner) {
			r.Errorf("owner is %+v, want handoff %d", o, far.ID)
		}
	})
}

func TestPreview_changesNothing(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		c := handoff.Change{Person: 1, At: start, To: outcome(decide.Engage, decide.TrackInbound)}
		for range 3 {
			err := r.d.Read(r.Context(), func(tx *db.Tx) error {
				a, hops, err := r.desk.Preview(tx, c)
				if a.Rep != "ann@x.example" || len(hops) == 0 {
					r.Errorf("got %+v, %v", a, hops)
				}
				return err
			})
			if err != nil {
				r.Fatal(err)
			}
		}
		if h := r.raise(1); h.Owner != "ann@x.example" {
			r.Errorf("the preview used a turn: %s", h.Owner)
		}
	})
}
