package handoff

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

var insertHandoff = db.SQL("handoff.insert", `
insert into handoff (person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at,
  assigned_at, begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage,
  attempts, version, late, breach, business, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)
returning id`)

var updateHandoff = db.SQL("handoff.update", `
update handoff set person_id = $1, account_id = $2, round = $3, state = $4, track = $5, decision = $6, team = $7, owner = $8, turn = $9,
  step = $10, step_at = $11, event_at = $12, opened_at = $13, assigned_at = $14, begin_at = $15, due_at = $16, accepted_at = $17,
  contacted_at = $18, touched_at = $19, closed_at = $20, peak_at = $21, recycle_at = $22, reason = $23, barrier = $24, stage = $25,
  attempts = $26, version = $27, late = $28, breach = $29, business = $30, detail = $31
 where id = $32`)

var findHandoff = db.SQL("handoff.find", `
select id, person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at, assigned_at,
       begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage, attempts,
       version, late, breach, business, detail
  from handoff where id = $1`)

var lockHandoff = db.SQL("handoff.lock", `
select id, person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at, assigned_at,
       begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage, attempts,
       version, late, breach, business, detail
  from handoff where id = $1 /*for update*/`)

var lastHandoff = db.SQL("handoff.last", `
select id, person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at, assigned_at,
       begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage, attempts,
       version, late, breach, business, detail
  from handoff where person_id = $1 order by round desc limit 1 /*for update*/`)

var listHandoffs = db.SQL("handoff.list", `
select id, person_id, account_id, round, state, track, decision, team, owner, turn, step, step_at, event_at, opened_at, assigned_at,
       begin_at, due_at, accepted_at, contacted_at, touched_at, closed_at, peak_at, recycle_at, reason, barrier, stage, attempts,
       version, late, breach, business, detail
  from handoff
 where id > $1 and ($2 = '' or state = $2 or $2 = 'live' and state in ('open', 'accepted', 'contacted', 'qualified'))
   and ($3 = '' or owner = $3) and ($4 = '' or team = $4) and ($5 = 0 or person_id = $5)
 order by id limit $6`)

// args are the columns of a handoff, without its id.
func (h *Handoff) args() ([]any, error) {
	detail, err := json.Marshal(h.Detail)
	if err != nil {
		return nil, fmt.Errorf("pack handoff: %w", err)
	}
	return []any{
		int64(h.Person), int64(h.Account), h.Round, string(h.State), string(h.Track), string(h.Decision), string(h.Team), string(h.Owner),
		h.Turn, string(h.Step), int64(h.StepAt), int64(h.EventAt), int64(h.OpenedAt), int64(h.AssignedAt), int64(h.BeginAt), int64(h.DueAt),
		int64(h.AcceptedAt), int64(h.ContactedAt), int64(h.TouchedAt), int64(h.ClosedAt), int64(h.PeakAt), int64(h.RecycleAt), h.Reason,
		string(h.Barrier), h.Stage, h.Attempts, h.Version, h.Late, string(h.Breach), h.Business, string(detail),
	}, nil
}

// into are the places of the columns, and what is to be done when they are filled.
func (h *Handoff) into() (dest []any, unpack func() error) {
	var detail string
	dest = []any{
		&h.ID, &h.Person, &h.Account, &h.Round, &h.State, &h.Track, &h.Decision, &h.Team, &h.Owner, &h.Turn, &h.Step, &h.StepAt, &h.EventAt,
		&h.OpenedAt, &h.AssignedAt, &h.BeginAt, &h.DueAt, &h.AcceptedAt, &h.ContactedAt, &h.TouchedAt, &h.ClosedAt, &h.PeakAt, &h.RecycleAt,
		&h.Reason, &h.Barrier, &h.Stage, &h.Attempts, &h.Version, &h.Late, &h.Breach, &h.Business, &detail,
	}
	return dest, func() error {
		if err := json.Unmarshal([]byte(detail), &h.Detail); err != nil {
			return fmt.Errorf("unpack handoff %d: %w", h.ID, err)
		}
		return nil
	}
}

// one reads one handoff.
func one(tx *db.Tx, s *db.Statement, args ...any) (Handoff, error) {
	var h Handoff
	dest, unpack := h.into()
	if err := tx.QueryRow(s, args, dest...); err != nil {
		return Handoff{}, err
	}
	return h, unpack()
}

// Find reads a handoff; [fault.NotFound] when there is none with this id.
func Find(tx *db.Tx, id ID) (Handoff, error) { return found(tx, findHandoff, id) }

// lock reads a handoff and holds it until the transaction ends.
func lock(tx *db.Tx, id ID) (Handoff, error) { return found(tx, lockHandoff, id) }

func found(tx *db.Tx, s *db.Statement, id ID) (Handoff, error) {
	h, err := one(tx, s, int64(id))
	if fault.Is(err, fault.NotFound) {
		return h, fault.New(fault.NotFound, "There is no handoff %d.", id).WithHint("GET /api/v1/handoffs lists them")
	}
	if err != nil {
		return h, fmt.Errorf("find handoff %d: %w", id, err)
	}
	return h, nil
}

// Last is a person's newest handoff; ok is false when there was none.
func Last(tx *db.Tx, person lead.PersonID) (h Handoff, ok bool, err error) {
	h, err = one(tx, lastHandoff, int64(person))
	if fault.Is(err, fault.NotFound) {
		return Handoff{}, false, nil
	}
	if err != nil {
		return Handoff{}, false, fmt.Errorf("find the last handoff of %s: %w", person, err)
	}
	return h, true, nil
}

// Filter chooses handoffs; empty fields choose all.
type Filter struct {
	State  string // a state, or "live" for those that sales owns
	Owner  route.RepID
	Team   route.TeamID
	Person lead.PersonID
}

// List reads handoffs after an id, in order of ids.
func List(tx *db.Tx, f Filter, after ID, limit int) ([]Handoff, error) {
	var all []Handoff
	err := tx.Query(listHandoffs, []any{int64(after), f.State, string(f.Owner), string(f.Team), int64(f.Person), limit},
		func(r *sql.Rows) error {
			var h Handoff
			dest, unpack := h.into()
			if err := r.Scan(dest...); err != nil {
				return err
			}
			if err := unpack(); err != nil {
				return err
			}
			all = append(all, h)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list handoffs: %w", err)
	}
	return all, nil
}

// save stores a handoff; one without an id is new and gets it.
func (h *Handoff) save(tx *db.Tx) error {
	args, err := h.args()
	if err != nil {
		return err
	}
	if h.ID == 0 {
		err = tx.QueryRow(insertHandoff, args, &h.ID)
	} else {
		_, err = tx.Exec(updateHandoff, append(args, int64(h.ID))...)
	}
	if err != nil {
		return fmt.Errorf("store handoff: %w", err)
	}
	return nil
}

var countOpen = db.SQL("handoff.countOpen", `
select owner, count(*) from handoff
 where state in ('open', 'accepted', 'contacted') and owner <> ''
 group by owner order by owner`)

// loads are the open handoffs by owner.
func loads(tx *db.Tx) (map[route.RepID]int, error) {
	all := map[route.RepID]int{}
	err := tx.Query(countOpen, nil, func(r *sql.Rows) error {
		var rep route.RepID
		var n int
		err := r.Scan(&rep, &n)
		all[rep] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count open handoffs: %w", err)
	}
	return all, nil
}

var accountOwner = db.SQL("handoff.accountOwner", `
select owner from handoff
 where account_id = $1 and owner <> '' and person_id <> $2 and state in ('accepted', 'contacted', 'qualified')
 order by id desc limit 1`)

// ownerOf is who works an account's other people; empty for nobody.
func ownerOf(tx *db.Tx, account lead.AccountID, person lead.PersonID) (route.RepID, error) {
	var rep route.RepID
	if account == 0 {
		return "", nil
	}
	err := tx.QueryRow(accountOwner, []any{int64(account), int64(person)}, &rep)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return rep, err
}

var (
	ensurePool = db.SQL("handoff.ensurePool", `insert into route_pool (team, data) values ($1, $2) on conflict (team) do nothing`)
	lockPools  = db.SQL("handoff.lockPools", `select team, data from route_pool order by team /*for update*/`)
	readPools  = db.SQL("handoff.readPools", `select team, data from route_pool order by team`)
	savePool   = db.SQL("handoff.savePool", `update route_pool set data = $2 where team = $1`)
)

// pools reads the round robins, locked in the order of teams when they may change.
func pools(tx *db.Tx, plan *Plan, change bool) (route.Pools, error) {
	read := readPools
	if change {
		read = lockPools
		for _, t := range plan.sorted() {
			if _, err := tx.Exec(ensurePool, t, []byte{}); err != nil {
				return nil, fmt.Errorf("begin a pool: %w", err)
			}
		}
	}
	all := route.Pools{}
	err := tx.Query(read, nil, func(r *sql.Rows) error {
		var team route.TeamID
		var data []byte
		if err := r.Scan(&team, &data); err != nil {
			return err
		}
		p, err := route.Decode(data)
		all[team] = p
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	return all, nil
}

func keepPool(tx *db.Tx, team route.TeamID, p route.Pool) error {
	if _, err := tx.Exec(savePool, string(team), p.Encode()); err != nil {
		return fmt.Errorf("store pool %s: %w", team, err)
	}
	return nil
}
