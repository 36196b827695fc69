package flow

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
)

// A process that is killed leaves its last commits in the journal alone. The next one has everything:
// events, states, decisions, and no decision twice.
func TestEngine_recoversWhatAKilledProcessHadInMemory(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		killed := newBench(t, d, hours(0))
		killed.submit(t, event("0", "u0", hours(0), lead.Track, "Demo Requested", "", `{}`))
		if err := killed.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			user := fmt.Sprint("u", i)
			killed.submit(t,
				event(fmt.Sprint("a", i), user, hours(1), lead.Identify, "", "", fmt.Sprintf(`{"traits":{"email":"p%d@acme.example"}}`, i)),
				event(fmt.Sprint("b", i), user, hours(2), lead.Track, "Demo Requested", "", `{}`))
		}
		before := plain(killed.ledger(t))

		next := newBench(t, d, hours(3))
		if got := next.unsettled(); got != 0 {
			t.Errorf("%d events were left in the journal", got)
		}
		verify(t, next)
		if diff := cmp.Diff(before, plain(next.ledger(t))); diff != "" {
			t.Errorf("ledger (-killed +next):\n%s", diff)
		}
		if receipt := next.submit(t, event("b3", "u3", hours(2), lead.Track, "Demo Requested", "", `{}`)); receipt.Duplicate != 1 {
			t.Errorf("an event from the journal is not known any more: %+v", receipt)
		}
		for i := range 5 {
			if x := next.explain(t, fmt.Sprintf("p%d@acme.example", i)); x.Decision != "engage" || x.Events < 2 {
				t.Errorf("person %d: %s after %d events", i, x.Decision, x.Events)
			}
		}
	})
}
