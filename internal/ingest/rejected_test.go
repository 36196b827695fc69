package ingest_test

import (
	"bytes"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// A flood of nonsense from one source takes a bounded room and pushes out nobody else's rejected events.
func TestReject_isBoundedBySource(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		reject := func(source lead.SourceID, n, size int) {
			b := ingest.Batch{Source: source, ReceivedAt: 10}
			raw := bytes.Repeat([]byte("x"), size)
			for range n {
				b.Add(ingest.NewRejected(ingest.TooDeep, "It is too deep.", raw), false)
			}
			write(t, d, func(tx *db.Tx) error { return ingest.Reject(tx, b.Rejected) })
		}
		kept := func(source lead.SourceID) (n, size int, newest int64, dropped int64) {
			write(t, d, func(tx *db.Tx) error {
				all, err := ingest.ListRejected(tx, ingest.RejectedFilter{Source: source, Limit: 1 << 20})
				if err != nil {
					return err
				}
				for i := range all {
					size += len(all[i].Raw)
					newest = max(newest, all[i].ID)
				}
				n = len(all)
				gone, err := ingest.Dropped(tx)
				dropped = gone[source]
				return err
			})
			return n, size, newest, dropped
		}
		reject(2, 3, 100)
		const large = 1 << 20
		for range 30 {
			reject(1, 3, large) // cut to 32 KiB each, as the reader does
		}
		n, size, _, dropped := kept(1)
		if n != 90 || size != 90<<15 || dropped != 0 {
			t.Fatalf("%d rejected events of %d bytes are kept, %d dropped", n, size, dropped)
		}
		flood := ingest.MaxRejectedRoom/(32<<10) + 500
		for range flood / 250 {
			reject(1, 250, large)
		}
		n, size, newest, dropped := kept(1)
		if size > ingest.MaxRejectedRoom || size < ingest.MaxRejectedRoom/10*9 {
			t.Errorf("%d bytes are kept", size)
		}
		if all := 90 + flood/250*250; n+int(dropped) != all || newest != int64(all)+3 {
			t.Errorf("of %d, %d are kept and %d dropped; the newest is %d", all, n, dropped, newest)
		}
		if n, _, _, dropped := kept(2); n != 3 || dropped != 0 {
			t.Errorf("of another source, %d are kept and %d dropped", n, dropped)
		}
	})
}
