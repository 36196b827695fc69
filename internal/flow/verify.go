package flow

import (
	"bytes"
	"context"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

// Report says whether what is stored is what the events say.
type Report struct {
	People      int      `json:"people" doc:"Leads whose state was folded again and compared."`
	Entries     int      `json:"entries" doc:"Leads whose newest ledger entry was compared with the state."`
	Differences []string `json:"differences"`
}

// differencesKept bounds a report of something that is wrong everywhere.
const differencesKept = 100

var newestEntry = db.SQL("flow.newestEntry", `
select decision, rule, track, quadrant, level from ledger where person_id = $1 order by id desc limit 1`)

// Verify folds every lead again from its events and compares the result, to the last bit, with the state
// that live work left behind, and the state with the newest decision in the ledger.
func (e *Engine) Verify(ctx context.Context) (Report, error) {
	report := Report{Differences: []string{}}
	pub := e.current.Load()
	if pub == nil {
		return report, noPlaybook()
	}
	f := NewFolder(pub.Playbook)
	for after, done := lead.PersonID(0), false; !done; {
		err := e.Read(ctx, func(tx *db.Tx) error {
			people, err := identity.People(tx, after, sweepBatch)
			if err != nil {
				return err
			}
			rows, err := readRows(tx, people)
			if err != nil {
				return err
			}
			for _, id := range people {
				if err := report.compare(tx, f, pub, id, rows[id]); err != nil {
					return fmt.Errorf("verify %s: %w", id, err)
				}
				after = id
			}
			done = len(people) < sweepBatch
			return nil
		})
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

func (r *Report) differ(format string, args ...any) {
	if len(r.Differences) < differencesKept {
		r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
	}
}

func (r *Report) compare(tx *db.Tx, f *Folder, pub *Published, id lead.PersonID, x *row) error {
	known, err := factsOf(tx, id)
	if err != nil || x == nil && len(known.timeline) == 0 {
		return err
	}
	switch {
	case x == nil:
		r.differ("%s has events and no state", id)
		return nil
	case x.Stale || x.Playbook != pub.Version:
		return nil // waits to be folded again anyway
	}
	r.People++
	stored := NewLead(pub.Playbook)
	if err := stored.Decode(pub.Playbook, x.State); err != nil {
		r.differ("%s: %v", id, err)
		return nil
	}
	again := NewLead(pub.Playbook)
	f.Fold(again, known.timeline, known.company, lead.Never)
	f.Advance(again, stored.Checked)
	if same, err := sameState(stored, again); err != nil || !same {
		r.differ("%s: the stored state is %v since %s, its events give %v since %s", id, stored.Outcome, stored.Since, again.Outcome, again.Since)
		return err
	}
	return r.compareLedger(tx, id, x)
}

// sameState compares two leads apart from how far ahead each has looked.
func sameState(a, b *Lead) (bool, error) {
	x, y := *a, *b
	x.Quiet, y.Quiet, x.Checked, y.Checked = 0, 0, 0, 0
	one, err := x.Encode(nil)
	if err != nil {
		return false, err
	}
	two, err := y.Encode(nil)
	return bytes.Equal(one, two), err
}

func (r *Report) compareLedger(tx *db.Tx, id lead.PersonID, x *row) error {
	o := x.Outcome
	err := tx.QueryRow(newestEntry, []any{int64(id)}, &o.Decision, &o.Rule, &o.Track, &o.Quadrant, &o.Level)
	if fault.Is(err, fault.NotFound) {
		r.differ("%s has a decision and no ledger entry", id)
		return nil
	}
	if err != nil {
		return err
	}
	r.Entries++
	if o != x.Outcome {
		r.differ("%s: the ledger ends with %v, the state is %v", id, o, x.Outcome)
	}
	return nil
}
