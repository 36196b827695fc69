package flow

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// bench is an engine on a private database with a clock that stands still until it is set.
type bench struct {
	*Engine
	db    *db.DB
	clock *atomic.Int64
}

func (b *bench) set(at lead.Instant) { b.clock.Store(int64(at)) }

func newBench(t *testing.T, d *db.DB, at lead.Instant) *bench {
	t.Helper()
	b := &bench{db: d, clock: &atomic.Int64{}}
	b.set(at)
	now := func() time.Time { return lead.Instant(b.clock.Load()).Time() }
	e, err := NewEngine(t.Context(), d, Options{Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.Engine = e
	if e.Current() == nil {
		if _, err := e.Publish(t.Context(), acme(t), "test", ""); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// run starts the committer for the length of the test.
func (b *bench) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

// submit commits events as one batch, without the committer's goroutine.
func (b *bench) submit(t testing.TB, events ...lead.Event) ingest.Receipt {
	t.Helper()
	batch := ingest.Batch{Source: 7, ReceivedAt: b.instant(), Events: events}
	receipts, _, err := b.commit(t.Context(), []*request{{ctx: t.Context(), batch: batch}})
	if err != nil {
		t.Fatal(err)
	}
	return receipts[0]
}

func (b *bench) explain(t testing.TB, ref string) Explanation {
	t.Helper()
	x, err := b.Explain(t.Context(), ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (b *bench) ledger(t testing.TB) []Entry {
	t.Helper()
	var out []Entry
	err := b.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		out, err = Ledger(tx, 0, 0, 10_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// event is a trusted event of a user, received when it happened.
func event(id, user string, at lead.Instant, typ lead.EventType, name, path, body string) lead.Event {
	return lead.Event{
		Source: 7, Type: typ, Flags: lead.Trusted, MessageID: id, UserID: user, Name: name, Path: path,
		Time: at, ReceivedAt: at, Body: []byte(body),
	}
}

func TestEngine_explainsWhatWasSubmitted(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(0))
		b.run(t)
		batch := ingest.Batch{Source: 7, ReceivedAt: hours(1), Events: []lead.Event{
			event("1", "u1", hours(0), lead.Identify, "", "", `{"traits":{"email":"ann@acme.example","title":"VP Sales"}}`),
			event("2", "u1", hours(1), lead.Group, "", "", `{"groupId":"g1","traits":{"name":"Acme","employees":300,"website":"https://www.acme.example"}}`),
			event("3", "u1", hours(1), lead.Track, "Demo Requested", "", `{}`),
			event("3", "u1", hours(1), lead.Track, "Demo Requested", "", `{}`),
		}}
		batch.Events[1].GroupID = "g1"
		b.set(hours(1))
		receipt, err := b.Submit(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ingest.Receipt{Accepted: 3, Duplicate: 1}, receipt); diff != "" {
			t.Error(diff)
		}
		x := b.explain(t, "ann@acme.example")
		if x.Decision != "engage" || x.Track != "inbound" || x.Fit.Score == nil || *x.Fit.Score != 100 || x.Account == nil || x.Account.Name != "Acme" {
			t.Errorf("explanation: %+v, fit %+v, account %+v", x, x.Fit, x.Account)
		}
		if x.Person.UserID != "u1" || x.Playbook.Version != 1 {
			t.Errorf("person %+v, playbook %+v", x.Person, x.Playbook)
		}
		view, err := b.Account(t.Context(), "acme.example")
		if err != nil {
			t.Fatal(err)
		}
		if len(view.People) != 1 || view.Score != 60 || view.Decision != "nurture" {
			t.Errorf("account: %+v", view)
		}
	})
}

// story is a few people's lives with everything that makes order matter if it can.
func story(run string, rng *rand.Rand) []lead.Event {
	var out []lead.Event
	add := func(at float64, user, anonymous, group string, typ lead.EventType, name, path, body string) {
		e := event(fmt.Sprintf("%s-%03d", run, len(out)), user, hours(at), typ, name, path, body)
		e.AnonymousID, e.GroupID = anonymous, group
		if rng.IntN(4) == 0 {
			e.Flags = 0
		}
		out = append(out, e)
	}
	domain := run + "co.example"
	for i := range 3 {
		user, anonymous := fmt.Sprintf("%s-u%d", run, i), fmt.Sprintf("%s-a%d", run, i)
		mail := fmt.Sprintf("p%d@%s", i, domain)
		at := float64(rng.IntN(48))
		for range 3 + rng.IntN(5) {
			at += float64(rng.IntN(40))
			switch rng.IntN(7) {
			case 0:
				add(at, user, anonymous, "", lead.Identify, "", "", fmt.Sprintf(`{"traits":{"email":%q,"title":"Head of Ops %d"}}`, mail, rng.IntN(3)))
			case 1:
				add(at, user, "", run+"-g", lead.Group, "", "", fmt.Sprintf(`{"traits":{"employees":%d,"domain":%q}}`, 20+rng.IntN(400), domain))
			case 2:
				add(at, user, "", "", lead.Track, "Demo Requested", "", `{}`)
			case 3:
				add(at, user, "", "", lead.Answered, "rejected", "", `{}`)
			default:
				add(at, []string{"", user}[rng.IntN(2)], anonymous, "", lead.Page, "", "/pricing", `{}`)
			}
		}
	}
	return out
}

// Late, shuffled and repeated delivery ends in the same explanations.
func TestEngine_orderOfArrivalChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(1000))
		rng := rand.New(rand.NewPCG(1, 2))
		for run := range 12 {
			a, z := fmt.Sprintf("r%da", run), fmt.Sprintf("r%dz", run)
			seed := rng.Uint64()
			straight := story(a, rand.New(rand.NewPCG(seed, 0)))
			shuffled := story(z, rand.New(rand.NewPCG(seed, 0)))
			slices.SortFunc(straight, func(x, y lead.Event) int { return x.Compare(&y) })
			for _, e := range straight {
				b.submit(t, e)
			}
			rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for len(shuffled) > 0 {
				n := min(len(shuffled), 1+rng.IntN(4))
				b.submit(t, shuffled[:n]...)
				if rng.IntN(3) == 0 {
					b.submit(t, shuffled[:n]...)
				}
				shuffled = shuffled[n:]
			}
			if _, err := b.Wake(t.Context()); err != nil {
				t.Fatal(err)
			}
			compareStories(t, b, a, z)
		}
		verify(t, b)
	})
}

// verify demands that what is stored is what the events say.
func verify(t *testing.T, b *bench) {
	t.Helper()
	report, err := b.Verify(t.Context())
	if err != nil || len(report.Differences) > 0 || report.People == 0 || report.Entries == 0 {
		t.Errorf("verification: %+v, %v", report, err)
	}
	last := map[string]Entry{}
	for _, x := range b.ledger(t) {
		before, told := last[x.Person]
		if told && x.Cause != CauseRefold && x.At < before.At {
			t.Errorf("the ledger goes back in time without a refold: %+v after %+v", x, before)
		}
		if told && x.DecisionBefore != "" && x.DecisionBefore != before.Decision { // empty: taken apart after a merge
			t.Errorf("the ledger has a gap: %+v after %+v", x, before)
		}
		last[x.Person] = x
	}
}

// compareStories compares two runs of one story that differ in names only.
func compareStories(t *testing.T, b *bench, a, z string) {
	t.Helper()
	for i := range 3 {
		for _, kind := range []string{"u", "a"} {
			one, errOne := b.Explain(t.Context(), fmt.Sprintf("%s-%s%d", a, kind, i), 0)
			two, errTwo := b.Explain(t.Context(), fmt.Sprintf("%s-%s%d", z, kind, i), 0)
			if (errOne == nil) != (errTwo == nil) {
				t.Fatalf("%s: %v and %v", a, errOne, errTwo)
			}
			for _, x := range []*Explanation{&one, &two} {
				x.Person, x.Account = PersonRef{}, nil
				for j := range x.Intent.Signals {
					for k := range x.Intent.Signals[j].Parts {
						x.Intent.Signals[j].Parts[k].MessageID = x.Intent.Signals[j].Parts[k].MessageID[len(a):]
					}
				}
			}
			if diff := cmp.Diff(one, two); diff != "" {
				t.Fatalf("story %s of %s%d (-in order +shuffled):\n%s", a, kind, i, diff)
			}
		}
	}
}

// The stored state is the one that a fold of the stored events gives, for everybody.
func TestEngine_liveEqualsReplay(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(0))
		rng := rand.New(rand.NewPCG(3, 4))
		var events []lead.Event
		for run := range 10 {
			events = append(events, story(fmt.Sprintf("s%d", run), rng)...)
		}
		slices.SortFunc(events, func(x, y lead.Event) int { return x.Compare(&y) })
		for i := range events {
			if i > 0 && rng.IntN(5) == 0 {
				events[i], events[i-1] = events[i-1], events[i]
			}
		}
		for _, e := range events {
			b.set(max(b.instant(), e.Time+lead.Instant(rng.IntN(20e6))))
			e.ReceivedAt = b.instant()
			b.submit(t, e)
			if rng.IntN(3) == 0 {
				if _, err := b.Wake(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := b.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
		verify(t, b)
		replayLedger(t, b, hours(0))
	})
}

// replayLedger feeds the stored log, commit by commit, to a fresh engine and compares the ledgers.
func replayLedger(t *testing.T, b *bench, from lead.Instant) {
	t.Helper()
	var log []ingest.Stored
	err := ingest.Scan(t.Context(), b.db, 0, 0, func(_ lead.ProfileID, events []ingest.Stored) error {
		log = append(log, events...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(log, func(x, y ingest.Stored) int { return int(x.Seq) - int(y.Seq) })
	again := newBench(t, dbtest.Open(t, db.SQLite), from)
	for _, s := range log {
		again.set(s.Event.ReceivedAt)
		for woken := 1; woken > 0; {
			if woken, err = again.Wake(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		again.submit(t, s.Event)
	}
	again.set(b.instant())
	if _, err := again.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(b.ledger(t)), plain(again.ledger(t))); diff != "" {
		t.Errorf("ledgers (-live +replayed):\n%s", diff)
	}
}

// plain are ledger lines by person, without what depends on when wakes were noticed.
func plain(entries []Entry) map[string][]string {
	out := map[string][]string{}
	for _, x := range entries {
		out[x.Person] = append(out[x.Person], fmt.Sprintf("%s %s→%s %s %s level %d intent %.9f seq %d", x.At, x.DecisionBefore, x.Decision, x.Rule, x.Track, x.Level, x.Intent, x.LogSeq>>16))
	}
	return out
}

func TestEngine_timeAloneChangesADecisionAtItsInstant(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(0))
		b.submit(t,
			event("1", "u1", hours(0), lead.Identify, "", "", `{"traits":{"email":"ann@acme.example","title":"VP Sales","employees":500}}`),
			event("2", "u1", hours(0), lead.Page, "", "/pricing", `{}`),
		)
		for i := range 3 {
			b.set(hours(float64(i + 1)))
			b.submit(t, event(fmt.Sprint("p", i), "u1", hours(float64(i+1)), lead.Page, "", "/pricing", `{}`))
		}
		announced := b.explain(t, "u1").NextChange
		if announced == nil {
			t.Fatal("no change announced")
		}
		b.set(hours(24 * 200))
		for woken := 1; woken > 0; {
			var err error
			if woken, err = b.Wake(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		entries := b.ledger(t)
		if !slices.ContainsFunc(entries, func(x Entry) bool { return x.Cause == CauseTime && x.At == announced.At }) {
			t.Errorf("no entry at the announced instant %s: %+v", announced.At, entries)
		}
		for _, x := range entries[1:] {
			if x.At < entries[0].At {
				t.Errorf("entry out of order: %+v", x)
			}
		}
	})
}

func TestEngine_mergeAndUnmergeRefold(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(10))
		b.submit(t,
			event("1", "u1", hours(1), lead.Track, "Demo Requested", "", `{}`),
			event("2", "u2", hours(2), lead.Page, "", "/pricing", `{}`),
		)
		before := b.explain(t, "u2").Intent.Score
		merge := event("3", "user:u1", hours(3), lead.Merge, "", "", `{}`)
		merge.PreviousID = "user:u2"
		b.submit(t, merge)
		if one, two := b.explain(t, "u1"), b.explain(t, "u2"); one.Person.ID != two.Person.ID || one.Intent.Score <= 60 {
			t.Errorf("after the merge: %+v and %+v", one.Intent, two.Intent)
		}
		split := event("4", "user:u1", hours(4), lead.Unmerge, "", "", `{}`)
		split.PreviousID = "user:u2"
		b.submit(t, split)
		if got := b.explain(t, "u2"); got.Intent.Score != before || got.Decision != "nurture" {
			t.Errorf("after the un-merge: %+v, want intent %v", got.Intent, before)
		}
		verify(t, b)
	})
}

func TestEngine_publishingFoldsEverybodyAgain(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(10))
		for i := range 5 {
			b.submit(t, event(fmt.Sprint("d", i), fmt.Sprint("u", i), hours(1), lead.Track, "Demo Requested", "", `{}`))
		}
		pub := publishVariant(t, b, "points: 60", "points: 20", "track: inbound", "")
		if pub.Version != 2 {
			t.Fatalf("version = %d", pub.Version)
		}
		s := sweeper{}
		for !s.done {
			if err := b.sweep(t.Context(), &s); err != nil {
				t.Fatal(err)
			}
		}
		people, err := b.People(t.Context(), PeopleFilter{Decision: "nurture", Limit: 100})
		if err != nil || len(people) != 5 {
			t.Errorf("people on nurture after publishing: %d, %v", len(people), err)
		}
		verify(t, b)
	})
}

// publishVariant publishes the test playbook with some of its text replaced.
func publishVariant(t *testing.T, b *bench, oldnew ...string) *Published {
	t.Helper()
	src, err := os.ReadFile("../playbook/testdata/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := playbook.Parse("variant", []byte(strings.NewReplacer(oldnew...).Replace(string(src))))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	pub, err := b.Publish(t.Context(), p, "test", "a variant")
	if err != nil {
		t.Fatal(err)
	}
	return pub
}
