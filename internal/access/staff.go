package access

import (
	"context"
	"crypto/rand"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Limits of what is said of a user.
const (
	listMax     = 200     // entries of a list, and characters of an entry
	capacityMax = 100_000 // open handoffs
	weightMax   = 1000
	noteMax     = 500 // characters
	hashers     = 2   // passwords that are hashed at a time: each takes 19 MiB
)

// Colleague is a person who uses the product. Lists that are empty mean everything.
type Colleague struct {
	ID          int64        `json:"id"`
	Email       string       `json:"email"` // in normal form; it names the rep in handoffs and never changes
	Name        string       `json:"name"`
	Role        Role         `json:"role"`
	Active      bool         `json:"active"`
	Attributes  Attributes   `json:"attributes"`
	Teams       []Membership `json:"teams"` // in order of the team
	HasPassword bool         `json:"has_password"`
	CreatedAt   lead.Instant `json:"created_at"`

	password string
}

// Attributes are what routing asks about a user.
type Attributes struct {
	Capacity    int      `json:"capacity"` // most open handoffs; 0 for no limit
	Languages   []string `json:"languages,omitempty"`
	Territories []string `json:"territories,omitempty"`
	Industries  []string `json:"industries,omitempty"`
	Tiers       []string `json:"tiers,omitempty"`
	Zone        string   `json:"zone,omitempty"`     // IANA time zone; empty: that of the calendar
	Calendar    string   `json:"calendar,omitempty"` // id of a calendar of the playbook; empty: the team's
	BookingURL  string   `json:"booking_url,omitempty"`
}

// Membership is a user's place in a team.
type Membership struct {
	Team   string `json:"team"`
	Weight int    `json:"weight"` // share of the leads against the team mates'
}

// Staff keeps the people who use the product, their teams, absences and sign-ins. It is safe for
// concurrent use.
type Staff struct {
	db     *db.DB
	now    func() time.Time
	random io.Reader
	turn   chan struct{} // one for each password that is being hashed
}

// NewStaff serves the people of a database.
func NewStaff(d *db.DB, now func() time.Time) *Staff {
	return &Staff{db: d, now: now, random: rand.Reader, turn: make(chan struct{}, hashers)}
}

// hashing does work on a password when it is its turn.
func (s *Staff) hashing(ctx context.Context, work func()) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	work()
	return nil
}

// subject names the user in the audit log.
func (c *Colleague) subject() string { return "user:" + strconv.FormatInt(c.ID, 10) }

// Principal is the user who is signed in.
func (c *Colleague) Principal() Principal {
	p := Principal{Kind: User, ID: c.ID, Name: c.Email, Trusted: true, Role: c.Role}
	for _, m := range c.Teams {
		p.Teams = append(p.Teams, m.Team)
	}
	return p
}

func (c *Colleague) check() error {
	wrong := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).WithCode("wrong_user").WithField("body." + field)
	}
	a := &c.Attributes
	switch {
	case strings.TrimSpace(c.Name) == "" || utf8.RuneCountInString(c.Name) > nameMax:
		return wrong("name", "a user needs a name of 1 to %d characters", nameMax)
	case !slices.Contains(Roles(), c.Role):
		return wrong("role", "%q is not a role: take one of %v", c.Role, Roles())
	case a.Capacity < 0 || a.Capacity > capacityMax:
		return wrong("capacity", "a capacity is 0 (no limit) to %d", capacityMax)
	case len(a.Calendar) > nameMax:
		return wrong("calendar", "the id of a calendar has at most %d characters", nameMax)
	}
	for field, list := range map[string][]string{"languages": a.Languages, "territories": a.Territories, "industries": a.Industries, "tiers": a.Tiers} {
		if len(list) > listMax || slices.ContainsFunc(list, func(s string) bool { return s == "" || utf8.RuneCountInString(s) > listMax }) {
			return wrong(field, "a list has at most %d entries of 1 to %d characters", listMax, listMax)
		}
	}
	if _, err := time.LoadLocation(a.Zone); err != nil || a.Zone == "Local" {
		return wrong("zone", "%q is not a time zone: write one such as Europe/Berlin", a.Zone)
	}
	if u, err := url.Parse(a.BookingURL); a.BookingURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(a.BookingURL) > 2000) {
		return wrong("booking_url", "a booking link begins with https:// and holds no password")
	}
	return nil
}

// AddUser makes a user. Without a password nobody can sign in as them.
func (s *Staff) AddUser(ctx context.Context, c Colleague, password string) (Colleague, error) {
	address, err := domains.Normalize(c.Email)
	if err != nil {
		return Colleague{}, fault.New(fault.Invalid, "%q is not an e-mail address", c.Email).WithCode("wrong_email").WithField("body.email").WithCause(err)
	}
	c.Email, c.Active, c.CreatedAt, c.Teams = address.String(), true, lead.At(s.now()), nil
	if err := c.check(); err != nil {
		return Colleague{}, err
	}
	if password != "" {
		if c.password, err = s.hash(ctx, password, c.Email); err != nil {
			return Colleague{}, err
		}
	}
	c.HasPassword = c.password != ""
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := insertUser(tx, &c); err != nil {
			return err
		}
		return Record(tx, Change{What: "user.added", Subject: c.subject(), After: c, At: c.CreatedAt})
	})
	return c, err
}

// hash checks a new password and hashes it.
func (s *Staff) hash(ctx context.Context, password, email string) (stored string, err error) {
	if err := checkPassword(password, email); err != nil {
		return "", err
	}
	var failed error
	if err := s.hashing(ctx, func() { stored, failed = hashPassword(s.random, password) }); err != nil {
		return "", err
	}
	return stored, failed
}

// Users are all users, the switched-off ones included, by e-mail address.
func (s *Staff) Users(ctx context.Context) (users []Colleague, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		users, err = listUsers(tx)
		return err
	})
	return users, err
}

// User is the user with an id or an e-mail address.
func (s *Staff) User(ctx context.Context, ref string) (c Colleague, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		c, err = findUser(tx, ref)
		return err
	})
	return c, err
}

// ChangeUser edits a user, who is named by id or e-mail address. The e-mail address, teams and password
// have their own ways and stay. Who is switched off is signed out everywhere.
func (s *Staff) ChangeUser(ctx context.Context, ref string, edit func(*Colleague)) (after Colleague, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		before, err := findUser(tx, ref)
		if err != nil {
			return err
		}
		after = before
		edit(&after)
		after.ID, after.Email, after.Teams, after.password = before.ID, before.Email, before.Teams, before.password
		if err := after.check(); err != nil {
			return err
		}
		if err := updateUser(tx, &after); err != nil {
			return err
		}
		if err := keepAnAdmin(tx, &before, &after); err != nil {
			return err
		}
		if !after.Active {
			if err := endSessions(tx, after.ID); err != nil {
				return err
			}
		}
		return Record(tx, Change{What: "user.changed", Subject: after.subject(), Before: before, After: after, At: lead.At(s.now())})
	})
	return after, err
}

// keepAnAdmin refuses a change after which nobody could undo it in the product.
func keepAnAdmin(tx *db.Tx, before, after *Colleague) error {
	was, is := before.Active && before.Role == RoleAdmin, after.Active && after.Role == RoleAdmin
	if !was || is {
		return nil
	}
	n, err := countAdmins(tx)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "this is the last administrator").WithCode("last_admin").
			WithHint("make another one first: cusp user add EMAIL --role admin")
	}
	return err
}

// SetPassword gives a user a new password and signs them out everywhere.
func (s *Staff) SetPassword(ctx context.Context, ref, password string) error {
	c, err := s.User(ctx, ref)
	if err != nil {
		return err
	}
	stored, err := s.hash(ctx, password, c.Email)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := storePassword(tx, c.ID, stored); err != nil {
			return err
		}
		if err := endSessions(tx, c.ID); err != nil {
			return err
		}
		return Record(tx, Change{What: "user.password", Subject: c.subject(), At: lead.At(s.now())})
	})
}

// slug is what ids of teams look like, as in playbooks.
var slug = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
