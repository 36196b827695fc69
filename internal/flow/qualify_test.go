package flow

import (
	"errors"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// ask qualifies what a visitor sent, as the edge would hand it on.
func (b *bench) ask(t *testing.T, events ...lead.Event) Qualification {
	t.Helper()
	q, err := b.Qualify(t.Context(), ingest.Batch{Source: 7, ReceivedAt: b.instant(), Events: events},
		func(*db.Tx, *Qualification) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func demo(id, user string, at lead.Instant) []lead.Event {
	return []lead.Event{
		event(id+".1", user, at, lead.Identify, "", "", `{"traits":{"email":"`+user+`@acme.example","title":"VP Sales"}}`),
		event(id+".2", user, at, lead.Track, "Demo Requested", "", `{"properties":{"form":"demo"}}`),
	}
}

func TestQualify_answersWhereTheLeadStands(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		b.run(t)
		q := b.ask(t, demo("1", "ann", hours(1))...)
		if q.Outcome.Decision != decide.Engage || q.Outcome.Track != decide.TrackInbound || !q.Heard || !q.Known || q.Receipt.Accepted != 2 {
			t.Errorf("a raised hand: %+v", q)
		}
		if x := b.explain(t, "ann"); x.Decision != q.Outcome.Decision || x.Person.ID != q.Person.String() ||
			x.NextQuestion == nil || q.Question == nil || *x.NextQuestion != *q.Question {
			t.Errorf("explained as %s %+v, answered %+v", x.Decision, x.NextQuestion, q.Question)
		}
		b.set(hours(1) + 60e6)
		if again := b.ask(t, demo("1", "ann", hours(1)+60e6)...); again.Receipt.Duplicate != 2 || again.Outcome != q.Outcome ||
			again.Person != q.Person || !again.Heard {
			t.Errorf("sent again: %+v", again)
		}
	})
}

func TestQualify_hearsWhatWasSentOnly(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		b.run(t)
		b.ask(t, demo("1", "ann", hours(1))...)
		b.set(hours(9))
		if q := b.ask(t, event("2", "ann", hours(9), lead.Track, "Newsletter Subscribed", "", `{}`)); q.Heard || q.Outcome.Decision != decide.Engage {
			t.Errorf("a form that raises nothing is heard: %+v", q)
		}
		bot := demo("3", "bob", hours(9))
		for i := range bot {
			bot[i].Flags |= lead.Bot
		}
		if q := b.ask(t, bot...); q.Heard || q.Outcome.Decision == decide.Engage {
			t.Errorf("a robot is heard: %+v", q)
		}
	})
}

func TestQualify_looksInTheSameTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		b.run(t)
		broken := errors.New("broken")
		_, err := b.Qualify(t.Context(), ingest.Batch{Source: 7, ReceivedAt: hours(1), Events: demo("1", "ann", hours(1))},
			func(_ *db.Tx, q *Qualification) error {
				if q.Outcome.Decision != decide.Engage {
					t.Errorf("not decided yet: %+v", q)
				}
				return broken
			})
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if _, err := b.Explain(t.Context(), "ann", 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("stored without what belongs to it: %v", err)
		}
	})
}

func TestQualify_nobody(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		b.run(t)
		_, err := b.Qualify(t.Context(), ingest.Batch{Source: 7, ReceivedAt: hours(1)}, nil)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
		e, err := NewEngine(t.Context(), d, Options{Now: time.Now, Logger: b.log})
		if err != nil {
			t.Fatal(err)
		}
		e.current.Store(nil)
		if _, err := e.Qualify(t.Context(), ingest.Batch{}, nil); !fault.Is(err, fault.Conflict) {
			t.Errorf("without a playbook: %v", err)
		}
	})
}
