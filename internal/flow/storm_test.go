package flow

import (
	"fmt"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/decide"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// form is a demo request of a visitor from an address, received at an instant.
func form(i int, ip string, at lead.Instant) ingest.Batch {
	e := event(fmt.Sprintf("f%d", i), "", at, lead.Track, "Demo Requested", "", `{"context":{"ip":"`+ip+`"},"properties":{}}`)
	e.Flags, e.AnonymousID = 0, fmt.Sprintf("v%d", i)
	return ingest.Batch{Source: 7, ReceivedAt: at, Events: []lead.Event{e}}
}

// engaged counts the visitors who are to be called.
func (b *bench) engaged(t *testing.T, n int) (out int) {
	t.Helper()
	for i := range n {
		if b.explain(t, fmt.Sprintf("v%d", i)).Decision == decide.Engage {
			out++
		}
	}
	return out
}

// B07: fifty forms a minute from one network are suspected, the first of them too.
func TestStorm_holdsBackManyFormsFromOneNetwork(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		b.run(t)
		send := func(i int) {
			at := hours(1) + lead.Instant(i)*1e6
			b.set(at)
			if _, err := b.Submit(t.Context(), form(i, fmt.Sprintf("203.0.113.%d", i%200+1), at)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 49 {
			send(i)
		}
		if n := b.engaged(t, 49); n != 49 {
			t.Errorf("%d of 49 people are heard", n)
		}
		send(49)
		if n := b.engaged(t, 50); n != 0 {
			t.Errorf("%d forms of a storm are still heard", n)
		}
		send(50)
		if n := b.engaged(t, 51); n != 0 {
			t.Errorf("%d forms of the storm that goes on are heard", n)
		}
		if x := b.explain(t, "v0"); x.Quarantined != 1 || x.Events != 2 {
			t.Errorf("the first form: %d of %d events quarantined", x.Quarantined, x.Events)
		}
	})
}

func TestStorm_hearsPeople(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]func(i int) ingest.Batch{
		"of many networks":  func(i int) ingest.Batch { return form(i, fmt.Sprintf("203.0.%d.9", i), hours(1)) },
		"behind a proxy":    func(i int) ingest.Batch { return form(i, "10.0.0.7", hours(1)) },
		"without a network": func(i int) ingest.Batch { return form(i, "", hours(1)) },
		"slowly":            func(i int) ingest.Batch { return form(i, "203.0.113.9", hours(1)+lead.Instant(i)*2e6) },
		"of a history": func(i int) ingest.Batch {
			b := form(i, "203.0.113.9", hours(1))
			b.Events[0].Time = hours(0)
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dbtest.Open(t, db.SQLite), hours(1))
			b.run(t)
			for i := range 60 {
				in := batch(i)
				b.set(in.ReceivedAt)
				in.Events[0].ReceivedAt = in.ReceivedAt
				if _, err := b.Submit(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			if n := b.engaged(t, 60); n != 60 {
				t.Errorf("%d of 60 people are heard", n)
			}
		})
	}
}
