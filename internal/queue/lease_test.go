package queue_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/queue"
)

// beside is another server's queue on the same database, with the same clock.
func (r *rig) beside(d *db.DB) *rig {
	return &rig{T: r.T, d: d, clock: r.clock, q: queue.New(d, queue.Options{Now: r.clock.now, Elapsed: r.clock.elapsed})}
}

// stuck makes a handler that blocks until the test ends, and tells what its attempt to complete gave.
func stuck(r *rig) (h queue.Handler, begun chan struct{}, finish func() string) {
	begun, end, said := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	h = func(_ context.Context, c *queue.Claim) error {
		close(begun)
		<-end
		err := r.d.Write(context.Background(), c.Complete)
		said <- kindOf(err)
		return err
	}
	return h, begun, func() string { close(end); return <-said }
}

// TestLease_ofALostWorker is D13 and O06: a server dies in the middle of a job; another one takes it up
// within a minute, with the same id, and what the first one still reports counts for nothing.
func TestLease_ofALostWorker(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h, begun, finish := stuck(r)
		r.handle("hook", queue.Policy{}, h)
		id := r.enqueue(queue.Job{Kind: "hook", Key: "k", Payload: []byte("same")})
		r.q.Turn(r.Context()) // and never again: the server is gone
		<-begun
		r.state("hook", "k", queue.Running)

		next := r.beside(r.d)
		var again []queue.Record
		var said string
		next.handle("hook", queue.Policy{}, func(_ context.Context, c *queue.Claim) error {
			again = append(again, c.Record)
			said = finish() // while this one is at it
			return nil
		})
		if err := next.q.Start(r.Context()); err != nil {
			r.Fatal(err)
		}
		next.settle()
		if r.d.Dialect() == db.Postgres { // it might be alive
			next.state("hook", "k", queue.Running)
			r.clock.pass(time.Minute)
			next.settle()
		}
		if len(again) != 1 || again[0].ID != id || again[0].Key != "k" || string(again[0].Payload) != "same" || again[0].Attempt != 2 {
			r.Errorf("%+v", again)
		}
		if rec := next.state("hook", "k", queue.Done); rec.Failed != 1 {
			r.Errorf("%+v", rec)
		}
		if said != "conflict" {
			r.Errorf("the lost worker completed its job: %s", said)
		}
		if c := next.q.Counts(); c.Lost != 1 || c.Done != 1 {
			r.Errorf("%+v", c)
		}
	})
}

// TestLease_ofAnotherClock: a lease that ends in an hour was written before the clock was set back.
func TestLease_ofAnotherClock(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h, begun, finish := stuck(r)
		r.handle("hook", queue.Policy{}, h)
		r.enqueue(queue.Job{Kind: "hook", Key: "k"})
		r.q.Turn(r.Context())
		<-begun
		r.clock.jump(-time.Hour)
		next := r.beside(r.d)
		next.handle("hook", queue.Policy{}, nothing)
		if err := next.q.Start(r.Context()); err != nil {
			r.Fatal(err)
		}
		next.settle()
		next.state("hook", "k", queue.Done)
		finish()
	})
}

// TestLease_ofAJobThatKills: a job that takes its server down every time is given up in the end, and not
// tried at once each time.
func TestLease_ofAJobThatKills(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		end := make(chan struct{})
		defer close(end)
		var attempts atomic.Int64
		for range 5 {
			server := r.beside(r.d)
			server.handle("bomb", queue.Policy{MaxAttempts: 3}, func(context.Context, *queue.Claim) error {
				attempts.Add(1)
				<-end
				return errors.New("too late")
			})
			server.handle("other", queue.Policy{}, nothing)
			if err := server.q.Start(r.Context()); err != nil {
				r.Fatal(err)
			}
			r.enqueue(queue.Job{Kind: "bomb", Key: "k"})
			server.q.Turn(r.Context())
			server.q.Turn(r.Context())
			for n := r.find("bomb", "k").Attempt; attempts.Load() < int64(n); { // until the handler has begun
				runtime.Gosched()
			}
			r.clock.pass(2 * time.Minute)
		}
		if rec := r.state("bomb", "k", queue.Dead); attempts.Load() != 3 || rec.Attempt != 3 {
			r.Errorf("%d attempts, %+v", attempts.Load(), rec)
		}
	})
}

// TestTwoServers is O19: two servers on one PostgreSQL, and a third that dies with jobs in its hands.
// Each job takes effect once.
func TestTwoServers_runEachJobOnce(t *testing.T) {
	t.Parallel()
	if len(dbtest.Dialects()) == 1 {
		return // a SQLite file belongs to one server
	}
	const jobs = 200
	dsn := dbtest.DSN(t, db.Postgres)
	clock := &hands{}
	end := make(chan struct{})
	defer close(end)
	var effects sync.Map
	var done, twice atomic.Int64
	server := func(dies bool) *rig {
		d, err := db.Open(t.Context(), dsn, db.Options{MaxReaders: 8})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		if _, err := migrate.Run(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		r := (&rig{T: t, clock: clock}).beside(d)
		r.handle("hook", queue.Policy{}, func(ctx context.Context, c *queue.Claim) error {
			if dies {
				<-end
				return errors.New("dead")
			}
			if c.Attempt == 1 && c.ID%7 == 0 {
				return errors.New("the first time fails")
			}
			if err := d.Write(ctx, c.Complete); err != nil {
				return err
			}
			if _, was := effects.LoadOrStore(c.Key, true); was {
				twice.Add(1)
			}
			done.Add(1)
			return nil
		})
		return r
	}
	dying, a, b := server(true), server(false), server(false)
	a.write(func(tx *db.Tx) error {
		var all []queue.Job
		for i := range jobs {
			all = append(all, queue.Job{Kind: "hook", Key: fmt.Sprint(i), Destination: fmt.Sprint("d", i%10)})
		}
		return queue.EnqueueAll(tx, all)
	})
	dying.q.Turn(t.Context())
	var group sync.WaitGroup
	for _, r := range []*rig{a, b} {
		group.Go(func() {
			for done.Load() < jobs && t.Context().Err() == nil {
				if nap := r.q.Turn(t.Context()); nap > 0 {
					clock.pass(time.Second)
				}
			}
			r.q.Wait()
			r.settle()
		})
	}
	group.Wait()
	if done.Load() != jobs || twice.Load() != 0 {
		t.Errorf("%d done, %d of them twice", done.Load(), twice.Load())
	}
	if got := a.keys(queue.Filter{State: queue.Running}) + a.keys(queue.Filter{State: queue.Waiting}); got != "" {
		t.Errorf("left over: %s", got)
	}
	if a, b := a.q.Counts(), b.q.Counts(); a.Claimed == 0 || b.Claimed == 0 || a.Lost+b.Lost == 0 {
		t.Errorf("the servers did not share: %+v %+v", a, b)
	}
}
