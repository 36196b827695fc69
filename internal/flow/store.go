package flow

import (
	"database/sql"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/lead"
)

// row is one line of lead_state.
type row struct {
	Person   lead.PersonID
	Account  lead.AccountID // 0 for none
	Playbook int
	Stale    bool
	Wake     lead.Instant // 0 for never
	Outcome  decide.Outcome
	Stage    Stage
	LogSeq   int64
	Updated  lead.Instant
	State    []byte

	moved bool // what indexes hold has changed
}

var loadStates = db.SQL("flow.loadStates", `
select person_id, coalesce(account_id, 0), playbook, stale, coalesce(wake_at, 0),
       decision, rule, track, quadrant, level, stage, log_seq, updated_at, state
  from lead_state
 where person_id in ($1)
 order by person_id /*for update*/`)

var readStates = db.SQL("flow.readStates", `
select person_id, coalesce(account_id, 0), playbook, stale, coalesce(wake_at, 0),
       decision, rule, track, quadrant, level, stage, log_seq, updated_at, state
  from lead_state
 where person_id in ($1)
 order by person_id`)

// loadRows reads states and locks them; readRows only reads.
func loadRows(tx *db.Tx, people []lead.PersonID) (map[lead.PersonID]*row, error) {
	return rowsOf(tx, loadStates, people)
}

func readRows(tx *db.Tx, people []lead.PersonID) (map[lead.PersonID]*row, error) {
	return rowsOf(tx, readStates, people)
}

func rowsOf(tx *db.Tx, s *db.Statement, people []lead.PersonID) (map[lead.PersonID]*row, error) {
	keys := make([]any, len(people))
	for i, p := range people {
		keys[i] = int64(p)
	}
	rows := make(map[lead.PersonID]*row, len(people))
	err := tx.QueryIn(s, keys, nil, func(r *sql.Rows) error {
		x := &row{}
		if err := x.scan(r); err != nil {
			return err
		}
		rows[x.Person] = x
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load lead states: %w", err)
	}
	return rows, nil
}

func (x *row) scan(r *sql.Rows) error {
	o := &x.Outcome
	return r.Scan(&x.Person, &x.Account, &x.Playbook, &x.Stale, &x.Wake,
		&o.Decision, &o.Rule, &o.Track, &o.Quadrant, &o.Level, &x.Stage, &x.LogSeq, &x.Updated, &x.State)
}

var storeStates = db.SQL("flow.storeStates", `
insert into lead_state (person_id, account_id, playbook, stale, wake_at, decision, rule, track, quadrant, level, stage, log_seq, updated_at, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (person_id) do update set
  account_id = excluded.account_id, playbook = excluded.playbook, stale = excluded.stale, wake_at = excluded.wake_at,
  decision = excluded.decision, rule = excluded.rule, track = excluded.track, quadrant = excluded.quadrant,
  level = excluded.level, stage = excluded.stage,
  log_seq = excluded.log_seq, updated_at = excluded.updated_at, state = excluded.state`)

// touchStates is for rows of which only the state is new, as most are: SQLite writes every index whose
// columns a statement names, whether they change or not.
var touchStates = db.SQL("flow.touchStates", `
insert into lead_state (person_id, account_id, playbook, stale, wake_at, decision, rule, track, quadrant, level, stage, log_seq, updated_at, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (person_id) do update set
  log_seq = excluded.log_seq, updated_at = excluded.updated_at, state = excluded.state`)

func storeRows(tx *db.Tx, rows []*row) error {
	var moved, touched [][]any
	for _, x := range rows {
		if x.moved {
			moved = append(moved, x.args())
		} else {
			touched = append(touched, x.args())
		}
	}
	if _, err := tx.Bulk(storeStates, moved); err != nil {
		return fmt.Errorf("store lead states: %w", err)
	}
	if _, err := tx.Bulk(touchStates, touched); err != nil {
		return fmt.Errorf("store lead states: %w", err)
	}
	return nil
}

func (x *row) args() []any {
	return []any{
		int64(x.Person), nullID(int64(x.Account)), x.Playbook, x.Stale, nullID(int64(x.Wake)),
		string(x.Outcome.Decision), string(x.Outcome.Rule), string(x.Outcome.Track), string(x.Outcome.Quadrant),
		x.Outcome.Level, string(x.Stage), x.LogSeq, int64(x.Updated), x.State,
	}
}

func nullID(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

var deleteState = db.SQL("flow.deleteState", `delete from lead_state where person_id = $1`)

var accountPeopleIDs = db.SQL("flow.accountPeopleIDs", `
select person_id from lead_state where account_id = $1 order by person_id`)

var dueStates = db.SQL("flow.dueStates", `
select person_id from lead_state
 where wake_at is not null and wake_at <= $1
 order by wake_at, person_id
 limit $2 /*for update*/ /*skip locked*/`)

var nextWake = db.SQL("flow.nextWake", `select coalesce(min(wake_at), 0) from lead_state where wake_at is not null`)

func scanPeople(people *[]lead.PersonID) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var id lead.PersonID
		err := r.Scan(&id)
		*people = append(*people, id)
		return err
	}
}
