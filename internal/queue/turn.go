package queue

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

const (
	// longestNap bounds how long the loop sleeps. The clock is read at least that often; on PostgreSQL,
	// so is what a server that went down has left.
	longestNap  = 30 * time.Second
	sharedNap   = 5 * time.Second
	trouble     = time.Second            // after an error of the database
	contended   = 250 * time.Millisecond // when others hold what is due
	leaseBatch  = 100
	longLease   = 2 * time.Minute // a lease that ends later was written on another clock
	claimPerRun = 64              // jobs of one destination in one transaction
)

// lane is a destination that has waiting jobs.
type lane struct {
	destination string
	due         lead.Instant // of its first job
}

// view is what there is to do.
type view struct {
	at    lead.Instant // when it was taken
	lanes []lane
	lost  []ID         // jobs whose lease has ended
	lease lead.Instant // the end of the next lease; Never for none
	held  bool
}

// turn stores what handlers reported, takes up lost jobs, claims what is due and starts its handlers. It
// says when to be called again; a nudge comes first.
func (q *Queue) turn(ctx context.Context) time.Duration {
	q.mu.Lock()
	q.sleeping = lead.Never // whatever is enqueued from here on may be missed by the look below
	q.mu.Unlock()
	m := q.clock.read()
	nap, err := q.round(ctx, m)
	if err != nil {
		if ctx.Err() == nil {
			q.log.LogAttrs(ctx, slog.LevelError, "the queue cannot work", slog.Any("error", err))
		}
		nap = trouble
	}
	q.mu.Lock()
	if nap > 0 {
		q.sleeping = q.clock.read().now.Add(nap)
	}
	q.mu.Unlock()
	return nap
}

func (q *Queue) round(ctx context.Context, m moment) (time.Duration, error) {
	v, err := q.look(ctx, m)
	if err != nil {
		return 0, err
	}
	for _, id := range v.lost {
		if err := q.lose(ctx, id); err != nil {
			return 0, err
		}
	}
	done, err := q.fails(ctx)
	if err != nil {
		return 0, err
	}
	wanted := q.wanted(v)
	claims, err := q.claim(ctx, done, wanted)
	if err != nil {
		return 0, err
	}
	for _, c := range claims {
		q.launch(c)
	}
	if len(claims) > 0 || len(v.lost) > 0 {
		q.fruitless = 0
		return 0, nil
	}
	nap := q.nap(v)
	if len(wanted) > 0 {
		nap = min(nap, contended<<q.fruitless, sharedNap)
		q.fruitless = min(q.fruitless+1, 8)
	}
	return nap, nil
}

// nap is the time until something is due that is not due yet.
func (q *Queue) nap(v view) time.Duration {
	now := q.clock.read().now
	next := now.Add(longestNap)
	if q.db.Dialect() == db.Postgres {
		next = now.Add(sharedNap)
	}
	next = min(next, v.lease)
	for _, l := range v.lanes {
		if l.due > v.at && !v.held {
			next = min(next, l.due)
		}
	}
	return max(0, next.Sub(now))
}

// fails stores the failures that handlers reported and returns the other outcomes.
func (q *Queue) fails(ctx context.Context) (done []outcome, err error) {
	done, failed := q.outcomes()
	for i, o := range failed {
		if err := q.fail(ctx, o); err != nil {
			q.unsettled(failed[i:])
			q.unsettled(done)
			return nil, fmt.Errorf("store a failure: %w", err)
		}
	}
	return done, nil
}

// look reads what there is to do.
func (q *Queue) look(ctx context.Context, m moment) (view, error) {
	v := view{at: m.now, lease: lead.Never}
	err := q.db.Read(ctx, func(tx *db.Tx) error {
		err := tx.Query(lanes, nil, func(rows *sql.Rows) error {
			var l lane
			err := rows.Scan(&l.destination, &l.due)
			v.lanes = append(v.lanes, l)
			return err
		})
		if err != nil {
			return err
		}
		err = tx.Query(leases, []any{leaseBatch}, func(rows *sql.Rows) error {
			var id ID
			var until lead.Instant
			if err := rows.Scan(&id, &until); err != nil {
				return err
			}
			if until <= m.now || until > m.now.Add(longLease) {
				v.lost = append(v.lost, id)
			} else {
				v.lease = min(v.lease, until)
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, v.held, err = Held(tx)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("look for jobs: %w", err)
	}
	return v, nil
}

// claim stores outcomes and takes what is due and wanted, in one transaction.
func (q *Queue) claim(ctx context.Context, done []outcome, wanted []want) (claims []*Claim, err error) {
	if len(wanted) == 0 && len(done) == 0 {
		return nil, nil
	}
	names := q.names()
	err = q.db.Write(ctx, func(tx *db.Tx) error {
		claims = nil
		m := q.clock.read()
		if err := settle(tx, m, done); err != nil {
			return err
		}
		if _, held, err := Held(tx); err != nil || held {
			return err
		}
		for _, w := range wanted {
			some, err := q.take(tx, m, names, w)
			if err != nil {
				return err
			}
			claims = append(claims, some...)
		}
		return nil
	})
	if err != nil {
		q.unsettled(done)
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	q.noteDone(done)
	return claims, nil
}

// want is how many jobs of a destination may begin.
type want struct {
	destination string
	places      int
}

// wanted are the destinations that have jobs due and free places, the longest waiting first.
func (q *Queue) wanted(v view) []want {
	if v.held {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	left := q.o.MaxRunning
	for _, n := range q.running {
		left -= n
	}
	var all []want
	for _, l := range v.lanes {
		n := min(q.parallel(l.destination)-q.running[l.destination], claimPerRun, left)
		if l.due > v.at || n <= 0 {
			continue
		}
		left -= n
		all = append(all, want{l.destination, n})
	}
	return all
}

// parallel is how many jobs of a destination may run at once.
func (q *Queue) parallel(destination string) int {
	if k, ok := q.kinds[destination]; ok && k.policy.Parallel > 0 {
		return k.policy.Parallel
	}
	return q.o.Parallel
}

// take claims jobs of one destination.
func (q *Queue) take(tx *db.Tx, m moment, names []any, w want) ([]*Claim, error) {
	var found []Record
	if err := tx.QueryIn(take, names, []any{w.destination, int64(m.now), w.places}, scanInto(&found)); err != nil {
		return nil, err
	}
	claims := make([]*Claim, len(found))
	for i, r := range found {
		before := r
		if err := r.claim(m, q.kind(r.Kind).policy.lease()); err != nil {
			return nil, err
		}
		if err := save(tx, before, &r); err != nil {
			return nil, err
		}
		claims[i] = &Claim{Record: r, Lateness: max(0, m.now.Sub(r.DueAt)), queue: q}
	}
	return claims, nil
}

// lose takes up a job whose lease has ended.
func (q *Queue) lose(ctx context.Context, id ID) error {
	err := q.failure(ctx, expire, errLost, func(tx *db.Tx, m moment) (*Record, error) {
		r, err := one(tx, takeLost, int64(id))
		if err == nil && r.LeaseUntil > m.now && r.LeaseUntil <= m.now.Add(longLease) {
			return nil, nil //nolint:nilnil // another server took it up, and it runs again
		}
		return r, err
	})
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
		return fmt.Errorf("take up job %d: %w", id, err)
	}
	return nil // or another server is at it
}
