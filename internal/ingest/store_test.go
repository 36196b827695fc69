package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

func event(source lead.SourceID, id string, at lead.Instant) lead.Event {
	return lead.Event{
		Source: source, Type: lead.Track, MessageID: id, UserID: "u", Name: "Signed Up", Time: at, ReceivedAt: at + 5,
		Body: []byte(`{"event":"Signed Up","messageId":"` + id + `","properties":{"plan":"pro"},"userId":"u"}`),
	}
}

func write(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func timeline(t testing.TB, d *db.DB, profiles ...lead.ProfileID) []ingest.Stored {
	t.Helper()
	var out []ingest.Stored
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		out, err = ingest.Timeline(tx, profiles)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func put(t testing.TB, d *db.DB, placed ...ingest.Placed) []ingest.Stored {
	t.Helper()
	var out []ingest.Stored
	write(t, d, func(tx *db.Tx) (err error) {
		out, err = ingest.Append(tx, placed)
		return err
	})
	return out
}

func TestDedupe(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		dedupe := func(events ...lead.Event) []bool {
			var out []bool
			write(t, d, func(tx *db.Tx) (err error) {
				out, err = ingest.Dedupe(tx, events)
				return err
			})
			return out
		}
		a, b := event(1, "a", 10), event(1, "b", 10)
		other := a
		other.Body = []byte(strings.Replace(string(a.Body), "pro", "free", 1))
		later := a
		later.ReceivedAt += 31 * 86_400 * 1e6
		later.Body = []byte(strings.Replace(string(a.Body), `"userId"`, `"sentAt":"x","userId"`, 1))
		for i, step := range []struct {
			events []lead.Event
			want   []bool
		}{
			{[]lead.Event{a, b, a, a}, []bool{false, false, true, true}},
			{[]lead.Event{other, event(2, "a", 10), event(1, "c", 10)}, []bool{true, false, false}},
			{[]lead.Event{later}, []bool{true}},
			{nil, []bool{}},
		} {
			if diff := cmp.Diff(step.want, dedupe(step.events...)); diff != "" {
				t.Errorf("step %d: %s", i, diff)
			}
		}
		if c := accounts(t, d)[1]; c.Conflict != 1 {
			t.Errorf("%d conflicts, want 1: the same id with another payload", c.Conflict)
		}
	})
}

func accounts(t testing.TB, d *db.DB) map[lead.SourceID]ingest.Counts {
	t.Helper()
	var out map[lead.SourceID]ingest.Counts
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		out, err = ingest.Accounts(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDedupe_rolledBackIsForgotten(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		stop := errors.New("stop")
		events := []lead.Event{event(1, "a", 10)}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := ingest.Dedupe(tx, events)
			return errors.Join(err, stop)
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		write(t, d, func(tx *db.Tx) error {
			dup, err := ingest.Dedupe(tx, events)
			if err == nil && dup[0] {
				t.Error("an event that was not stored is a duplicate")
			}
			return err
		})
	})
}

func TestAppend_thenTimelineInFoldOrder(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		first := put(t, d,
			ingest.Placed{Profile: 5, Event: event(1, "late", 300)},
			ingest.Placed{Profile: 2, Event: event(1, "b", 100)},
			ingest.Placed{Profile: 2, Event: event(1, "a", 100)})
		second := put(t, d, ingest.Placed{Profile: 5, Event: event(1, "early", 50)}, ingest.Placed{Profile: 9, Event: event(1, "alone", 1)})
		got := timeline(t, d, 2, 5, 7)
		var ids []string
		for _, s := range got {
			ids = append(ids, s.Event.MessageID)
		}
		if diff := cmp.Diff([]string{"early", "a", "b", "late"}, ids); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]ingest.Stored{second[0], first[0], first[1], first[2]}, got); diff != "" {
			t.Errorf("read is not what was written: %s", diff)
		}
		if first[2].Seq >= second[0].Seq || first[2].Seq>>16 != first[0].Seq>>16 {
			t.Errorf("sequence numbers do not follow the commits: %x, %x, %x", first[0].Seq, first[2].Seq, second[0].Seq)
		}
	})
}

func TestAppend_manySizes(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		want := map[lead.ProfileID][]ingest.Stored{}
		n := 0
		for round := range 12 {
			var placed []ingest.Placed
			for i := range 40 {
				n++
				e := event(1, fmt.Sprintf("m%05d", n), lead.Instant(n))
				size := []int{10, 300, 1500, 1600, 1700, 30_000}[(i+round)%6]
				e.Body = []byte(`{"x":"` + strings.Repeat("y", size) + `"}`)
				placed = append(placed, ingest.Placed{Profile: lead.ProfileID(1 + (i*7+round)%9), Event: e})
			}
			for _, s := range put(t, d, placed...) {
				want[s.Profile] = append(want[s.Profile], s)
			}
		}
		for p, w := range want {
			if diff := cmp.Diff(w, timeline(t, d, p), cmp.Comparer(bytes.Equal)); diff != "" {
				t.Errorf("profile %d: %.500s", p, diff)
			}
		}
		if diff := cmp.Diff(want, scanned(t, d, 0, 0), cmp.Comparer(bytes.Equal)); diff != "" {
			t.Errorf("scan: %.500s", diff)
		}
	})
}

func scanned(t testing.TB, d *db.DB, from lead.ProfileID, n int) map[lead.ProfileID][]ingest.Stored {
	t.Helper()
	out := map[lead.ProfileID][]ingest.Stored{}
	last := lead.ProfileID(0)
	err := ingest.Scan(t.Context(), d, from, n, func(p lead.ProfileID, events []ingest.Stored) error {
		if p <= last {
			t.Errorf("profile %d comes after %d", p, last)
		}
		last = p
		out[p] = slices.Clone(events)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScan_parts(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		if got := scanned(t, d, 0, 0); len(got) != 0 {
			t.Errorf("an empty log has %d profiles", len(got))
		}
		var placed []ingest.Placed
		for i := range 10 {
			placed = append(placed, ingest.Placed{Profile: lead.ProfileID(10 * (i + 1)), Event: event(1, fmt.Sprint(i), lead.Instant(100-i))})
		}
		put(t, d, placed...)
		if got := scanned(t, d, 25, 3); len(got) != 3 || got[30] == nil || got[50] == nil {
			t.Errorf("three profiles from 25 on: %v", got)
		}
		count := 0
		err := ingest.ScanRange(t.Context(), d, 20, 50, func(lead.ProfileID, []ingest.Stored) error { count++; return nil })
		if err != nil || count != 3 {
			t.Errorf("20 to 50: %d profiles, %v", count, err)
		}
		stop := errors.New("stop")
		err = ingest.Scan(t.Context(), d, 0, 0, func(lead.ProfileID, []ingest.Stored) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("the error of fn is lost: %v", err)
		}
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			last, err := ingest.LastProfile(tx)
			if last != 100 {
				t.Errorf("last profile %d", last)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Several writers add to the same profiles at once: with PostgreSQL, servers do.
func TestAppend_concurrently(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		const writers, rounds, profiles = 6, 12, 4
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for r := range rounds {
					var placed []ingest.Placed
					for p := range profiles {
						id := fmt.Sprintf("%d-%d-%d", w, r, p)
						placed = append(placed, ingest.Placed{Profile: lead.ProfileID(1 + (p+w)%profiles), Event: event(1, id, lead.Instant(r))})
					}
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						_, err := ingest.Append(tx, placed)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		seen, seqs := map[string]bool{}, map[uint64]bool{}
		for _, s := range timeline(t, d, 1, 2, 3, 4) {
			seen[s.Event.MessageID], seqs[s.Seq] = true, true
		}
		if len(seen) != writers*rounds*profiles || len(seqs) != len(seen) {
			t.Errorf("%d events with %d numbers, want %d", len(seen), len(seqs), writers*rounds*profiles)
		}
	})
}

func TestDedupe_concurrently(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		fresh := 0
		for w := range 10 {
			wg.Go(func() {
				events := []lead.Event{event(1, "same", 1), event(1, "two", 1), event(1, "three", 1)}
				if w%2 == 0 {
					slices.Reverse(events)
				}
				var dup []bool
				err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
					dup, err = ingest.Dedupe(tx, events)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, again := range dup {
					if !again {
						fresh++
					}
				}
			})
		}
		wg.Wait()
		if fresh != 3 {
			t.Errorf("%d events are new, want 3", fresh)
		}
	})
}

func TestAppend_refusesEventsWithoutAProfile(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := ingest.Append(tx, []ingest.Placed{{Event: event(1, "a", 1)}})
			return err
		})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCount(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		for i := range 20 {
			write(t, d, func(tx *db.Tx) error {
				return ingest.Count(tx, lead.SourceID(1+i%2), ingest.Counts{At: lead.Instant(1000 + i), Received: 6, Accepted: 3, Duplicate: 2, Rejected: 1, Conflict: 1})
			})
		}
		want := map[lead.SourceID]ingest.Counts{
			1: {At: 1018, Received: 60, Accepted: 30, Duplicate: 20, Rejected: 10, Conflict: 10},
			2: {At: 1019, Received: 60, Accepted: 30, Duplicate: 20, Rejected: 10, Conflict: 10},
		}
		if diff := cmp.Diff(want, accounts(t, d)); diff != "" {
			t.Error(diff)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			return ingest.Count(tx, 1, ingest.Counts{Received: 5, Accepted: 4})
		})
		if err == nil {
			t.Error("an account that does not add up was stored")
		}
	})
}

func TestReject(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := ingest.Batch{Source: 3, ReceivedAt: received}
		b.Add(ingest.NewRejected(ingest.TooDeep, "Too deep.", []byte("[[[\xff\x00")), true)
		b.Add(ingest.NewRejected(ingest.BadBody, "Not JSON.", []byte(strings.Repeat("x", 40<<10))), false)
		b.Add(ingest.NewRejected(ingest.BadBody, "Empty.", nil), false)
		b.Add(ingest.NewRejected(ingest.NoIdentity, "Nobody.", []byte("{}")), false)
		write(t, d, func(tx *db.Tx) error { return ingest.Reject(tx, b.Rejected) })
		list := func(f ingest.RejectedFilter) []ingest.Rejected {
			var out []ingest.Rejected
			err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
				out, err = ingest.ListRejected(tx, f)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		all := list(ingest.RejectedFilter{})
		if len(all) != 3 || all[0].Code != ingest.NoIdentity || all[1].Size != 40<<10 || len(all[1].Raw) != 32<<10 {
			t.Fatalf("got %+v", all)
		}
		oldest := all[2]
		if !oldest.Trusted || string(oldest.Raw) != "[[[\xff\x00" || oldest.Source != 3 || oldest.ReceivedAt != received || oldest.ReplayedAt != 0 {
			t.Errorf("got %+v", oldest)
		}
		if page := list(ingest.RejectedFilter{Limit: 1, Before: all[0].ID}); len(page) != 1 || page[0].ID != all[1].ID {
			t.Errorf("second page: %+v", page)
		}
		if few := list(ingest.RejectedFilter{Code: ingest.TooDeep, Source: 3}); len(few) != 1 || len(list(ingest.RejectedFilter{Source: 4})) != 0 {
			t.Errorf("filtered: %+v", few)
		}
		write(t, d, func(tx *db.Tx) error {
			for i, want := range []bool{true, false} {
				if marked, err := ingest.MarkReplayed(tx, oldest.ID, 77); err != nil || marked != want {
					t.Errorf("try %d: %v, %v", i, marked, err)
				}
			}
			r, err := ingest.FindRejected(tx, oldest.ID)
			if r.ReplayedAt != 77 || r.ID != oldest.ID {
				t.Errorf("got %+v", r)
			}
			if _, err := ingest.FindRejected(tx, 999); !fault.Is(err, fault.NotFound) {
				t.Errorf("an unknown one: %v", err)
			}
			return err
		})
	})
}

// Whatever the order and grouping of deliveries, the log holds each event once, and the account is exact.
func TestLog_anyDelivery(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		round := lead.SourceID(0)
		rapid.Check(t, func(rt *rapid.T) {
			round++
			ids := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 14).Draw(rt, "deliveries")
			distinct := map[int]bool{}
			for len(ids) > 0 {
				n := rapid.IntRange(min(3, len(ids)), len(ids)).Draw(rt, "batch")
				deliver(t, d, round, ids[:n])
				for _, id := range ids[:n] {
					distinct[id] = true
				}
				ids = ids[n:]
			}
			c := accounts(t, d)[round]
			got := timeline(t, d, lead.ProfileID(round))
			if len(got) != len(distinct) || c.Accepted != int64(len(distinct)) || c.Received != c.Accepted+c.Duplicate {
				rt.Fatalf("%d events stored, account %+v, want %d", len(got), c, len(distinct))
			}
		})
	})
}

func deliver(t *testing.T, d *db.DB, source lead.SourceID, ids []int) {
	t.Helper()
	events := make([]lead.Event, len(ids))
	for i, id := range ids {
		events[i] = event(source, fmt.Sprint(id), lead.Instant(id))
	}
	write(t, d, func(tx *db.Tx) error {
		dup, err := ingest.Dedupe(tx, events)
		if err != nil {
			return err
		}
		var placed []ingest.Placed
		for i := range events {
			if !dup[i] {
				placed = append(placed, ingest.Placed{Profile: lead.ProfileID(source), Event: events[i]})
			}
		}
		if _, err := ingest.Append(tx, placed); err != nil {
			return err
		}
		n, fresh := int64(len(events)), int64(len(placed))
		return ingest.Count(tx, source, ingest.Counts{At: 1, Received: n, Accepted: fresh, Duplicate: n - fresh})
	})
}
