package queue_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

func TestEnqueue_isPartOfTheTransaction(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		var did log
		r.handle("mail.send", queue.Policy{}, func(_ context.Context, c *queue.Claim) error {
			did.add(c.Key + " " + string(c.Payload))
			return nil
		})
		broken := errors.New("broken")
		err := r.d.Write(r.Context(), func(tx *db.Tx) error {
			if _, err := queue.Enqueue(tx, queue.Job{Kind: "mail.send", Key: "lost"}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			r.Fatal(err)
		}
		first := r.enqueue(queue.Job{Kind: "mail.send", Key: "a", Payload: []byte("once")})
		again := r.enqueue(queue.Job{Kind: "mail.send", Key: "a", Payload: []byte("twice")})
		other := r.enqueue(queue.Job{Kind: "mail.other", Key: "a"})
		if first != again || first == other {
			r.Errorf("ids %d, %d, %d", first, again, other)
		}
		r.write(func(tx *db.Tx) error {
			return queue.EnqueueAll(tx, []queue.Job{{Kind: "mail.send", Key: "a"}, {Kind: "mail.send", Key: "b", Payload: []byte("bulk")}, {Kind: "mail.send", Key: "b"}})
		})
		r.settle()
		if diff := cmp.Diff([]string{"a once", "b bulk"}, did.take()); diff != "" {
			r.Error(diff)
		}
		if rec := r.state("mail.send", "a", queue.Done); len(rec.Payload) != 0 || rec.FinishedAt != r.clock.at() {
			r.Errorf("done: %+v", rec)
		}
		if id := r.enqueue(queue.Job{Kind: "mail.send", Key: "a"}); id != first {
			r.Error("the key of a finished job was free")
		}
		r.settle()
		if got := did.take(); got != nil {
			r.Errorf("a finished job ran again: %v", got)
		}
		r.state("mail.other", "a", queue.Waiting) // nobody handles its kind
	})
}

func TestEnqueue_refusesWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		long := strings.Repeat("x", 1000)
		for _, j := range []queue.Job{
			{Key: "a"}, {Kind: "k"}, {Kind: long, Key: "a"}, {Kind: "k", Key: long}, {Kind: "k", Key: "a", Destination: long},
			{Kind: "k", Key: "a", Payload: make([]byte, queue.MaxPayload+1)},
		} {
			err := r.d.Write(r.Context(), func(tx *db.Tx) error { return queue.EnqueueAll(tx, []queue.Job{j}) })
			_, err2 := errOnly(r, j)
			if err == nil || err2 == nil {
				r.Errorf("%.20s/%.20s was enqueued", j.Kind, j.Key)
			}
		}
	})
}

func errOnly(r *rig, j queue.Job) (id queue.ID, err error) {
	err = r.d.Write(r.Context(), func(tx *db.Tx) (err error) { id, err = queue.Enqueue(tx, j); return err })
	return id, err
}

func TestHandlersFail(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		var none []error
		how := map[string]func() error{
			"error":     func() error { return errors.New("no\x00t\xff today") },
			"panic":     func() error { panic("poison") },
			"nil panic": func() error { return none[0] },
			"exit":      func() error { runtime.Goexit(); return nil },
			"permanent": func() error { return queue.Permanent(errors.New("410 Gone")) },
			"long":      func() error { return errors.New(strings.Repeat("ü", 5000)) },
		}
		for name, f := range how {
			r.handle(name, queue.Policy{MaxAttempts: 2}, func(context.Context, *queue.Claim) error { return f() })
			r.enqueue(queue.Job{Kind: name, Key: "k", Payload: []byte("kept")})
		}
		r.settle()
		r.state("permanent", "k", queue.Dead)
		for _, name := range []string{"error", "panic", "nil panic", "exit", "long"} {
			r.state(name, "k", queue.Waiting)
		}
		r.clock.pass(10 * time.Second)
		r.settle()
		for name, want := range map[string]string{
			"error": "no?t? today", "panic": "panic: poison", "nil panic": "panic: runtime error", "exit": "ended without", "permanent": "410 Gone", "long": "üü",
		} {
			rec := r.state(name, "k", queue.Dead)
			if !strings.HasPrefix(rec.Error, want) && !strings.Contains(rec.Error, want) || len(rec.Error) > 1024 || string(rec.Payload) != "kept" {
				r.Errorf("%s: error %.40q, payload %q", name, rec.Error, rec.Payload)
			}
		}
		if c := r.q.Counts(); c.Panicked != 4 || c.Dead != 6 || c.Running != 0 {
			r.Errorf("%+v", c)
		}
	})
}

func TestComplete_isOneWithItsEffects(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		effect := func(tx *db.Tx, key string) error {
			_, err := queue.Enqueue(tx, queue.Job{Kind: "effect", Key: key})
			return err
		}
		r.handle("timer", queue.Policy{}, func(ctx context.Context, c *queue.Claim) error {
			err := r.d.Write(ctx, func(tx *db.Tx) error {
				if err := effect(tx, c.Key); err != nil {
					return err
				}
				if err := c.Complete(tx); err != nil || c.Key != "rolled back" || c.Attempt > 1 {
					return err
				}
				return errors.New("changed its mind")
			})
			if err != nil || c.Key != "complains" {
				return err
			}
			return errors.New("after the end")
		})
		r.handle("repeats", queue.Policy{}, func(ctx context.Context, c *queue.Claim) error {
			return r.d.Write(ctx, func(tx *db.Tx) error {
				if err := effect(tx, fmt.Sprint("repeat ", c.Attempt)); err != nil {
					return err
				}
				return c.Reschedule(tx, c.RunAt.Add(time.Hour))
			})
		})
		for _, key := range []string{"plain", "complains", "rolled back"} {
			r.enqueue(queue.Job{Kind: "timer", Key: key})
		}
		r.enqueue(queue.Job{Kind: "repeats", Key: "k", RunAt: r.clock.at()})
		r.settle()
		r.state("timer", "plain", queue.Done)
		r.state("timer", "complains", queue.Done)
		if rec := r.state("timer", "rolled back", queue.Waiting); rec.Failed != 1 {
			r.Errorf("%+v", rec)
		}
		for range 3 {
			r.clock.pass(time.Hour)
			r.settle()
		}
		if rec := r.state("repeats", "k", queue.Waiting); rec.Attempt != 4 || rec.Failed != 0 {
			r.Errorf("%+v", rec)
		}
		for _, key := range []string{"plain", "complains", "rolled back", "repeat 1", "repeat 4"} {
			r.state("effect", key, queue.Waiting)
		}
	})
}

func TestCancel_whileRunningUndoesTheHandler(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		var said string
		r.handle("timer", queue.Policy{}, func(ctx context.Context, c *queue.Claim) error {
			r.write(func(tx *db.Tx) error { return queue.Cancel(tx, "timer", "k") })
			err := r.d.Write(ctx, func(tx *db.Tx) error {
				if _, err := queue.Enqueue(tx, queue.Job{Kind: "effect", Key: "k"}); err != nil {
					return err
				}
				return c.Complete(tx)
			})
			said = kindOf(err)
			return err
		})
		r.enqueue(queue.Job{Kind: "timer", Key: "k"})
		r.settle()
		r.state("timer", "k", queue.Cancelled)
		err := r.d.Read(r.Context(), func(tx *db.Tx) error { _, err := queue.Find(tx, "effect", "k"); return err })
		if said != "conflict" || !fault.Is(err, fault.NotFound) {
			r.Errorf("complete said %s, the effect is there: %v", said, err)
		}
	})
}

func TestAdministration(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		fails := true
		r.handle("hook", queue.Policy{MaxAttempts: 1}, func(context.Context, *queue.Claim) error {
			if fails {
				return errors.New("down")
			}
			return nil
		})
		dead := r.enqueue(queue.Job{Kind: "hook", Key: "dead"})
		r.settle()
		r.state("hook", "dead", queue.Dead)
		later := r.clock.at().Add(time.Hour)
		for _, key := range []string{"moved", "off", "x1", "x2"} {
			r.enqueue(queue.Job{Kind: "hook", Key: key, Destination: "to " + key[:1], RunAt: later})
		}
		fails = false
		r.write(func(tx *db.Tx) error { return queue.Replay(tx, dead) })
		r.write(func(tx *db.Tx) error { return queue.Reschedule(tx, "hook", "moved", r.clock.at()) })
		r.write(func(tx *db.Tx) error { return queue.Cancel(tx, "hook", "off") })
		r.settle()
		if rec := r.state("hook", "dead", queue.Done); rec.Attempt != 2 || rec.Error != "" {
			r.Errorf("%+v", rec)
		}
		r.state("hook", "moved", queue.Done)
		for name, f := range map[string]func(tx *db.Tx) error{
			"not_found none":       func(tx *db.Tx) error { return queue.Cancel(tx, "hook", "none") },
			"conflict replay done": func(tx *db.Tx) error { return queue.Replay(tx, dead) },
			"conflict cancel done": func(tx *db.Tx) error { return queue.CancelID(tx, dead) },
			"conflict cancel off":  func(tx *db.Tx) error { return queue.Cancel(tx, "hook", "off") },
			"conflict move off":    func(tx *db.Tx) error { return queue.Reschedule(tx, "hook", "off", later) },
		} {
			if got := kindOf(r.d.Write(r.Context(), f)); !strings.HasPrefix(name, got) {
				r.Errorf("%s: %s", name, got)
			}
		}
		var depths []queue.Depth
		r.write(func(tx *db.Tx) (err error) { depths, err = queue.Depths(tx); return err })
		want := []queue.Depth{{Kind: "hook", Destination: "to x", State: queue.Waiting, Jobs: 2, FirstDue: later}}
		if diff := cmp.Diff(want, depths); diff != "" {
			r.Error(diff)
		}
		r.write(func(tx *db.Tx) error {
			n, err := queue.CancelWaiting(tx, "", "to x")
			if n != 2 {
				r.Errorf("%d called off", n)
			}
			return err
		})
		if got := r.keys(queue.Filter{}); got != "x2 x1 off moved dead" {
			r.Error(got)
		}
		if got := r.keys(queue.Filter{State: queue.Cancelled, Limit: 2}); got != "x2 x1" {
			r.Error(got)
		}
		if got := r.keys(queue.Filter{Before: dead + 2, Kind: "hook"}); got != "moved dead" {
			r.Error(got)
		}
		r.clock.pass(time.Minute)
		r.write(func(tx *db.Tx) error {
			n, err := queue.Purge(tx, r.clock.at())
			if n != 5 {
				r.Errorf("%d forgotten", n)
			}
			return err
		})
		if id := r.enqueue(queue.Job{Kind: "hook", Key: "dead"}); id == dead {
			r.Error("the key of a job that was forgotten is taken")
		}
	})
}

func (r *rig) keys(f queue.Filter) string {
	r.Helper()
	var keys []string
	r.write(func(tx *db.Tx) error {
		all, err := queue.List(tx, f)
		for _, rec := range all {
			keys = append(keys, rec.Key)
		}
		return err
	})
	return strings.Join(keys, " ")
}

// TestHold is case O17: what a backup had pending is not sent before somebody says so.
func TestHold(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		var did log
		r.handle("hook", queue.Policy{}, func(_ context.Context, c *queue.Claim) error { did.add(c.Key); return nil })
		r.enqueue(queue.Job{Kind: "hook", Key: "pending"})
		r.enqueue(queue.Job{Kind: "hook", Key: "timer", RunAt: r.clock.at().Add(time.Minute)})
		r.write(func(tx *db.Tx) error { return queue.Hold(tx, r.clock.at(), "restored from a backup") })
		r.write(func(tx *db.Tx) error { return queue.Hold(tx, r.clock.at().Add(time.Hour), "twice") })
		r.settle()
		r.clock.pass(time.Hour)
		r.enqueue(queue.Job{Kind: "hook", Key: "new"})
		r.settle()
		if got := did.take(); got != nil {
			r.Errorf("ran while held: %v", got)
		}
		r.write(func(tx *db.Tx) error {
			p, held, err := queue.Held(tx)
			if !held || p.Reason != "restored from a backup" || p.At != lead.At(start) || !strings.Contains(p.String(), "backup") {
				r.Errorf("%v %+v", held, p)
			}
			return err
		})
		r.write(func(tx *db.Tx) error { return queue.Cancel(tx, "hook", "pending") })
		r.write(queue.Resume)
		r.write(queue.Resume)
		r.settle()
		if diff := cmp.Diff([]string{"new", "timer"}, did.take()); diff != "" {
			r.Error(diff)
		}
	})
}

func TestBuried_isToldInTheSameTransaction(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		bad := func(context.Context, *queue.Claim) error { return errors.New("down") }
		tell := func(tx *db.Tx, rec queue.Record) error {
			_, err := queue.Enqueue(tx, queue.Job{Kind: "notice", Key: rec.Kind + "/" + rec.Key + "/" + string(rec.State)})
			return err
		}
		r.handle("told", queue.Policy{MaxAttempts: 1, Buried: tell}, bad)
		r.handle("deaf", queue.Policy{MaxAttempts: 1, Buried: func(tx *db.Tx, rec queue.Record) error {
			return errors.Join(tell(tx, rec), errors.New("cannot bear it"))
		}}, bad)
		r.handle("faints", queue.Policy{MaxAttempts: 1, Buried: func(*db.Tx, queue.Record) error { panic("oh") }}, bad)
		for _, kind := range []string{"told", "deaf", "faints"} {
			r.enqueue(queue.Job{Kind: kind, Key: "k"})
		}
		r.settle()
		for _, kind := range []string{"told", "deaf", "faints"} {
			r.state(kind, "k", queue.Dead)
		}
		if got := r.keys(queue.Filter{Kind: "notice"}); got != "told/k/dead" {
			r.Errorf("notices: %s", got)
		}
	})
}

func TestHandle_refusesPoliciesThatCannotHold(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		r.handle("twice", queue.Policy{}, nothing)
		if r.q.Handle("twice", queue.Policy{}, nothing) == nil {
			r.Error("a kind has two handlers")
		}
		for _, p := range []queue.Policy{
			{Timeout: time.Minute}, {Timeout: -1}, {MaxAttempts: -1}, {First: time.Hour, Longest: time.Minute}, {MaxAge: -1}, {Parallel: -1},
		} {
			if r.q.Handle("bad", p, nothing) == nil {
				r.Errorf("%+v was accepted", p)
			}
		}
	})
}
