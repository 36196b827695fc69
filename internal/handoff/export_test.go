package handoff

import (
	"encoding/json"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// Arrows are the transitions as "from --> to: action".
func Arrows() []string {
	var all []string
	for _, t := range transitions() {
		all = append(all, string(t.from)+" --> "+string(t.to)+": "+string(t.do))
	}
	return all
}

var nextTimer = db.SQL("test.nextTimer", `
select id, due_at, payload from job where destination = 'handoff.clock' and state = 'waiting' and due_at <= $1 order by due_at, id limit 1`)

var doneTimer = db.SQL("test.doneTimer", `update job set state = 'done', finished_at = 1 where id = $1`)

// NextTimer is when the next clock fires that is due by a moment; 0 for none.
func NextTimer(tx *db.Tx, by lead.Instant) (at lead.Instant, err error) {
	var id queue.ID
	var payload []byte
	err = tx.QueryRow(nextTimer, []any{int64(by)}, &id, &at, &payload)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	return at, err
}

// FireNext fires the next clock that is due by a moment, as the queue would.
func (d *Desk) FireNext(tx *db.Tx, by lead.Instant) error {
	var id queue.ID
	var at lead.Instant
	var payload []byte
	if err := tx.QueryRow(nextTimer, []any{int64(by)}, &id, &at, &payload); err != nil {
		return err
	}
	var t timer
	if err := json.Unmarshal(payload, &t); err != nil {
		return err
	}
	if _, err := tx.Exec(doneTimer, int64(id)); err != nil {
		return err
	}
	return d.fire(tx, t)
}

// FireAgain fires the clock that the handoff has, without taking its job.
func (d *Desk) FireAgain(tx *db.Tx, h Handoff) error {
	return d.fire(tx, timer{h.ID, h.Turn, h.Step, h.StepAt})
}
