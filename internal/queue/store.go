package queue

import (
	"database/sql"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

const columns = `id, kind, key, destination, state, run_at, due_at, skew, attempt, failed, first_at, lease_until, finished_at, error, payload`

var (
	insertJob = db.SQL("queue.insert", `insert into job
		(kind, key, destination, state, run_at, due_at, skew, attempt, failed, first_at, lease_until, finished_at, error, payload)
		values ($1, $2, $3, 'waiting', $4, $5, $6, 0, 0, 0, 0, 0, '', $7) on conflict (kind, key) do nothing`)
	insertOne = db.SQL("queue.insertOne", `insert into job
		(kind, key, destination, state, run_at, due_at, skew, attempt, failed, first_at, lease_until, finished_at, error, payload)
		values ($1, $2, $3, 'waiting', $4, $5, $6, 0, 0, 0, 0, 0, '', $7) on conflict (kind, key) do nothing returning id`)
	idOfKey = db.SQL("queue.idOfKey", `select id from job where kind = $1 and key = $2`)

	findKey = db.SQL("queue.findKey", `select `+columns+` from job where kind = $1 and key = $2`)
	lockKey = db.SQL("queue.lockKey", `select `+columns+` from job where kind = $1 and key = $2 /*for update*/`)
	lockID  = db.SQL("queue.lockID", `select `+columns+` from job where id = $1 /*for update*/`)
	saveJob = db.SQL("queue.save", `update job set state = $1, run_at = $2, due_at = $3, skew = $4, attempt = $5, failed = $6,
		first_at = $7, lease_until = $8, finished_at = $9, error = $10, payload = $11
		where id = $12 and state = $13 and attempt = $14`)

	// lanes lists the destinations that have waiting jobs, with the time at which the first of each is
	// due. It steps through the index from one destination to the next, so it costs as much as there are
	// destinations, however long their backlogs are.
	lanes = db.SQL("queue.lanes", `with recursive lane (destination) as (
			select min(destination) from job where state = 'waiting'
			union all
			select (select min(j.destination) from job j where j.state = 'waiting' and j.destination > lane.destination)
			from lane where lane.destination is not null)
		select lane.destination,
			(select min(j.due_at) from job j where j.state = 'waiting' and j.destination = lane.destination)
		from lane where lane.destination is not null order by 2, 1`)
	leases = db.SQL("queue.leases", `select id, lease_until from job where state = 'running' order by lease_until, id limit $1`)
	take   = db.SQL("queue.take", `select `+columns+` from job
		where state = 'waiting' and kind in ($1) and destination = $2 and due_at <= $3
		order by due_at, id limit $4 /*for update*/ /*skip locked*/`)
	takeLost = db.SQL("queue.takeLost", `select `+columns+` from job where id = $1 and state = 'running' /*for update*/ /*skip locked*/`)
	unskew   = db.SQL("queue.unskew", `update job set due_at = due_at + skew, skew = 0 where skew <> 0`)
	strand   = db.SQL("queue.strand", `update job set lease_until = 1 where state = 'running'`)

	listJobs = db.SQL("queue.list", `select `+columns+` from job
		where id < $1 and ($2 = '' or state = $2) and ($3 = '' or kind = $3) and ($4 = '' or destination = $4)
		order by id desc limit $5`)
	countJobs = db.SQL("queue.count", `select kind, destination, state, count(*), min(due_at) from job
		where state in ('waiting', 'running', 'dead') group by kind, destination, state order by kind, destination, state`)
	cancelWaiting = db.SQL("queue.cancelWaiting", `update job set state = 'cancelled', lease_until = 0, finished_at = $1
		where state = 'waiting' and ($2 = '' or kind = $2) and ($3 = '' or destination = $3)`)
	purge = db.SQL("queue.purge", `delete from job where id in (select id from job
		where state in ('done', 'dead', 'cancelled') and finished_at < $1 order by finished_at, id limit $2)`)

	isPaused    = db.SQL("queue.isPaused", `select at, reason from queue_pause where id = 1`)
	insertPause = db.SQL("queue.pause", `insert into queue_pause (id, at, reason) values (1, $1, $2) on conflict (id) do nothing`)
	deletePause = db.SQL("queue.resume", `delete from queue_pause where id = 1`)
)

func insertArgs(j Job, m moment) []any {
	return []any{j.Kind, j.Key, j.lane(), int64(j.RunAt), int64(m.due(j.RunAt)), int64(m.skew), blob(j.Payload)}
}

// blob is never null: the column is not.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func insert(tx *db.Tx, j Job, m moment) (id ID, err error) {
	err = tx.QueryRow(insertOne, insertArgs(j, m), &id)
	if fault.Is(err, fault.NotFound) {
		err = tx.QueryRow(idOfKey, []any{j.Kind, j.Key}, &id)
	}
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", j.Kind, err)
	}
	m.nudge(tx, m.due(j.RunAt))
	return id, nil
}

func insertAll(tx *db.Tx, jobs []Job, m moment) error {
	rows := make([][]any, len(jobs))
	earliest := lead.Never
	for i, j := range jobs {
		rows[i] = insertArgs(j, m)
		earliest = min(earliest, m.due(j.RunAt))
	}
	if _, err := tx.Bulk(insertJob, rows); err != nil {
		return fmt.Errorf("enqueue jobs: %w", err)
	}
	m.nudge(tx, earliest)
	return nil
}

// selector finds one job and locks it.
type selector interface {
	lock(tx *db.Tx) (*Record, error)
}

type byKey struct{ kind, key string }

type byID ID

func (k byKey) lock(tx *db.Tx) (*Record, error) { return one(tx, lockKey, k.kind, k.key) }

func (id byID) lock(tx *db.Tx) (*Record, error) { return one(tx, lockID, int64(id)) }

func one(tx *db.Tx, s *db.Statement, args ...any) (*Record, error) {
	var found []Record
	if err := tx.Query(s, args, scanInto(&found)); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "there is no such job").WithHint("list the jobs: those that are done are forgotten after a while")
	}
	return &found[0], nil
}

func scanInto(to *[]Record) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var r Record
		err := rows.Scan(&r.ID, &r.Kind, &r.Key, &r.Destination, &r.State, &r.RunAt, &r.DueAt, &r.skew, &r.Attempt, &r.Failed,
			&r.FirstAt, &r.LeaseUntil, &r.FinishedAt, &r.Error, &r.Payload)
		*to = append(*to, r)
		return err
	}
}

// save writes what became of a record, if it still is where it was: an attempt that lost its lease, or
// whose job was cancelled, changes nothing and gets [fault.Conflict].
func save(tx *db.Tx, before Record, r *Record) error {
	n, err := tx.Exec(saveJob, string(r.State), int64(r.RunAt), int64(r.DueAt), int64(r.skew), r.Attempt, r.Failed,
		int64(r.FirstAt), int64(r.LeaseUntil), int64(r.FinishedAt), r.Error, blob(r.Payload),
		int64(before.ID), string(before.State), before.Attempt)
	if err != nil {
		return fmt.Errorf("save job %d: %w", r.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "job %d was given to somebody else or called off meanwhile", r.ID).WithCode("lease_lost")
	}
	return nil
}
