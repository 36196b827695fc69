package queue

import (
	"sync"
	"time"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// A clock tells steady time: the wall clock less all its jumps since the process began. Timers are kept
// in it, so that setting the wall clock forward fires none early and setting it back holds none up.
//
// The wall clock and elapsed time are compared at every reading. A difference that arose since the
// last one is a jump if it is larger than a clock that is being slewed could make it; smaller ones are
// followed. Whatever writes a time reads the clock first, so it is known on which side of a jump it stands.
type clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
	jumped  func(by time.Duration)

	mu          sync.Mutex
	lastWall    lead.Instant
	lastElapsed time.Duration
	skew        lead.Instant // the sum of all jumps
}

const (
	// smallestJump is what a clock that is slewed (at most 500 ppm) gains in three minutes; the clock is
	// read at least every [longestNap].
	smallestJump = 100 * time.Millisecond
	// smallestWarning is the smallest jump that somebody should look into.
	smallestWarning = 2 * time.Second
	// readApart is how far apart wall and elapsed time may be read before they are read again.
	readApart = 5 * time.Millisecond
	readTries = 8
)

func newClock(wall func() time.Time, elapsed func() time.Duration, jumped func(time.Duration)) *clock {
	if elapsed == nil {
		start := wall() // its monotonic reading counts, if it has one
		elapsed = func() time.Duration { return wall().Sub(start) }
	}
	c := &clock{wall: wall, elapsed: elapsed, jumped: jumped}
	c.lastWall, c.lastElapsed = c.both()
	return c
}

// both reads the two clocks so close together that a pause between them does not look like a jump.
func (c *clock) both() (lead.Instant, time.Duration) {
	for try := 1; ; try++ {
		before := c.elapsed()
		wall := lead.At(c.wall())
		after := c.elapsed()
		if after-before < readApart || try == readTries {
			return wall, after
		}
	}
}

// moment is an instant on the steady clock.
type moment struct {
	now   lead.Instant // steady
	skew  lead.Instant // wall time minus steady time
	queue *Queue       // of this process; nil when none runs
}

func (m moment) wall() lead.Instant { return m.now + m.skew }

// due is when a job that is to run at a wall time is due on the steady clock.
func (m moment) due(runAt lead.Instant) lead.Instant {
	switch runAt {
	case 0:
		return m.now
	case lead.Never:
		return lead.Never
	}
	return runAt - m.skew
}

// nudge wakes the process's queue after the commit, if it would sleep too long for a job due then.
func (m moment) nudge(tx *db.Tx, due lead.Instant) {
	if m.queue != nil {
		tx.OnCommit(func() { m.queue.nudge(due) })
	}
}

func (c *clock) read() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, elapsed := c.both()
	jump := wall.Sub(c.lastWall) - (elapsed - c.lastElapsed)
	c.lastWall, c.lastElapsed = wall, elapsed
	if jump.Abs() >= smallestJump {
		c.skew += lead.Instant(jump / time.Microsecond)
		c.jumped(jump)
	}
	return moment{now: wall - c.skew, skew: c.skew}
}

// restart lets steady time begin anew with the wall clock. Nobody knows how much time has elapsed since an
// earlier process wrote what it left, other than by the wall clock.
func (c *clock) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastWall, c.lastElapsed = c.both()
	c.skew = 0
}

// attachment is the key under which a queue is found beside its database.
type attachment struct{}

// at is the moment for what the transaction writes. Without a queue in this process nobody watches the
// clock: 0 is earlier than every due time.
func at(tx *db.Tx) moment {
	q, _ := tx.Attached(attachment{}).(*Queue)
	if q == nil {
		return moment{}
	}
	m := q.clock.read()
	m.queue = q
	return m
}
