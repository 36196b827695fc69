package queue

import (
	"context"
	"time"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Turn runs the loop once, for tests with a clock of their own.
func (q *Queue) Turn(ctx context.Context) time.Duration {
	if q.work == nil {
		q.work = ctx
	}
	return q.turn(ctx)
}

// Wait waits until all handlers have returned.
func (q *Queue) Wait() { q.group.Wait() }

// Start is what Run does first.
func (q *Queue) Start(ctx context.Context) error { return q.start(ctx) }

// At is the moment at which tx writes.
func At(tx *db.Tx) (steady, skew lead.Instant) { m := at(tx); return m.now, m.skew }

// Pause is the pause after a failure.
func (p Policy) Pause(id ID, failed int) time.Duration { return p.withDefaults().pause(id, failed) }

// Next is the decision after a failure.
func (p Policy) Next(r Record, now lead.Instant, cause error) (lead.Instant, bool) {
	return p.withDefaults().next(r, now, cause)
}

// Clock is a clock without a queue.
func Clock(wall func() time.Time, elapsed func() time.Duration) func() (steady, skew lead.Instant) {
	c := newClock(wall, elapsed, func(time.Duration) {})
	return func() (lead.Instant, lead.Instant) { m := c.read(); return m.now, m.skew }
}

// Arrows are the transitions as "from --> to: action".
func Arrows() []string {
	var all []string
	for _, t := range transitions() {
		all = append(all, string(t.from)+" --> "+string(t.to)+": "+string(t.do))
	}
	return all
}
