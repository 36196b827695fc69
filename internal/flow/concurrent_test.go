package flow

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// While commits and settles go on, whoever explains a lead sees every event that was acknowledged before
// the question, each once.
func TestExplain_seesWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		const total = 120
		b := newBench(t, d, hours(total))
		b.run(t)
		var acknowledged atomic.Int64
		var group sync.WaitGroup
		group.Go(func() {
			for i := range total {
				e := event(fmt.Sprint("m", i), "u1", hours(float64(i)), lead.Page, "", "/pricing", `{}`)
				if _, err := b.Submit(t.Context(), ingest.Batch{Source: 7, ReceivedAt: hours(total), Events: []lead.Event{e}}); err != nil {
					t.Error(err)
				}
				acknowledged.Add(1)
				if i%7 == 0 {
					if err := b.Settle(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
		for acknowledged.Load() == 0 {
			continue
		}
		for acknowledged.Load() < total {
			before := int(acknowledged.Load())
			x, err := b.Explain(t.Context(), "u1", 0)
			if err != nil {
				t.Fatal(err)
			}
			if after := int(acknowledged.Load()); x.Events < before || x.Events > after+1 {
				t.Fatalf("%d events explained; %d were acknowledged before, %d after", x.Events, before, after)
			}
		}
		group.Wait()
		verify(t, b)
	})
}
