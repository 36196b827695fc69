package queue

import (
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// ID names a job for good. Every attempt has the same one.
type ID int64

// Job is what is asked for.
type Job struct {
	Kind string // "stage.verb", such as "alert.deliver"; a handler is registered for it
	// Key makes asking twice the same as asking once: a kind has one job with it. It stays taken until
	// the finished job is forgotten, see [Purge].
	Key string
	// Destination is what may be slow or dead without holding up others: the host of a webhook, the mail
	// server. Empty for work in the house, where each kind is a destination of its own.
	Destination string
	RunAt       lead.Instant // not before this; 0 for at once
	Payload     []byte       // for the handler, at most [MaxPayload]
}

// Limits of what a job may hold.
const (
	MaxPayload = 256 << 10 // bytes
	maxName    = 512       // bytes of a kind, key or destination
	maxError   = 1 << 10   // bytes of an error that are kept
)

// Record is a job as it is stored.
type Record struct {
	ID          ID
	Kind        string
	Key         string
	Destination string
	State       State
	RunAt       lead.Instant // when it was asked to run; 0 for at once
	DueAt       lead.Instant // when the next attempt is due, or the last one was
	Attempt     int          // attempts begun
	Failed      int          // failures since it was enqueued or replayed
	FirstAt     lead.Instant // begin of the first of these attempts; 0 for none
	LeaseUntil  lead.Instant // while running
	FinishedAt  lead.Instant // 0 while waiting or running
	Error       string       // of the last failure
	Payload     []byte       // empty once done

	skew lead.Instant
}

func (j Job) check() error {
	for _, f := range []struct{ field, text string }{{"kind", j.Kind}, {"key", j.Key}} {
		if f.text == "" || len(f.text) > maxName {
			return fault.New(fault.Internal, "a job needs a %s of at most %d bytes", f.field, maxName).WithField(f.field)
		}
	}
	if len(j.Destination) > maxName || len(j.Payload) > MaxPayload {
		return fault.New(fault.TooLarge, "a job of kind %s is too large", j.Kind)
	}
	return nil
}

func (j Job) lane() string {
	if j.Destination == "" {
		return j.Kind
	}
	return j.Destination
}

// Enqueue asks for a job within the transaction: it exists if and when that commits. When a job of this
// kind and key exists already, in whatever state, nothing changes and the id is that one's.
func Enqueue(tx *db.Tx, j Job) (ID, error) {
	if err := j.check(); err != nil {
		return 0, err
	}
	return insert(tx, j, at(tx))
}

// EnqueueAll is [Enqueue] for many jobs, in few statements and without the ids.
func EnqueueAll(tx *db.Tx, jobs []Job) error {
	for _, j := range jobs {
		if err := j.check(); err != nil {
			return err
		}
	}
	return insertAll(tx, jobs, at(tx))
}

// Reschedule gives a waiting or running job another time. A running one is given back: its handler
// will not be able to complete it. [fault.NotFound] when there is no such job, [fault.Conflict] when it
// is over.
func Reschedule(tx *db.Tx, kind, key string, to lead.Instant) error {
	return change(tx, byKey{kind, key}, func(r *Record, m moment) error { return r.reschedule(m, to) })
}

// Cancel calls a job off. A handler that is at work may have taken effect outside, but can no longer
// complete the job in a transaction. [fault.NotFound] when there is no such job, [fault.Conflict] when it
// is done or cancelled.
func Cancel(tx *db.Tx, kind, key string) error {
	return change(tx, byKey{kind, key}, (*Record).cancel)
}

// CancelID is [Cancel] by id.
func CancelID(tx *db.Tx, id ID) error { return change(tx, byID(id), (*Record).cancel) }

// Replay tries a dead or cancelled job again, at once and with all its attempts.
func Replay(tx *db.Tx, id ID) error { return change(tx, byID(id), (*Record).replay) }

// change does one thing to one job within the caller's transaction.
func change(tx *db.Tx, which selector, do func(*Record, moment) error) error {
	r, err := which.lock(tx)
	if err != nil {
		return err
	}
	m := at(tx)
	before := *r
	if err := do(r, m); err != nil {
		return err
	}
	if err := save(tx, before, r); err != nil {
		return err
	}
	m.nudge(tx, r.DueAt)
	return nil
}
