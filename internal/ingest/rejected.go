package ingest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"

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

	takeRoom = db.SQL("ingest.takeRoom", `insert into rejected_room (source_id, bytes, dropped) values ($1, $2, 0)
		on conflict (source_id) do update set bytes = rejected_room.bytes + excluded.bytes returning bytes`)
	giveRoom = db.SQL("ingest.giveRoom", `update rejected_room set bytes = bytes - $2, dropped = dropped + $3 where source_id = $1`)

	oldestRejected = db.SQL("ingest.oldestRejected", `select id, length(raw) from rejected_event where source_id = $1 order by id limit $2`)
	dropRejected   = db.SQL("ingest.dropRejected", `delete from rejected_event where source_id = $1 and id <= $2`)
	sumDropped     = db.SQL("ingest.sumDropped", `select source_id, dropped from rejected_room order by source_id`)
)

// The room that the rejected events of one source may take, in bytes: whoever holds a write key, which
// anybody can read in a page, must not be able to fill the disk with nonsense.
const (
	MaxRejectedRoom = 64 << 20
	roomAfter       = MaxRejectedRoom / 16 * 15 // what is left when room was made
	rowRoom         = 256                       // of a row, beside what was received
	dropAtOnce      = 500
)

// Reject stores what was not accepted. What has no Raw is only counted, by [Count]. When the rejected
// events of a source take more than [MaxRejectedRoom], its oldest are removed.
func Reject(tx *db.Tx, rejected []Rejected) error {
	var rows [][]any
	room := map[lead.SourceID]int64{}
	for i := range rejected {
		r := &rejected[i]
		if len(r.Raw) > 0 {
			rows = append(rows, []any{int64(r.Source), int64(r.ReceivedAt), r.Trusted, string(r.Code), r.Reason, int64(r.Size), r.Raw})
			room[r.Source] += int64(len(r.Raw)) + rowRoom
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.Bulk(insertRejected, rows); err != nil {
		return fmt.Errorf("keep rejected events: %w", err)
	}
	for _, source := range slices.Sorted(maps.Keys(room)) {
		var taken int64
		if err := tx.QueryRow(takeRoom, []any{int64(source), room[source]}, &taken); err != nil {
			return fmt.Errorf("count rejected events: %w", err)
		}
		if taken > MaxRejectedRoom {
			if err := makeRoom(tx, source, taken); err != nil {
				return fmt.Errorf("make room for rejected events: %w", err)
			}
		}
	}
	return nil
}

// makeRoom removes the oldest rejected events of a source.
func makeRoom(tx *db.Tx, source lead.SourceID, taken int64) error {
	for taken > roomAfter {
		var last, freed int64
		err := tx.Query(oldestRejected, []any{int64(source), int64(dropAtOnce)}, func(rows *sql.Rows) error {
			var id, size int64
			err := rows.Scan(&id, &size)
			if taken-freed > roomAfter {
				last, freed = id, freed+size+rowRoom
			}
			return err
		})
		if err != nil {
			return err
		}
		if freed == 0 {
			return nil
		}
		n, err := tx.Exec(dropRejected, int64(source), last)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(giveRoom, int64(source), freed, n); err != nil {
			return err
		}
		taken -= freed
	}
	return nil
}

// Dropped is how many rejected events of each source were removed to make room; they stay counted.
func Dropped(tx *db.Tx) (map[lead.SourceID]int64, error) {
	dropped := map[lead.SourceID]int64{}
	err := tx.Query(sumDropped, nil, func(rows *sql.Rows) error {
		var source lead.SourceID
		var n int64
		err := rows.Scan(&source, &n)
		dropped[source] = n
		return err
	})
	return dropped, err
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
