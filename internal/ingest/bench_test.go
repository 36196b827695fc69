package ingest_test

import (
	"fmt"
	"testing"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// typical is an event of about 400 bytes, the size that the project's measurements use.
func typical(profile, n int) ingest.Placed {
	id := fmt.Sprintf("ajs-next-%013d-%08d", 1_795_313_108_320+n, profile)
	e := lead.Event{
		Source: 3, Type: lead.Page, MessageID: id, AnonymousID: fmt.Sprintf("anonymous-%08d", profile), Path: "/pricing",
		Time: lead.Instant(1_795_313_108_320_000 + n*1000), ReceivedAt: lead.Instant(1_795_313_108_330_000 + n*1000),
	}
	e.Body = fmt.Appendf(nil, `{"anonymousId":"%s","context":{"campaign":{"medium":"email","source":"news"},"library":{"name":"analytics.js","version":"1.84.3"},"page":{"path":"/pricing","referrer":"https://duckduckgo.com/","title":"Pricing"}},"messageId":"%s","sentAt":"2026-11-22T02:05:08.330Z","timestamp":"2026-11-22T02:05:08.320Z","type":"page"}`, e.AnonymousID, id)
	return ingest.Placed{Profile: lead.ProfileID(profile), Event: e}
}

func fillLog(b *testing.B, d *db.DB, profiles, each int) {
	b.Helper()
	n := 0
	for p := 1; p <= profiles; {
		var placed []ingest.Placed
		for ; p <= profiles && len(placed) < 20_000; p++ {
			for range each {
				n++
				placed = append(placed, typical(p, n))
			}
		}
		put(b, d, placed...)
	}
}

// BenchmarkScan is how fast all of history is read: the floor under every replay.
func BenchmarkScan(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(dialect.String(), func(b *testing.B) {
			const profiles, each = 20_000, 10
			d := dbtest.Open(b, dialect)
			fillLog(b, d, profiles, each)
			events := 0
			for b.Loop() {
				err := ingest.Scan(b.Context(), d, 0, 0, func(_ lead.ProfileID, e []ingest.Stored) error {
					events += len(e)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if events != b.N*profiles*each {
				b.Fatalf("%d events", events)
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkStore is dedupe and append of batches of 100 events of 100 profiles out of many.
func BenchmarkStore(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(dialect.String(), func(b *testing.B) {
			d := dbtest.Open(b, dialect)
			n := 0
			for b.Loop() {
				placed := make([]ingest.Placed, 100)
				events := make([]lead.Event, 100)
				for i := range placed {
					n++
					placed[i] = typical(1+(n*7919)%100_000, n)
					events[i] = placed[i].Event
				}
				write(b, d, func(tx *db.Tx) error {
					if _, err := ingest.Dedupe(tx, events); err != nil {
						return err
					}
					_, err := ingest.Append(tx, placed)
					return err
				})
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkMessage is the way from a parsed batch to events.
func BenchmarkMessage(b *testing.B) {
	src := append([]byte(`{"batch":[`), typical(1, 1).Event.Body...)
	for i := range 99 {
		src = append(append(src, ','), typical(1, i).Event.Body...)
	}
	src = append(src, "]}"...)
	var tree canon.Tree
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := tree.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		r := ingest.Reader{Batch: ingest.Batch{Source: 1, ReceivedAt: received}, Tree: &tree, IP: "10.0.0.1"}
		r.Reserve(len(src))
		items := doc.Get("batch")
		for i := range items.Len() {
			r.Message(items.At(i), 0)
		}
		if len(r.Events) != 100 {
			b.Fatal(r.Rejected)
		}
	}
}
