package access

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Team is a group of users who share leads. Its id is the one that the playbook names.
type Team struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	CreatedAt lead.Instant `json:"created_at"`
}

// Absence is when a user takes no leads.
type Absence struct {
	ID    int64        `json:"id"`
	User  int64        `json:"user"`
	From  lead.Instant `json:"from"`
	Until lead.Instant `json:"until"` // the first instant at which the user is back
	Note  string       `json:"note"`
}

// Staffing is who there is to take leads, for routing.
type Staffing struct {
	Users    []Colleague // by e-mail address, the switched-off ones included
	Teams    []Team      // by id
	Absences []Absence   // those that end after the instant asked for, by user and begin
}

// Roster reads who there is to take leads at an instant and later.
func Roster(tx *db.Tx, at lead.Instant) (s Staffing, err error) {
	if s.Users, err = listUsers(tx); err != nil {
		return s, err
	}
	if s.Teams, err = listTeams(tx); err != nil {
		return s, err
	}
	s.Absences, err = listAbsences(tx, at)
	return s, err
}

var listTeamsSQL = db.SQL("access.listTeams", `select id, name, created_at from access_team order by id`)

func listTeams(tx *db.Tx) ([]Team, error) {
	teams := []Team{}
	err := tx.Query(listTeamsSQL, nil, func(rows *sql.Rows) error {
		var t Team
		err := rows.Scan(&t.ID, &t.Name, &t.CreatedAt)
		teams = append(teams, t)
		return err
	})
	return teams, err
}

// Teams are all teams by id, with their members.
func (s *Staff) Teams(ctx context.Context) (out Staffing, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = Roster(tx, lead.At(s.now()))
		return err
	})
	return out, err
}

var insertTeamSQL = db.SQL("access.insertTeam", `
	insert into access_team (id, name, created_at) values ($1, $2, $3) on conflict (id) do nothing`)

// AddTeam makes a team.
func (s *Staff) AddTeam(ctx context.Context, id, name string) (Team, error) {
	t := Team{ID: id, Name: strings.TrimSpace(name), CreatedAt: lead.At(s.now())}
	if !slug.MatchString(id) {
		return Team{}, fault.New(fault.Invalid, "%q is not the id of a team", id).WithCode("wrong_team").WithField("body.id").
			WithHint("small letters, digits, - and _, as the playbook writes it")
	}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > nameMax {
		return Team{}, fault.New(fault.Invalid, "a team needs a name of 1 to %d characters", nameMax).WithCode("wrong_team").WithField("body.name")
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(insertTeamSQL, t.ID, t.Name, int64(t.CreatedAt))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "there is a team %q", id).WithCode("team_exists").WithField("body.id")
		}
		return Record(tx, Change{What: "team.added", Subject: "team:" + t.ID, After: t, At: t.CreatedAt})
	})
	return t, err
}

var findTeamSQL = db.SQL("access.findTeam", `select id, name, created_at from access_team where id = $1`)

func findTeam(tx *db.Tx, id string) (t Team, err error) {
	err = tx.QueryRow(findTeamSQL, []any{id}, &t.ID, &t.Name, &t.CreatedAt)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no team %q", id).WithCode("unknown_team").WithHint("cusp team list shows them")
	}
	return t, err
}

var putMemberSQL = db.SQL("access.putMember", `
	insert into access_member (team, user_id, weight) values ($1, $2, $3)
	on conflict (team, user_id) do update set weight = excluded.weight`)

var removeMemberSQL = db.SQL("access.removeMember", `delete from access_member where team = $1 and user_id = $2`)

// PutMember gives a user a place in a team, or another weight; weight 0 takes the place away.
func (s *Staff) PutMember(ctx context.Context, team, user string, weight int) (c Colleague, err error) {
	if weight < 0 || weight > weightMax {
		return Colleague{}, fault.New(fault.Invalid, "a weight is 0 (not a member) to %d", weightMax).WithCode("wrong_weight").WithField("body.weight")
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		t, err := findTeam(tx, team)
		if err != nil {
			return err
		}
		before, err := findUser(tx, user)
		if err != nil {
			return err
		}
		if weight == 0 {
			_, err = tx.Exec(removeMemberSQL, t.ID, before.ID)
		} else {
			_, err = tx.Exec(putMemberSQL, t.ID, before.ID, weight)
		}
		if err != nil {
			return err
		}
		if c, err = findUser(tx, user); err != nil {
			return err
		}
		return Record(tx, Change{What: "team.member", Subject: "team:" + t.ID, Before: before, After: c, At: lead.At(s.now())})
	})
	return c, err
}

var listAbsencesSQL = db.SQL("access.listAbsences", `
	select id, user_id, from_at, until_at, note from access_absence where until_at > $1 order by user_id, from_at, id`)

func listAbsences(tx *db.Tx, after lead.Instant) ([]Absence, error) {
	out := []Absence{}
	err := tx.Query(listAbsencesSQL, []any{int64(after)}, func(rows *sql.Rows) error {
		var a Absence
		err := rows.Scan(&a.ID, &a.User, &a.From, &a.Until, &a.Note)
		out = append(out, a)
		return err
	})
	return out, err
}

var insertAbsenceSQL = db.SQL("access.insertAbsence", `
	insert into access_absence (user_id, from_at, until_at, note) values ($1, $2, $3, $4) returning id`)

var updateAbsenceSQL = db.SQL("access.updateAbsence", `update access_absence set from_at = $2, until_at = $3, note = $4 where id = $1`)

var findAbsenceSQL = db.SQL("access.findAbsence", `select id, user_id, from_at, until_at, note from access_absence where id = $1`)

var deleteAbsenceSQL = db.SQL("access.deleteAbsence", `delete from access_absence where id = $1`)

func (a *Absence) check() error {
	if a.From >= a.Until || a.From <= 0 || a.Until >= lead.Never {
		return fault.New(fault.Invalid, "an absence ends after it begins").WithCode("wrong_absence").WithField("body.until")
	}
	if utf8.RuneCountInString(a.Note) > noteMax {
		return fault.New(fault.Invalid, "a note has at most %d characters", noteMax).WithCode("wrong_absence").WithField("body.note")
	}
	return nil
}

func (a *Absence) subject() string { return "absence:" + strconv.FormatInt(a.ID, 10) }

// AddAbsence notes when a user, named by id or e-mail address, takes no leads. Whoever makes the request
// must be allowed to for that user.
func (s *Staff) AddAbsence(ctx context.Context, user string, a Absence) (Absence, error) {
	if err := a.check(); err != nil {
		return Absence{}, err
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		c, err := findUser(tx, user)
		if err != nil {
			return err
		}
		if err := AllowFor(From(ctx), ManageAbsences, c.owned()); err != nil {
			return err
		}
		a.User = c.ID
		if err := tx.QueryRow(insertAbsenceSQL, []any{a.User, int64(a.From), int64(a.Until), a.Note}, &a.ID); err != nil {
			return fmt.Errorf("add absence: %w", err)
		}
		return Record(tx, Change{What: "absence.added", Subject: a.subject(), After: a, At: lead.At(s.now())})
	})
	return a, err
}

// owned is the user as something that belongs to them.
func (c *Colleague) owned() Subject { return Subject{Owner: c.Email, Teams: c.Principal().Teams} }

// ChangeAbsence edits an absence; edit answers false to remove it. Whoever makes the request must be
// allowed to for its user.
func (s *Staff) ChangeAbsence(ctx context.Context, id int64, edit func(*Absence) bool) (after Absence, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		var before Absence
		err := tx.QueryRow(findAbsenceSQL, []any{id}, &before.ID, &before.User, &before.From, &before.Until, &before.Note)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "there is no absence %d", id).WithCode("unknown_absence")
		}
		if err != nil {
			return err
		}
		c, err := findUser(tx, strconv.FormatInt(before.User, 10))
		if err != nil {
			return err
		}
		if err := AllowFor(From(ctx), ManageAbsences, c.owned()); err != nil {
			return err
		}
		after = before
		if !edit(&after) {
			if _, err := tx.Exec(deleteAbsenceSQL, id); err != nil {
				return err
			}
			return Record(tx, Change{What: "absence.removed", Subject: before.subject(), Before: before, At: lead.At(s.now())})
		}
		after.ID, after.User = before.ID, before.User
		if err := after.check(); err != nil {
			return err
		}
		if _, err := tx.Exec(updateAbsenceSQL, id, int64(after.From), int64(after.Until), after.Note); err != nil {
			return err
		}
		return Record(tx, Change{What: "absence.changed", Subject: after.subject(), Before: before, After: after, At: lead.At(s.now())})
	})
	return after, err
}

// Absences are those that end after an instant.
func (s *Staff) Absences(ctx context.Context, after lead.Instant) (out []Absence, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = listAbsences(tx, after)
		return err
	})
	return out, err
}
