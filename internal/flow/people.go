package flow

import (
	"context"
	"database/sql"
	"fmt"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

// Summary is one line of the list of people: where each stands now.
type Summary struct {
	ID        string          `json:"id"`
	UserID    string          `json:"user_id"`
	Email     string          `json:"email"`
	Name      string          `json:"name"`
	Title     string          `json:"title"`
	AccountID string          `json:"account_id"`
	Company   string          `json:"company"`
	Decision  decide.Decision `json:"decision"`
	Track     decide.Track    `json:"track"`
	Stage     Stage           `json:"stage"`
	Level     int             `json:"level"`
	Quadrant  decide.Quadrant `json:"quadrant"`
	Fit       *float64        `json:"fit" doc:"Null while unknown."`
	Intent    float64         `json:"intent"`
	Momentum  score.Momentum  `json:"momentum"`
	Since     *string         `json:"since" format:"date-time" doc:"When the present outcome began."`
	LastSeen  string          `json:"last_seen" format:"date-time"`
	Events    int             `json:"events"`
}

// PeopleFilter chooses people; empty fields choose all.
type PeopleFilter struct {
	Decision string
	Stage    string
	Track    string
	After    lead.PersonID // the last id of the page before
	Limit    int
}

var listPeople = db.SQL("flow.listPeople", `
select person_id, coalesce(account_id, 0), playbook, stale, coalesce(wake_at, 0),
       decision, rule, track, quadrant, level, stage, log_seq, updated_at, state
  from lead_state
 where person_id > $1
   and ($2 = '' or decision = $2) and ($3 = '' or stage = $3) and ($4 = '' or track = $4)
 order by person_id
 limit $5`)

var accountPeople = db.SQL("flow.accountPeople", `
select person_id, coalesce(account_id, 0), playbook, stale, coalesce(wake_at, 0),
       decision, rule, track, quadrant, level, stage, log_seq, updated_at, state
  from lead_state
 where account_id = $1
 order by person_id
 limit $2`)

// People lists leads by id, as they stand now.
func (e *Engine) People(ctx context.Context, q PeopleFilter) ([]Summary, error) {
	pub := e.current.Load()
	if pub == nil {
		return nil, noPlaybook()
	}
	out := []Summary{}
	err := e.Read(ctx, func(tx *db.Tx) error {
		rows, err := stateRows(tx, listPeople, int64(q.After), q.Decision, q.Stage, q.Track, q.Limit)
		if err != nil {
			return err
		}
		out = out[:0]
		for _, x := range rows {
			l, err := liveLead(tx, pub, x, e.instant())
			if err != nil {
				return err
			}
			out = append(out, summary(pub.Playbook, x, l, e.instant()))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return out, nil
}

func stateRows(tx *db.Tx, s *db.Statement, args ...any) ([]*row, error) {
	var rows []*row
	err := tx.Query(s, args, func(r *sql.Rows) error {
		x := &row{}
		rows = append(rows, x)
		return x.scan(r)
	})
	return rows, err
}

// liveLead unpacks a stored lead and lets time pass; one that another playbook judged, or that waits to
// be folded again, is folded on the spot.
func liveLead(tx *db.Tx, pub *Published, x *row, now lead.Instant) (*Lead, error) {
	f, l := NewFolder(pub.Playbook), NewLead(pub.Playbook)
	if !x.Stale && x.Playbook == pub.Version && l.Decode(pub.Playbook, x.State) == nil {
		f.Advance(l, now)
		return l, nil
	}
	known, err := factsOf(tx, x.Person)
	if err != nil {
		return nil, err
	}
	l = NewLead(pub.Playbook)
	f.Fold(l, known.timeline, known.company, lead.Never)
	f.Advance(l, now)
	return l, nil
}

// Outlook is a lead's outcome and facts as they are laid down, which may be some seconds behind; ok is
// false for a person without any. It takes no lock, so that it may be asked within any transaction.
func (e *Engine) Outlook(tx *db.Tx, person lead.PersonID) (d Decided, ok bool, err error) {
	pub := e.current.Load()
	if pub == nil {
		return d, false, nil
	}
	rows, err := readRows(tx, []lead.PersonID{person})
	if err != nil || rows[person] == nil {
		return d, false, err
	}
	l, err := liveLead(tx, pub, rows[person], e.instant())
	if err != nil {
		return d, false, err
	}
	return Decided{
		Person: person, Account: rows[person].Account, Traits: l.Person.Map(), Company: l.company(),
		Change: Change{
			At: l.Since, To: l.Outcome, Fit: l.Fit, Intent: l.Score.Intent(pub.Playbook, e.instant()).Score, Known: l.Known,
		},
	}, true, nil
}

func summary(p *playbook.Playbook, x *row, l *Lead, now lead.Instant) Summary {
	s := Summary{
		ID: x.Person.String(), UserID: l.UserID, Email: l.Person.Text("email"), Name: fullName(l), Title: l.Person.Text("title"),
		Company: l.Company.Text("name"), Decision: l.Outcome.Decision, Track: l.Outcome.Track, Stage: l.Stage(), Level: l.Outcome.Level,
		Quadrant: l.Outcome.Quadrant, Intent: l.Score.Intent(p, now).Score, Momentum: l.Score.Momentum(p, now),
		Since: stampPtr(l.Since), LastSeen: l.Last.Time.String(), Events: l.Events,
	}
	if l.Fit.Known {
		s.Fit = &l.Fit.Score
	}
	if x.Account != 0 {
		s.AccountID = x.Account.String()
	}
	if s.Company == "" {
		s.Company = l.Person.Text("company")
	}
	return s
}

func fullName(l *Lead) string {
	first, last := l.Person.Text("first_name"), l.Person.Text("last_name")
	switch {
	case first == "" && last == "":
		return l.Person.Text("name")
	case first == "" || last == "":
		return first + last
	}
	return first + " " + last
}
