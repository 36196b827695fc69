package access

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/seal"
)

// Rules of signing in.
const (
	sessionFor      = 24 * time.Hour   // how long a sign-in lasts
	attemptsFor     = 15 * time.Minute // how long attempts are counted together, and a lock-out lasts
	attemptsUser    = 10               // failures until a user is locked out
	attemptsAddress = 100              // failures from one network address: an office, or a proxy, has many users
)

// decoy is a hash of nothing that anybody knows. It is compared when there is no such user, so that the
// time of an answer does not tell who is one.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// SignIn is a sign-in that was just made.
type SignIn struct {
	User      Colleague
	Token     string // for the cookie; it is stored nowhere
	ExpiresAt lead.Instant
}

// SignIn checks a password. Every attempt is counted before the password is looked at, so that many at
// once are no way around the limit. from is the network address of the client. [fault.Unauthentic] for a
// wrong pair, [fault.TooMany] for a user or an address that is locked out.
func (s *Staff) SignIn(ctx context.Context, email, password, from string) (SignIn, error) {
	now := lead.At(s.now())
	var user Colleague
	var keys [2]string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		user, err = findUser(tx, email)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return SignIn{}, err
	}
	keys[0], keys[1] = "user:"+seal.Hash(nameFor(&user, email)), "from:"+network(from)
	if err := s.count(ctx, keys, now); err != nil {
		return SignIn{}, err
	}
	stored, ok := user.password, false
	if stored == "" || !user.Active {
		stored = decoy
	}
	if len(password) <= passwordMax {
		if err := s.hashing(ctx, func() { ok = matches(stored, password) }); err != nil {
			return SignIn{}, err
		}
	}
	if !ok || user.ID == 0 || !user.Active || user.password == "" {
		return SignIn{}, wrongPair()
	}
	return s.begin(ctx, user, keys, now)
}

// nameFor is under what the attempts of a user are counted: one name, however the address is written.
func nameFor(user *Colleague, email string) string {
	if user.ID != 0 {
		return user.Email
	}
	return email
}

func wrongPair() error {
	return fault.New(fault.Unauthentic, "e-mail address and password do not belong together").WithCode("wrong_password").
		WithHint("an administrator can set a new password: cusp user passwd EMAIL")
}

// network is the part of an address that one subscriber has: all of IPv4, the first half of IPv6.
func network(from string) string {
	ip, err := netip.ParseAddr(from)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// count counts an attempt and refuses it when there were too many.
func (s *Staff) count(ctx context.Context, keys [2]string, now lead.Instant) error {
	var n [2]int64
	var since [2]lead.Instant
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		for i, key := range keys {
			args := []any{key, int64(now), int64(now.Add(-attemptsFor))}
			if err := tx.QueryRow(countAttemptSQL, args, &n[i], &since[i]); err != nil {
				return fmt.Errorf("count attempt: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, most := range [2]int64{attemptsUser, attemptsAddress} {
		if n[i] > most {
			return fault.New(fault.TooMany, "too many attempts to sign in").WithCode("locked_out").
				WithHint("try again after %s", since[i].Add(attemptsFor))
		}
	}
	return nil
}

// begin stores a sign-in, unless the user changed since the password was read.
func (s *Staff) begin(ctx context.Context, user Colleague, keys [2]string, now lead.Instant) (SignIn, error) {
	token, err := seal.NewToken(s.random, "cusps_")
	if err != nil {
		return SignIn{}, err
	}
	in := SignIn{Token: token, ExpiresAt: now.Add(sessionFor)}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(insertSessionSQL, seal.Hash(token), user.ID, int64(now), int64(in.ExpiresAt), user.password)
		if err != nil {
			return err
		}
		if n == 0 {
			return wrongPair()
		}
		if _, err := tx.Exec(forgetAttemptsSQL, keys[0]); err != nil {
			return err
		}
		if _, err := tx.Exec(returnAttemptSQL, keys[1]); err != nil {
			return err
		}
		in.User, err = findUser(tx, user.Email)
		return err
	})
	return in, err
}

// Session is who is signed in with a token, as they are now: a change of role or a switched-off user
// counts from the next request on.
func (s *Staff) Session(ctx context.Context, token string) (p Principal, err error) {
	if token == "" || len(token) > seal.MaxLength {
		return Principal{}, noSession()
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		var id int64
		var expires lead.Instant
		if err := tx.QueryRow(findSessionSQL, []any{seal.Hash(token)}, &id, &expires); err != nil {
			return err
		}
		if lead.At(s.now()) >= expires {
			return noSession()
		}
		c, err := findUser(tx, strconv.FormatInt(id, 10))
		if err == nil && !c.Active {
			err = noSession()
		}
		p = c.Principal()
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = noSession()
	}
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}

func noSession() error {
	return fault.New(fault.Unauthentic, "nobody is signed in").WithCode("no_session").WithHint("sign in again")
}

// SignOut ends a sign-in. Ending one that has ended changes nothing.
func (s *Staff) SignOut(ctx context.Context, token string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(endSessionSQL, seal.Hash(token))
		return err
	})
}

// Sweep forgets sign-ins and attempts whose time is over.
func (s *Staff) Sweep(ctx context.Context) error {
	now := lead.At(s.now())
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(sweepSessionsSQL, int64(now)); err != nil {
			return err
		}
		_, err := tx.Exec(sweepAttemptsSQL, int64(now.Add(-attemptsFor)))
		return err
	})
}

func endSessions(tx *db.Tx, user int64) error {
	_, err := tx.Exec(endSessionsSQL, user)
	return err
}

var countAttemptSQL = db.SQL("access.countAttempt", `
	insert into access_attempt (key, attempts, since) values ($1, 1, $2)
	on conflict (key) do update set
		attempts = case when access_attempt.since <= $3 then 1 else access_attempt.attempts + 1 end,
		since = case when access_attempt.since <= $3 then $2 else access_attempt.since end
	returning attempts, since`)

var (
	insertSessionSQL = db.SQL("access.insertSession", `
		insert into access_session (hash, user_id, created_at, expires_at)
		select $1, id, $3, $4 from access_user where id = $2 and active and password = $5`)
	findSessionSQL    = db.SQL("access.findSession", `select user_id, expires_at from access_session where hash = $1`)
	endSessionSQL     = db.SQL("access.endSession", `delete from access_session where hash = $1`)
	endSessionsSQL    = db.SQL("access.endSessions", `delete from access_session where user_id = $1`)
	sweepSessionsSQL  = db.SQL("access.sweepSessions", `delete from access_session where expires_at <= $1`)
	sweepAttemptsSQL  = db.SQL("access.sweepAttempts", `delete from access_attempt where since <= $1`)
	forgetAttemptsSQL = db.SQL("access.forgetAttempts", `delete from access_attempt where key = $1`)
	returnAttemptSQL  = db.SQL("access.returnAttempt", `update access_attempt set attempts = attempts - 1 where key = $1 and attempts > 0`)
)
