package queue

import (
	"errors"
	"fmt"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Policy says how jobs of a kind are tried. The zero value is right for a message to the outside.
type Policy struct {
	// MaxAttempts is how many failures a job may have; 0 to go by MaxAge.
	MaxAttempts int
	// MaxAge is how long after its first attempt a job is tried for the last time, but it is tried at least
	// eight times, because an outage of ours ages jobs as well; 0 for three days. It counts only without
	// MaxAttempts.
	MaxAge time.Duration
	// First is the pause after the first failure; it doubles with each. 0 for five seconds.
	First time.Duration
	// Longest bounds the pause; 0 for six hours.
	Longest time.Duration
	// Timeout is what a handler gets for one attempt, at most [MaxTimeout]; 0 for twenty seconds. Longer
	// work is cut into jobs.
	Timeout time.Duration
	// Parallel is how many jobs without a destination run at once; 0 for [Options.Parallel].
	Parallel int
	// Buried is called in the transaction that gives a job up: to tell an owner, or to switch an endpoint
	// off. When it fails, the job is given up without it. It may be nil.
	Buried func(tx *db.Tx, r Record) error
}

// MaxTimeout is the longest that one attempt may take. With [leaseMargin] it keeps a lease within the
// minute in which a lost worker is noticed.
const MaxTimeout = 50 * time.Second

const (
	leaseMargin   = 5 * time.Second
	minFailures   = 8
	maxRetryAfter = 24 * time.Hour // however long a destination asks for patience
)

func (p Policy) withDefaults() Policy {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orElse(&p.MaxAge, 72*time.Hour)
	orElse(&p.First, 5*time.Second)
	orElse(&p.Longest, max(6*time.Hour, p.First))
	orElse(&p.Timeout, 20*time.Second)
	return p
}

func (p Policy) check() error {
	if p.MaxAttempts < 0 || p.MaxAge < 0 || p.First < 0 || p.Longest < p.First || p.Timeout < 0 || p.Parallel < 0 {
		return errors.New("a policy has a negative value, or its longest pause is shorter than its first")
	}
	if p.Timeout > MaxTimeout {
		return fmt.Errorf("a timeout of %v is over %v: cut the work into jobs", p.Timeout, MaxTimeout)
	}
	return nil
}

// lease is how long a worker may hold a job.
func (p Policy) lease() time.Duration { return p.Timeout + leaseMargin }

// permanent marks an error after which trying again is useless.
type permanent struct{ error }

// Unwrap gives the cause.
func (p permanent) Unwrap() error { return p.error }

// patience is an error with the pause that a destination asked for.
type patience struct {
	error
	pause time.Duration
}

// Unwrap gives the cause.
func (p patience) Unwrap() error { return p.error }

// Permanent marks an error of a handler as one that will not go away: the job is given up at once.
func Permanent(err error) error { return permanent{err} }

// After marks an error of a handler with the pause that the destination asked for (Retry-After). The next
// attempt is not earlier than that, up to a day.
func After(err error, pause time.Duration) error { return patience{err, pause} }

// errLost is the failure of an attempt of which nobody reports.
var errLost = fault.New(fault.Unavailable, "the worker was lost, or its handler did not come back in time")

// next says when to try again after the latest failure, which is counted already. The last attempt is
// made exactly at the end of MaxAge.
func (p Policy) next(r Record, now lead.Instant, cause error) (due lead.Instant, again bool) {
	if _, ok := errors.AsType[permanent](cause); ok {
		return 0, false
	}
	last := r.FirstAt.Add(p.MaxAge)
	if p.MaxAttempts > 0 && r.Failed >= p.MaxAttempts || p.MaxAttempts == 0 && now >= last && r.Failed >= minFailures {
		return 0, false
	}
	if errors.Is(cause, errLost) && r.Failed == 1 {
		return min(r.DueAt, now), true // the usual reason is a restart, not the job
	}
	pause := p.pause(r.ID, r.Failed)
	if asked, ok := errors.AsType[patience](cause); ok {
		pause = max(pause, min(asked.pause, maxRetryAfter))
	}
	if p.MaxAttempts == 0 && now < last {
		return min(now.Add(pause), last), true
	}
	return now.Add(pause), true
}

// pause is First · 2^(failed−1), at most Longest, plus or minus a tenth that depends on the job, so that
// jobs that failed together do not return together. Nothing is drawn: the same job gives the same
// pauses.
func (p Policy) pause(id ID, failed int) time.Duration {
	d := p.Longest
	if shift := failed - 1; shift < 63 && p.First <= (p.Longest-1)>>shift {
		d = p.First << shift
	}
	part := float64(mix(uint64(id)<<16^uint64(failed))>>11) / (1 << 53) // in [0, 1)
	return d - d/10 + time.Duration(float64(d/5)*part)
}

// mix is the finaliser of SplitMix64: it spreads neighbouring numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
