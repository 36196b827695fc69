package access

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
)

var insertUserSQL = db.SQL("access.insertUser", `
	insert into access_user (email, name, role, active, attributes, password, created_at)
	values ($1, $2, $3, $4, $5, $6, $7)
	on conflict (email) do nothing
	returning id`)

func insertUser(tx *db.Tx, c *Colleague) error {
	attributes, err := json.Marshal(c.Attributes)
	if err != nil {
		return fmt.Errorf("write attributes: %w", err)
	}
	args := []any{c.Email, c.Name, string(c.Role), c.Active, string(attributes), c.password, int64(c.CreatedAt)}
	err = tx.QueryRow(insertUserSQL, args, &c.ID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Conflict, "there is a user with this e-mail address").WithCode("user_exists").WithField("body.email").
			WithHint("cusp user list shows everybody")
	}
	return err
}

var updateUserSQL = db.SQL("access.updateUser", `
	update access_user set name = $2, role = $3, active = $4, attributes = $5 where id = $1`)

func updateUser(tx *db.Tx, c *Colleague) error {
	attributes, err := json.Marshal(c.Attributes)
	if err != nil {
		return fmt.Errorf("write attributes: %w", err)
	}
	_, err = tx.Exec(updateUserSQL, c.ID, c.Name, string(c.Role), c.Active, string(attributes))
	return err
}

var storePasswordSQL = db.SQL("access.storePassword", `update access_user set password = $2 where id = $1`)

func storePassword(tx *db.Tx, id int64, stored string) error {
	_, err := tx.Exec(storePasswordSQL, id, stored)
	return err
}

var countAdminsSQL = db.SQL("access.countAdmins", `
	select id from access_user where role = 'admin' and active order by id /*for update*/`)

// countAdmins counts active administrators and holds them, so that two cannot remove each other at once.
func countAdmins(tx *db.Tx) (n int, err error) {
	err = tx.Query(countAdminsSQL, nil, func(rows *sql.Rows) error {
		var id int64
		n++
		return rows.Scan(&id)
	})
	return n, err
}

var listUsersSQL = db.SQL("access.listUsers", `
	select id, email, name, role, active, attributes, password, created_at from access_user order by email`)

func listUsers(tx *db.Tx) ([]Colleague, error) {
	users, at := []Colleague{}, map[int64]int{}
	err := tx.Query(listUsersSQL, nil, func(rows *sql.Rows) error {
		c, err := scanUser(rows.Scan)
		at[c.ID] = len(users)
		users = append(users, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	err = eachMember(tx, func(user int64, m Membership) {
		if i, ok := at[user]; ok {
			users[i].Teams = append(users[i].Teams, m)
		}
	})
	return users, err
}

var findUserByIDSQL = db.SQL("access.findUserByID", `
	select id, email, name, role, active, attributes, password, created_at from access_user where id = $1`)

var findUserByEmailSQL = db.SQL("access.findUserByEmail", `
	select id, email, name, role, active, attributes, password, created_at from access_user where email = $1`)

// FindUser finds a user by id or e-mail address; [fault.NotFound] for nobody.
func FindUser(tx *db.Tx, ref string) (Colleague, error) { return findUser(tx, ref) }

// findUser finds a user by id or e-mail address.
func findUser(tx *db.Tx, ref string) (Colleague, error) {
	statement, arg := findUserByIDSQL, any(nil)
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		arg = id
	} else if address, err := domains.Normalize(ref); err == nil {
		statement, arg = findUserByEmailSQL, address.String()
	} else {
		return Colleague{}, noSuchUser()
	}
	c, err := scanUser(func(dest ...any) error { return tx.QueryRow(statement, []any{arg}, dest...) })
	if fault.Is(err, fault.NotFound) {
		return Colleague{}, noSuchUser()
	}
	if err != nil {
		return Colleague{}, fmt.Errorf("find user: %w", err)
	}
	c.Teams, err = membershipsOf(tx, c.ID)
	return c, err
}

func noSuchUser() error {
	return fault.New(fault.NotFound, "there is no such user").WithCode("unknown_user").WithHint("cusp user list shows everybody")
}

func scanUser(scan func(dest ...any) error) (Colleague, error) {
	c := Colleague{Teams: []Membership{}}
	var attributes string
	if err := scan(&c.ID, &c.Email, &c.Name, &c.Role, &c.Active, &attributes, &c.password, &c.CreatedAt); err != nil {
		return Colleague{}, err
	}
	c.HasPassword = c.password != ""
	if err := json.Unmarshal([]byte(attributes), &c.Attributes); err != nil {
		return Colleague{}, fmt.Errorf("read attributes: %w", err)
	}
	return c, nil
}

var membershipsSQL = db.SQL("access.memberships", `select team, weight from access_member where user_id = $1 order by team`)

func membershipsOf(tx *db.Tx, user int64) ([]Membership, error) {
	out := []Membership{}
	err := tx.Query(membershipsSQL, []any{user}, func(rows *sql.Rows) error {
		var m Membership
		err := rows.Scan(&m.Team, &m.Weight)
		out = append(out, m)
		return err
	})
	return out, err
}

var allMembersSQL = db.SQL("access.allMembers", `select team, user_id, weight from access_member order by team, user_id`)

func eachMember(tx *db.Tx, f func(user int64, m Membership)) error {
	return tx.Query(allMembersSQL, nil, func(rows *sql.Rows) error {
		var m Membership
		var user int64
		err := rows.Scan(&m.Team, &user, &m.Weight)
		f(user, m)
		return err
	})
}
