package flow

import (
	"errors"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
)

// Whoever is told of decisions is told in the transaction: an error there leaves nothing behind.
func TestEngine_tellsOfDecisionsInTheirTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1))
		var told []Decided
		refuse := errors.New("no room")
		b.decided = func(_ *db.Tx, leads []Decided, now lead.Instant) error {
			told = append(told, leads...)
			if now == hours(2) {
				return refuse
			}
			return nil
		}
		b.submit(t, event("1", "u1", hours(1), lead.Page, "", "/pricing", `{}`))
		if len(told) != 1 || told[0].Change.To.Decision != "nurture" {
			t.Fatalf("told: %+v", told)
		}
		b.set(hours(2))
		demo := event("2", "u1", hours(2), lead.Track, "Demo Requested", "", `{}`)
		if _, err := b.State(t.Context(), demo, nil); !errors.Is(err, refuse) {
			t.Fatalf("err = %v", err)
		}
		b.set(hours(3))
		if x := b.explain(t, "u1"); x.Events != 1 {
			t.Fatalf("the refused transaction left %d events behind", x.Events-1)
		}
		ran := false
		receipt, err := b.State(t.Context(), demo, func(*db.Tx) error { ran = true; return nil })
		if err != nil || receipt.Accepted != 1 || !ran {
			t.Fatalf("receipt %+v, ran %v, %v", receipt, ran, err)
		}
		if last := told[len(told)-1]; last.Change.From.Decision != "nurture" || last.Change.To.Decision != "engage" || last.Person == 0 {
			t.Errorf("told: %+v", last)
		}
		verify(t, b)
	})
}
