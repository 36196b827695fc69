package flow

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// benchEvents are n events of about 400 bytes by random leads, in the order of time.
func benchEvents(n, leads int, rng *rand.Rand) []lead.Event {
	paths := []string{"/pricing", "/blog/a", "/docs/start", "/", "/customers/acme", "/careers"}
	out := make([]lead.Event, n)
	for i := range out {
		path := paths[rng.IntN(len(paths))]
		body := fmt.Sprintf(`{"anonymousId":"a%d","context":{"library":{"name":"analytics.js","version":"next-1.84.3"},"page":{"path":%q,"title":"Some page with a title","url":"https://www.acme.example%s"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"},"type":"page","properties":{"referrer":"https://duckduckgo.com/"}}`, i, path, path)
		out[i] = event(fmt.Sprintf("ajs-next-1700000000-%08d-%x", i, rng.Uint64()), fmt.Sprint("user-", rng.IntN(leads)), hours(0)+lead.Instant(i*1000), lead.Page, "", path, body)
	}
	return out
}

func BenchmarkCommit100(b *testing.B) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(fmt.Sprint(dialect), func(b *testing.B) {
			d := dbtest.Open(b, dialect)
			var now lead.Instant
			e, err := NewEngine(b.Context(), d, Options{Now: func() time.Time { return now.Time() }, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := e.Publish(b.Context(), parse(b, "../../examples/midmarket-saas/playbook.yaml"), "bench", ""); err != nil {
				b.Fatal(err)
			}
			events := benchEvents(100*b.N, 20_000, rand.New(rand.NewPCG(1, 1)))
			b.ResetTimer()
			for i := range b.N {
				some := events[100*i : 100*i+100]
				now = some[99].Time
				batch := ingest.Batch{Source: 7, ReceivedAt: now, Events: some}
				if _, _, err := e.commit(b.Context(), []*request{{ctx: b.Context(), batch: batch}}); err != nil {
					b.Fatal(err)
				}
				if e.full() {
					if err := e.Settle(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkFold(b *testing.B) {
	p := parse(b, "../../examples/midmarket-saas/playbook.yaml")
	events := benchEvents(10, 1, rand.New(rand.NewPCG(1, 1)))
	events[0].Type, events[0].Path = lead.Identify, ""
	events[0].Body = []byte(`{"anonymousId":"a1","context":{"library":{"name":"analytics.js"}},"traits":{"company":"Acme","email":"ann@acme.example","employees":250,"industry":"Logistics","title":"VP Operations"},"type":"identify","userId":"user-1"}`)
	timeline := make([]ingest.Stored, len(events))
	for i := range events {
		timeline[i].Event = events[i]
	}
	f, l := NewFolder(p), NewLead(p)
	f.OnChange(func(Change) {})
	b.ReportAllocs()
	for b.Loop() {
		l.Reset()
		f.Fold(l, timeline, nil, lead.Never)
	}
	b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "events/s")
}
