package flow

import (
	"fmt"
	"strings"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

func TestEngine_timelinePages(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(100))
		for i := range 7 {
			b.submit(t, event(fmt.Sprint("m", i), "u1", hours(float64(i/2)), lead.Page, "", "/pricing", `{"properties":{"n":1}}`))
		}
		var got []string
		var signals int
		for before := (Position{}); ; {
			page, next, err := b.Timeline(t.Context(), "u1", before, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range page {
				got = append(got, h.MessageID)
				signals += len(h.Signals)
			}
			if next == (Position{}) {
				break
			}
			before = next
		}
		if want := "m6 m5 m4 m3 m2 m1 m0"; strings.Join(got, " ") != want {
			t.Errorf("timeline = %v, want %s", got, want)
		}
		if want := 4 + 1; signals != want { // a visit an hour, and pricing_again once with the third
			t.Errorf("counted signals = %d, want %d", signals, want)
		}
	})
}

func TestEngine_withoutAPlaybookSaysSo(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	e := &Engine{db: d}
	if _, err := e.Explain(t.Context(), "u1", 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("explain: %v", err)
	}
	if _, err := e.People(t.Context(), PeopleFilter{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("people: %v", err)
	}
}

// A user id that is an e-mail address names its person and the company, until an address is given.
func TestEngine_aUserIDMayBeAnAddress(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(5))
		b.submit(t, event("1", "Ann@acme.example", hours(1), lead.Page, "", "/pricing", `{}`))
		x := b.explain(t, "ann@acme.example")
		if x.Person.UserID != "Ann@acme.example" || x.Person.Email != "ann@acme.example" || x.Account == nil || x.Account.Domain != "acme.example" {
			t.Errorf("person %+v, account %+v", x.Person, x.Account)
		}
		b.submit(t, event("2", "Ann@acme.example", hours(2), lead.Identify, "", "", `{"traits":{"email":"a.lee@acme.example"}}`))
		if x := b.explain(t, "a.lee@acme.example"); x.Person.Email != "a.lee@acme.example" {
			t.Errorf("person %+v", x.Person)
		}
		b.submit(t, event("3", "bob@acme.example", hours(2), lead.Identify, "", "", `{"traits":{"email":"bob@home.example"}}`))
		if x := b.explain(t, "bob@acme.example"); x.Person.Email != "bob@home.example" {
			t.Errorf("the traits of the same event say more: %+v", x.Person)
		}
		verify(t, b)
	})
}

// Before the first event nothing is decided, and the explanation says so.
func TestEngine_explainsAPastInWhichNothingWasKnown(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	b := newBench(t, d, hours(5))
	b.submit(t, event("1", "u1", hours(3), lead.Track, "Demo Requested", "", `{}`))
	x, err := b.Explain(t.Context(), "u1", hours(2))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s/%s/%s %q %v", x.Track, x.Quadrant, x.Stage, x.Decision, x.Reasons)
	if want := `nurture/nurture/visitor "" [Nothing was known of this person by then.]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if x.Flip != nil || x.NextQuestion != nil || x.NextChange != nil {
		t.Errorf("flip %v, question %v, change %v", x.Flip, x.NextQuestion, x.NextChange)
	}
}

// New facts about an account reach all of its people with the event that says them.
func TestEngine_accountFactsReachColleagues(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(5))
		for i := range 3 {
			b.submit(t, event(fmt.Sprint("i", i), fmt.Sprint("u", i), hours(1), lead.Identify, "", "",
				fmt.Sprintf(`{"traits":{"email":"p%d@acme.example","title":"VP Sales"}}`, i)))
		}
		said := event("g", "u0", hours(2), lead.Group, "", "", `{"traits":{"employees":500,"domain":"acme.example"}}`)
		said.GroupID = "acme"
		b.submit(t, said)
		for i := range 3 {
			x := b.explain(t, fmt.Sprint("u", i))
			if x.Fit.Score == nil || *x.Fit.Score != 100 || x.Account == nil || x.Account.Domain != "acme.example" {
				t.Errorf("u%d: fit %+v, account %+v", i, x.Fit, x.Account)
			}
		}
		verify(t, b)
		view, err := b.Account(t.Context(), "acme.example")
		if err != nil || len(view.People) != 3 {
			t.Errorf("account: %d people, %v", len(view.People), err)
		}
	})
}

// Verification finds a state that is not what the events say.
func TestVerify_findsAPlantedDifference(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(5))
		b.submit(t, event("1", "u1", hours(1), lead.Page, "", "/pricing", `{}`))
		b.submit(t, event("2", "u2", hours(1), lead.Track, "Demo Requested", "", `{}`))
		verify(t, b)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(swapStates)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		report, err := b.Verify(t.Context())
		if err != nil || len(report.Differences) == 0 {
			t.Errorf("verification of swapped states: %+v, %v", report, err)
		}
	})
}

var swapStates = db.SQL("flow_test.swapStates", `
update lead_state set state = (select o.state from lead_state o where o.person_id <> lead_state.person_id)`)

func TestEngine_watchersHearWhatIsCommitted(t *testing.T) {
	t.Parallel()
	b := newBench(t, dbtest.Open(t, db.SQLite), hours(1))
	changes, stop := b.Watch()
	demo := event("1", "u1", hours(1), lead.Track, "Demo Requested", "", `{}`)
	if _, err := b.State(t.Context(), demo, nil); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; got.Change.To.Decision != "engage" || !strings.HasPrefix(got.Person, "per_") {
		t.Errorf("heard %+v", got)
	}
	stop()
}
