package queue

import (
	"database/sql"
	"fmt"
	"math"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Filter chooses jobs. Empty fields choose all.
type Filter struct {
	State       State
	Kind        string
	Destination string
	Before      ID  // only older jobs: the last id of the page before; 0 for the newest
	Limit       int // at most 1,000; 0 for 100
}

const maxPage = 1000

// List reads jobs, the newest first.
func List(tx *db.Tx, f Filter) ([]Record, error) {
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var found []Record
	err := tx.Query(listJobs, []any{int64(f.Before), string(f.State), f.Kind, f.Destination, min(f.Limit, maxPage)}, scanInto(&found))
	return found, err
}

// Find reads one job; [fault.NotFound] when there is none.
func Find(tx *db.Tx, kind, key string) (Record, error) {
	f, err := one(tx, findKey, kind, key)
	if err != nil {
		return Record{}, err
	}
	return *f, nil
}

// Depth is how many jobs of a kind and destination are in a state.
type Depth struct {
	Kind        string
	Destination string
	State       State
	Jobs        int64
	FirstDue    lead.Instant // when the first of them was or is due
}

// Depths counts the jobs that are not over, and the dead ones.
func Depths(tx *db.Tx) ([]Depth, error) {
	var all []Depth
	err := tx.Query(countJobs, nil, func(rows *sql.Rows) error {
		var d Depth
		err := rows.Scan(&d.Kind, &d.Destination, &d.State, &d.Jobs, &d.FirstDue)
		all = append(all, d)
		return err
	})
	return all, err
}

// CancelWaiting calls off all waiting jobs of a kind, of a destination, or of both (empty for any), and
// says how many they were: for an endpoint that was switched off, or for what a backup had pending.
func CancelWaiting(tx *db.Tx, kind, destination string) (int64, error) {
	return tx.Exec(cancelWaiting, int64(at(tx).wall()), kind, destination)
}

const purgeBatch = 500

// Purge forgets jobs that were over before an instant, at most a batch of them; their keys may be used
// again. It says how many they were: fewer than 500 means that none are left.
func Purge(tx *db.Tx, before lead.Instant) (int64, error) {
	return tx.Exec(purge, int64(before), purgeBatch)
}

// A Pause is the reason why no job runs.
type Pause struct {
	At     lead.Instant
	Reason string
}

// Hold pauses the queue on all servers: no job begins until [Resume]. What runs already is finished. A
// restored database is held, because the messages that it has pending may have been sent after the
// backup. A queue that is held already stays as it is.
func Hold(tx *db.Tx, now lead.Instant, reason string) error {
	_, err := tx.Exec(insertPause, int64(now), shorten(reason))
	return err
}

// Resume ends the pause; nothing happens when there is none.
func Resume(tx *db.Tx) error {
	if _, err := tx.Exec(deletePause); err != nil {
		return err
	}
	m := at(tx)
	m.nudge(tx, m.now)
	return nil
}

// Held reports whether the queue is paused, and why.
func Held(tx *db.Tx) (Pause, bool, error) {
	var p Pause
	err := tx.QueryRow(isPaused, nil, &p.At, &p.Reason)
	if fault.Is(err, fault.NotFound) {
		return Pause{}, false, nil
	}
	return p, err == nil, err
}

// Counts are what a queue has done since it was made, for metrics.
type Counts struct {
	Claimed, Done, Failed, Released, Dead, Lost, Panicked int64
	Late                                                  int64 // attempts that began more than a second after they were due
	Jumps                                                 int64 // of the wall clock
	Running                                               int64 // at this moment
}

// late is the lateness from which an attempt counts as late.
const late = time.Second

// Counts reads the counters.
func (q *Queue) Counts() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.counts
	for _, n := range q.running {
		c.Running += int64(n)
	}
	return c
}

func (q *Queue) count(add func(*Counts)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	add(&q.counts)
}

// String is the reason with its time.
func (p Pause) String() string { return fmt.Sprintf("held since %s: %s", p.At, p.Reason) }
