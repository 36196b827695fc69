package ingest

import (
	"database/sql"

	"cusp/internal/db"
	"cusp/internal/lead"
)

var (
	insertRejected = db.SQL("ingest.insertRejected", `insert into rejected_event
		(source_id, received_at, trusted, code, reason, size, raw) values ($1, $2, $3, $4, $5, $6, $7)`)
	listRejected = db.SQL("ingest.listRejected", `select id, source_id, received_at, trusted, code, reason, size, raw, replayed_at
		from rejected_event
		where id < $1 and (cast($2 as bigint) = 0 or source_id = $2) and (cast($3 as text) = '' or code = $3)
		order by id desc limit $4`)
	findRejected = db.SQL("ingest.findRejected", `select id, source_id, received_at, trusted, code, reason, size, raw, replayed_at
		from rejected_event where id = $1`)
	markReplayed = db.SQL("ingest.markReplayed", `update rejected_event set replayed_at = $2 where id = $1 and replayed_at is null`)
)

// Reject stores what was not accepted. What has no Raw is only counted, by [Count].
func Reject(tx *db.Tx, rejected []Rejected) error {
	var rows [][]any
	for i := range rejected {
		r := &rejected[i]
		if len(r.Raw) > 0 {
			rows = append(rows, []any{int64(r.Source), int64(r.ReceivedAt), r.Trusted, string(r.Code), r.Reason, int64(r.Size), r.Raw})
		}
	}
	_, err := tx.Bulk(insertRejected, rows)
	return err
}

// RejectedFilter says which rejected events are wanted. The zero value means the newest of all.
type RejectedFilter struct {
	Source lead.SourceID // 0: any
	Code   Code          // "": any
	Before int64         // only ids below this one: the cursor; 0: from the newest on
	Limit  int           // 0: 100
}

// ListRejected lists rejected events, newest first. The last one's id is the cursor of the next page.
func ListRejected(tx *db.Tx, f RejectedFilter) ([]Rejected, error) {
	if f.Before == 0 {
		f.Before = 1<<63 - 1
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var out []Rejected
	err := tx.Query(listRejected, []any{f.Before, int64(f.Source), string(f.Code), int64(f.Limit)}, func(rows *sql.Rows) error {
		r, err := scanRejected(rows)
		out = append(out, r)
		return err
	})
	return out, err
}

// FindRejected is one rejected event; NotFound when there is none.
func FindRejected(tx *db.Tx, id int64) (Rejected, error) {
	var r Rejected
	var replayed sql.NullInt64
	err := tx.QueryRow(findRejected, []any{id}, &r.ID, &r.Source, &r.ReceivedAt, &r.Trusted, &r.Code, &r.Reason, &r.Size, &r.Raw, &replayed)
	r.ReplayedAt = lead.Instant(replayed.Int64)
	return r, err
}

func scanRejected(rows *sql.Rows) (Rejected, error) {
	var r Rejected
	var replayed sql.NullInt64
	err := rows.Scan(&r.ID, &r.Source, &r.ReceivedAt, &r.Trusted, &r.Code, &r.Reason, &r.Size, &r.Raw, &replayed)
	r.ReplayedAt = lead.Instant(replayed.Int64)
	return r, err
}

// MarkReplayed notes that a rejected event was read again; false when it had been before.
func MarkReplayed(tx *db.Tx, id int64, at lead.Instant) (bool, error) {
	n, err := tx.Exec(markReplayed, id, int64(at))
	return n == 1, err
}
