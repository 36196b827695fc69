package flow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// shelfKept is how many states stay at hand after they were laid down.
const shelfKept = 50_000

// shelf holds the newest states of an embedded database. Those that are not laid down yet can be made
// again from the journal, so that a commit need not write them; the others save reading. It is empty on
// PostgreSQL, where other processes write states too.
type shelf struct {
	rows  map[lead.PersonID]*row
	dirty map[lead.PersonID]bool // not laid down yet
}

func newShelf() shelf {
	return shelf{rows: map[lead.PersonID]*row{}, dirty: map[lead.PersonID]bool{}}
}

func (s *shelf) put(rows []*row) {
	for _, x := range rows {
		s.rows[x.Person], s.dirty[x.Person] = x, true
	}
}

func (s *shelf) drop(id lead.PersonID) {
	delete(s.rows, id)
	delete(s.dirty, id)
}

// settled notes that everything is laid down.
func (s *shelf) settled() {
	if len(s.rows) > shelfKept {
		*s = newShelf()
		return
	}
	for id := range s.dirty {
		s.rows[id].moved = false
	}
	clear(s.dirty)
}

// take answers the states that lie on the shelf, as copies, and who is missing.
func (s *shelf) take(people []lead.PersonID) (found map[lead.PersonID]*row, missing []lead.PersonID) {
	found = make(map[lead.PersonID]*row, len(people))
	for _, id := range people {
		if x := s.rows[id]; x != nil {
			y := *x
			found[id] = &y
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// peopleOf are the people whose state says that they belong to an account, by id.
func (s *shelf) peopleOf(tx *db.Tx, account lead.AccountID) ([]lead.PersonID, error) {
	var people []lead.PersonID
	if err := tx.Query(accountPeopleIDs, []any{int64(account)}, scanPeople(&people)); err != nil {
		return nil, fmt.Errorf("find people of account: %w", err)
	}
	people = slices.DeleteFunc(people, func(id lead.PersonID) bool { return s.rows[id] != nil })
	for id, x := range s.rows {
		if x.Account == account {
			people = append(people, id)
		}
	}
	slices.Sort(people)
	return people, nil
}

// unsettled are the states that are not laid down yet, in the order of ids, as they lie in the table.
func (s *shelf) unsettled() []*row {
	rows := make([]*row, 0, len(s.dirty))
	for id := range s.dirty {
		rows = append(rows, s.rows[id])
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.Person, b.Person) })
	return rows
}

// embedded says that no other process sees this database.
func (e *Engine) embedded() bool { return e.db.Dialect() == db.SQLite }

func (e *Engine) full() bool { return e.unsettled() >= settleEvents }

func (e *Engine) unsettled() int {
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.store.Unsettled()
}

// Settle lays down everything that commits have left in memory and in the journal. Whoever reads stored
// states or events calls it first; it does nothing when nothing waits.
func (e *Engine) Settle(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.store.Unsettled() == 0 && len(e.shelf.dirty) == 0 {
		return nil
	}
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		e.store.Begin()
		return e.settle(tx)
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// settle is [Engine.Settle] within a writer's transaction.
func (e *Engine) settle(tx *db.Tx) error {
	if err := e.store.Settle(tx); err != nil {
		return err
	}
	if err := storeRows(tx, e.shelf.unsettled()); err != nil {
		return err
	}
	tx.OnCommit(e.shelf.settled)
	return nil
}

// recover lays down what a process that was killed left in the journal, and folds the people whom it
// touched: their states were in its memory. What was decided about them is in the ledger.
func (e *Engine) recover(ctx context.Context) error {
	if e.store.Unsettled() == 0 {
		return nil
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		profiles := e.store.Waiting()
		if err := e.store.Settle(tx); err != nil {
			return err
		}
		w, err := e.newWork(tx, e.instant())
		if err != nil || w == nil {
			return err
		}
		w.log = nil // everything is settled
		people, err := identity.PeopleOf(tx, profiles)
		if err != nil {
			return err
		}
		tasks := make([]task, len(people))
		for i, id := range people {
			tasks[i] = task{person: id, refold: true}
		}
		if err := w.fold(tasks); err != nil {
			return err
		}
		return w.finish()
	})
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

// timeline reads a person's history, with what is not settled yet.
func (w *work) timeline(person lead.PersonID) ([]ingest.Stored, error) {
	profiles, err := identity.Profiles(w.tx, person)
	if err != nil {
		return nil, err
	}
	if w.log == nil {
		return ingest.Timeline(w.tx, profileIDs(profiles))
	}
	return w.log.Timeline(w.tx, profileIDs(profiles))
}

// Read is how to read what is stored: it settles first, so that a reader sees every commit that was
// acknowledged before.
func (e *Engine) Read(ctx context.Context, fn func(*db.Tx) error) error {
	if err := e.Settle(ctx); err != nil {
		return err
	}
	return e.db.Read(ctx, fn)
}
