package flow

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cusp/internal/db"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

const (
	wakeBatch  = 256
	sweepBatch = 256
	// longestNap bounds how long the wake loop sleeps, so that what was committed meanwhile, here or by
	// another replica, is noticed.
	longestNap = time.Second
	// busyNap is how long it sleeps while many commits come: waking lays down what they left in memory,
	// and the more of it at once the cheaper.
	busyNap    = 5 * time.Second
	busyEvents = 2000
	// afterTrouble is how long the wake loop rests when the database does not answer.
	afterTrouble = 2 * time.Second
)

// sweeper walks through all leads once after a playbook was published.
type sweeper struct {
	version int           // the version that the walk is for
	after   lead.PersonID // where it stands
	done    bool
}

// tend wakes what is due and goes on with the sweep; it says when to be called again.
func (e *Engine) tend(ctx context.Context, s *sweeper) time.Duration {
	busy := e.unsettled() >= busyEvents
	woken, err := e.Wake(ctx)
	if err == nil && woken < wakeBatch {
		err = e.sweep(ctx, s)
	}
	switch {
	case ctx.Err() != nil:
		return afterTrouble // the engine ends; what is due is woken by the next one
	case err != nil:
		e.log.ErrorContext(ctx, "wake failed", slog.Any("error", err))
		return afterTrouble
	case woken == wakeBatch || !s.done:
		return 0
	case busy:
		return busyNap
	}
	return e.nap(ctx)
}

func (e *Engine) nap(ctx context.Context) time.Duration {
	var at lead.Instant
	err := e.db.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(nextWake, nil, &at) })
	if err != nil || at == 0 {
		return longestNap
	}
	return min(longestNap, max(0, (at+grace).Sub(e.instant())))
}

// Wake folds the leads whose time has come, at most a batch of them, and reports how many they were.
// Changes are made at the instant at which they fell due, not at the one at which they are noticed.
func (e *Engine) Wake(ctx context.Context) (int, error) {
	return e.refold(ctx, func(tx *db.Tx, now lead.Instant) ([]lead.PersonID, error) {
		var due []lead.PersonID
		err := tx.Query(dueStates, []any{int64(now - grace), wakeBatch}, scanPeople(&due))
		return due, err
	})
}

// sweep folds the next leads that another playbook judged, or none yet.
func (e *Engine) sweep(ctx context.Context, s *sweeper) error {
	pub := e.current.Load()
	if pub == nil {
		s.done = true
		return nil
	}
	if s.version != pub.Version {
		*s = sweeper{version: pub.Version}
	}
	if s.done {
		return nil
	}
	next, done := s.after, false
	_, err := e.refold(ctx, func(tx *db.Tx, _ lead.Instant) ([]lead.PersonID, error) {
		some, err := identity.People(tx, s.after, sweepBatch)
		if err != nil || len(some) == 0 {
			done = true
			return nil, err
		}
		next = some[len(some)-1]
		return outdated(tx, some, pub.Version)
	})
	if err == nil {
		s.after, s.done = next, done
	}
	return err
}

// outdated are those of the people whose state another playbook made, or who have none.
func outdated(tx *db.Tx, people []lead.PersonID, version int) ([]lead.PersonID, error) {
	rows, err := loadRows(tx, people)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(people, func(id lead.PersonID) bool {
		x := rows[id]
		return x != nil && x.Playbook == version && !x.Stale
	}), nil
}

// refold brings the chosen people up to date in one transaction.
func (e *Engine) refold(ctx context.Context, choose func(*db.Tx, lead.Instant) ([]lead.PersonID, error)) (int, error) {
	count := 0
	var changes []entry
	e.writing.Lock()
	defer e.writing.Unlock()
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		count = 0
		e.store.Begin()
		now := e.instant()
		if err := e.settle(tx); err != nil {
			return err
		}
		w, err := e.newWork(tx, now)
		if err != nil || w == nil {
			return err
		}
		w.log = nil // everything is settled
		people, err := choose(tx, now)
		if err != nil || len(people) == 0 {
			return err
		}
		tasks := make([]task, len(people))
		for i, id := range people {
			tasks[i].person = id
		}
		if err := w.fold(tasks); err != nil {
			return err
		}
		count, changes = len(people), w.entries
		return w.finish()
	})
	if err != nil {
		return 0, fmt.Errorf("wake leads: %w", err)
	}
	e.watch.tell(changes)
	return count, nil
}
