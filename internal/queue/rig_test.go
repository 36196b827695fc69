package queue_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// start is when tests begin, on their own clocks.
var start = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

// hands is a clock that the test sets: time passes, and the wall clock may jump.
type hands struct{ passed, jumped atomic.Int64 }

func (h *hands) now() time.Time {
	return start.Add(time.Duration(h.passed.Load()) + time.Duration(h.jumped.Load()))
}
func (h *hands) elapsed() time.Duration { return time.Duration(h.passed.Load()) }
func (h *hands) pass(d time.Duration)   { h.passed.Add(int64(d)) }
func (h *hands) jump(d time.Duration)   { h.jumped.Add(int64(d)) }
func (h *hands) at() lead.Instant       { return lead.At(h.now()) }

// rig is a queue whose loop the test turns by hand.
type rig struct {
	*testing.T
	d     *db.DB
	q     *queue.Queue
	clock *hands
}

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	c := &hands{}
	return &rig{T: t, d: d, clock: c, q: queue.New(d, queue.Options{Now: c.now, Elapsed: c.elapsed})}
}

func (r *rig) handle(kind string, p queue.Policy, h queue.Handler) {
	r.Helper()
	if err := r.q.Handle(kind, p, h); err != nil {
		r.Fatal(err)
	}
}

// settle turns the loop until nothing is left to do at this moment.
func (r *rig) settle() {
	r.Helper()
	for nap := time.Duration(0); nap == 0; {
		nap = r.q.Turn(r.Context())
		r.q.Wait()
		if nap == 0 {
			continue
		}
		nap = r.q.Turn(r.Context()) // what the last handlers reported
	}
}

func (r *rig) write(f func(tx *db.Tx) error) {
	r.Helper()
	if err := r.d.Write(r.Context(), f); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) enqueue(j queue.Job) (id queue.ID) {
	r.Helper()
	r.write(func(tx *db.Tx) (err error) {
		id, err = queue.Enqueue(tx, j)
		return err
	})
	return id
}

func (r *rig) find(kind, key string) (rec queue.Record) {
	r.Helper()
	err := r.d.Read(r.Context(), func(tx *db.Tx) (err error) {
		rec, err = queue.Find(tx, kind, key)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

func (r *rig) state(kind, key string, want queue.State) queue.Record {
	r.Helper()
	rec := r.find(kind, key)
	if rec.State != want {
		r.Errorf("job %s of kind %s is %s, want %s (%+v)", key, kind, rec.State, want, rec)
	}
	return rec
}

// log notes what handlers did; those that run at once have no order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, s)
}

func (l *log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.lines
	l.lines = nil
	slices.Sort(all)
	return all
}

func nothing(context.Context, *queue.Claim) error { return nil }

// on runs a test with a rig on each engine.
func on(t *testing.T, f func(r *rig)) {
	t.Helper()
	dbtest.Both(t, func(t *testing.T, d *db.DB) { f(newRig(t, d)) })
}

func kindOf(err error) string {
	if err == nil {
		return "none"
	}
	return fault.KindOf(err).String()
}
