package flow

import (
	"database/sql"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Cause says what led to a ledger entry.
type Cause string

// The causes: an event in fold order, time alone, or a history that was folded again because something
// came late, people were merged or split, an account's facts changed, or a playbook was published.
const (
	CauseEvent  Cause = "event"
	CauseTime   Cause = "time"
	CauseRefold Cause = "refold"
)

// Entry is one decision as it was made.
type Entry struct {
	ID             int64    `json:"id"`
	Person         string   `json:"person"`
	At             string   `json:"at" format:"date-time" doc:"Event time from which the decision holds."`
	RecordedAt     string   `json:"recorded_at" format:"date-time" doc:"When it was made."`
	LogSeq         int64    `json:"log_seq" doc:"The newest log position that the decision knew."`
	Version        int      `json:"playbook_version"`
	Hash           string   `json:"playbook_hash"`
	Cause          Cause    `json:"cause" enum:"event,time,refold"`
	DecisionBefore string   `json:"decision_before"`
	Decision       string   `json:"decision"`
	Rule           string   `json:"rule"`
	Track          string   `json:"track"`
	Quadrant       string   `json:"quadrant"`
	StageBefore    string   `json:"stage_before"`
	Stage          string   `json:"stage"`
	Level          int      `json:"level"`
	Fit            *float64 `json:"fit" doc:"Null while fit was unknown."`
	Coverage       float64  `json:"coverage"`
	Intent         float64  `json:"intent"`
	person         lead.PersonID
}

var insertLedger = db.SQL("flow.insertLedger", `
insert into ledger (person_id, at, recorded_at, log_seq, playbook_version, playbook_hash, cause, decision_before, decision,
                    rule, track, quadrant, stage_before, stage, level, fit, coverage, intent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`)

// entry is a change on its way to the ledger.
type entry struct {
	person lead.PersonID
	seq    int64
	cause  Cause
	change Change
}

func (pub *Published) record(tx *db.Tx, entries []entry, now lead.Instant) error {
	if len(entries) == 0 {
		return nil
	}
	args := make([][]any, len(entries))
	for i, x := range entries {
		c := x.change
		before, after := c.Stages()
		var fit any
		if c.Fit.Known {
			fit = c.Fit.Score
		}
		args[i] = []any{
			int64(x.person), int64(c.At), int64(now), x.seq, pub.Version, pub.Playbook.Hash, string(x.cause),
			string(c.From.Decision), string(c.To.Decision), string(c.To.Rule), string(c.To.Track), string(c.To.Quadrant),
			string(before), string(after), c.To.Level, fit, c.Fit.Coverage, c.Intent,
		}
	}
	if _, err := tx.Bulk(insertLedger, args); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

var listLedger = db.SQL("flow.listLedger", `
select id, person_id, at, recorded_at, log_seq, playbook_version, playbook_hash, cause, decision_before, decision,
       rule, track, quadrant, stage_before, stage, level, fit, coverage, intent
  from ledger
 where id > $1 and ($2 = 0 or person_id = $2)
 order by id
 limit $3`)

// Ledger lists decisions as they were made, oldest first, after the entry with the id after; person 0
// means everybody.
func Ledger(tx *db.Tx, person lead.PersonID, after int64, limit int) ([]Entry, error) {
	var entries []Entry
	err := tx.Query(listLedger, []any{after, int64(person), limit}, func(r *sql.Rows) error {
		var x Entry
		var at, recorded lead.Instant
		var fit sql.NullFloat64
		err := r.Scan(&x.ID, &x.person, &at, &recorded, &x.LogSeq, &x.Version, &x.Hash, &x.Cause, &x.DecisionBefore, &x.Decision,
			&x.Rule, &x.Track, &x.Quadrant, &x.StageBefore, &x.Stage, &x.Level, &fit, &x.Coverage, &x.Intent)
		if err != nil {
			return err
		}
		x.Person, x.At, x.RecordedAt = x.person.String(), at.String(), recorded.String()
		if fit.Valid {
			x.Fit = &fit.Float64
		}
		entries = append(entries, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list ledger: %w", err)
	}
	return entries, nil
}
