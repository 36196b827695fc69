package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Claim is one attempt at a job. It belongs to its handler.
type Claim struct {
	Record
	// Lateness is how long after it was due the attempt began: by lack of a free place, or because no
	// server was running.
	Lateness time.Duration

	queue *Queue
	over  bool // completed or rescheduled in a transaction that committed
}

// Complete marks the job as done in the handler's own transaction, so that its effects and its end are
// one. [fault.Conflict] when the lease was lost or the job cancelled: then the transaction must not
// commit, which is certain if the handler returns the error from it.
func (c *Claim) Complete(tx *db.Tx) error {
	return c.leave(tx, (*Record).complete)
}

// Reschedule gives the job another time in the handler's own transaction: for a timer that repeats. The
// errors are those of [Claim.Complete].
func (c *Claim) Reschedule(tx *db.Tx, to lead.Instant) error {
	return c.leave(tx, func(r *Record, m moment) error { return r.reschedule(m, to) })
}

func (c *Claim) leave(tx *db.Tx, do func(*Record, moment) error) error {
	r := c.Record
	if err := do(&r, c.queue.clock.read()); err != nil {
		return err
	}
	if err := save(tx, c.Record, &r); err != nil {
		return err
	}
	tx.OnCommit(func() { c.over = true })
	return nil
}

// outcome is what a handler reported.
type outcome struct {
	claim *Claim
	err   error
	stop  bool // it was interrupted because the queue stops
}

// launch runs a claim's handler beside the loop.
func (q *Queue) launch(c *Claim) {
	q.mu.Lock()
	q.running[c.Destination]++
	q.counts.Claimed++
	if c.Lateness >= late {
		q.counts.Late++
	}
	q.mu.Unlock()
	k := q.kind(c.Kind)
	q.group.Go(func() {
		ctx, cancel := context.WithTimeout(q.work, k.policy.Timeout)
		defer cancel()
		o := outcome{claim: c, err: errVanished}
		defer func() { q.report(o) }()
		o.err = q.call(ctx, k.handler, c)
		o.stop = o.err != nil && q.work.Err() != nil
	})
}

func (q *Queue) report(o outcome) {
	q.mu.Lock()
	d := o.claim.Destination
	if q.running[d]--; q.running[d] == 0 {
		delete(q.running, d)
	}
	q.finished = append(q.finished, o)
	q.mu.Unlock()
	q.now()
}

// errVanished is the failure of a handler that ended its goroutine instead of returning.
var errVanished = errors.New("the handler ended without returning")

// call runs a handler; a panic is its error.
func (q *Queue) call(ctx context.Context, h Handler, c *Claim) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err = fmt.Errorf("panic: %v", v)
		q.count(func(c *Counts) { c.Panicked++ })
		q.log.LogAttrs(ctx, slog.LevelError, "a handler panicked", slog.Int64("job", int64(c.ID)), slog.String("kind", c.Kind),
			slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	}()
	return h(ctx, c)
}

// outcomes takes what handlers have reported and is not stored.
func (q *Queue) outcomes() (done, failed []outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.finished {
		if o.err == nil || o.stop {
			done = append(done, o)
		} else {
			failed = append(failed, o)
		}
	}
	q.finished = nil
	return done, failed
}

// unsettled keeps outcomes that could not be stored, for the next turn. When that never comes in time,
// their leases end and the jobs run once more.
func (q *Queue) unsettled(back []outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finished = append(back, q.finished...)
}

// settle stores successes and interruptions. A claim whose lease was lost meanwhile is left alone.
func settle(tx *db.Tx, m moment, done []outcome) error {
	for _, o := range done {
		if o.claim.over {
			continue
		}
		r := o.claim.Record
		do := r.complete
		if o.stop {
			do = r.release
		}
		if err := do(m); err != nil {
			return err
		}
		if err := save(tx, o.claim.Record, &r); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}

// noteDone counts outcomes that are stored.
func (q *Queue) noteDone(done []outcome) {
	q.count(func(c *Counts) {
		for _, o := range done {
			if o.stop {
				c.Released++
			} else {
				c.Done++
			}
		}
	})
}

// fail stores a failure, each in a transaction of its own: what a policy does when a job is given up may fail.
func (q *Queue) fail(ctx context.Context, o outcome) error {
	if o.claim.over {
		q.log.LogAttrs(ctx, slog.LevelWarn, "a handler failed after its job was over", slog.Int64("job", int64(o.claim.ID)),
			slog.String("kind", o.claim.Kind), slog.Any("error", o.err))
		return nil
	}
	err := q.failure(ctx, retry, o.err, func(*db.Tx, moment) (*Record, error) {
		r := o.claim.Record
		return &r, nil
	})
	if fault.Is(err, fault.Conflict) {
		return nil // the lease was lost, or the job cancelled
	}
	return err
}

// failure stores that a job failed. When it was the last time, the kind's owner hears of it in the same
// transaction; an owner who cannot bear the news is passed over.
func (q *Queue) failure(ctx context.Context, do action, cause error, find func(*db.Tx, moment) (*Record, error)) error {
	var r *Record
	attempt := func(tell bool) error {
		return q.db.Write(ctx, func(tx *db.Tx) (err error) {
			m := q.clock.read()
			if r, err = find(tx, m); err != nil || r == nil {
				return err
			}
			before := *r
			p := q.kind(r.Kind).policy.withDefaults()
			if err := r.fail(m, do, p, cause); err != nil {
				return err
			}
			if err := save(tx, before, r); err != nil {
				return err
			}
			if r.State == Dead && tell && p.Buried != nil {
				return mourn(tx, p, *r)
			}
			return nil
		})
	}
	err := attempt(true)
	if mourning, ok := errors.AsType[buriedError](err); ok {
		q.log.LogAttrs(ctx, slog.LevelError, "nobody could be told that a job was given up", slog.Any("error", mourning.error))
		err = attempt(false)
	}
	if err == nil && r != nil {
		q.noteFailure(ctx, r, do, cause)
	}
	return err
}

// buriedError is what went wrong in [Policy.Buried].
type buriedError struct{ error }

func mourn(tx *db.Tx, p Policy, r Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = buriedError{fmt.Errorf("panic: %v", v)}
		}
	}()
	if err := p.Buried(tx, r); err != nil {
		return buriedError{err}
	}
	return nil
}

func (q *Queue) noteFailure(ctx context.Context, r *Record, do action, cause error) {
	level := slog.LevelInfo
	q.count(func(c *Counts) {
		c.Failed++
		if do == expire {
			c.Lost++
			level = slog.LevelWarn
		}
		if r.State == Dead {
			c.Dead++
			level = slog.LevelWarn
		}
	})
	q.log.LogAttrs(ctx, level, "a job failed", slog.Int64("job", int64(r.ID)), slog.String("kind", r.Kind),
		slog.Int("attempt", r.Attempt), slog.String("state", string(r.State)), slog.Any("error", cause))
}
