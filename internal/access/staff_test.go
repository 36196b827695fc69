package access

import (
	"fmt"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

const goodPassword = "correct horse battery"

func newUser(t *testing.T, s *Staff, email string, role Role) Colleague {
	t.Helper()
	c, err := s.AddUser(t.Context(), Colleague{Email: email, Name: "N", Role: role}, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStaff_signInAndOut(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := NewStaff(d, c.Now)
		user := newUser(t, s, " Ada@Acme.Example ", RoleRep)
		if user.Email != "ada@acme.example" {
			t.Errorf("e-mail %q", user.Email)
		}
		in, err := s.SignIn(t.Context(), "ADA@acme.example", goodPassword, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Session(t.Context(), in.Token)
		if err != nil || p.Kind != User || p.ID != user.ID || p.Role != RoleRep || p.Name != user.Email {
			t.Fatalf("%+v, %v", p, err)
		}
		if err := s.SignOut(t.Context(), in.Token); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(t.Context(), in.Token); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("after signing out: %v", err)
		}
		if in, err = s.SignIn(t.Context(), user.Email, goodPassword, ""); err != nil {
			t.Fatal(err)
		}
		c.move(sessionFor)
		if _, err := s.Session(t.Context(), in.Token); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestStaff_disabledUserAndNewPasswordEndSessions(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		here, there := NewStaff(d, c.Now), NewStaff(d, c.Now)
		newUser(t, here, "root@acme.example", RoleAdmin)
		user := newUser(t, here, "ada@acme.example", RoleRep)
		in, err := here.SignIn(t.Context(), user.Email, goodPassword, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := here.SetPassword(t.Context(), user.Email, goodPassword+"!"); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Session(t.Context(), in.Token); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("after a new password: %v", err)
		}
		if in, err = here.SignIn(t.Context(), user.Email, goodPassword+"!", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := here.ChangeUser(t.Context(), user.Email, func(c *Colleague) { c.Active = false }); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Session(t.Context(), in.Token); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("switched off: %v", err)
		}
		if _, err := here.SignIn(t.Context(), user.Email, goodPassword+"!", ""); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("switched off, signs in: %v", err)
		}
		_, err = here.ChangeUser(t.Context(), "root@acme.example", func(c *Colleague) { c.Role = RoleViewer })
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("the last administrator: %v", err)
		}
	})
}

// Z30: the counter is the user's, and nothing but a right password ends it early.
func TestStaff_lockOut(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := NewStaff(d, c.Now)
		user := newUser(t, s, "ada@acme.example", RoleRep)
		for i := range attemptsUser {
			from := fmt.Sprintf("192.0.2.%d", i) // from another address each time
			if _, err := s.SignIn(t.Context(), user.Email, "wrong", from); !fault.Is(err, fault.Unauthentic) {
				t.Fatalf("attempt %d: %v", i, err)
			}
		}
		for range 3 {
			if _, err := s.SignIn(t.Context(), "Ada@acme.example", goodPassword, ""); !fault.Is(err, fault.TooMany) {
				t.Fatalf("locked out, and: %v", err)
			}
		}
		c.move(attemptsFor)
		if _, err := s.SignIn(t.Context(), user.Email, goodPassword, ""); err != nil {
			t.Errorf("after the lock-out: %v", err)
		}
		if _, err := s.SignIn(t.Context(), user.Email, "wrong", ""); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("the count did not begin anew: %v", err)
		}
	})
}

func TestStaff_rosterAndAbsences(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := NewStaff(d, c.Now)
		ada, bob := newUser(t, s, "ada@acme.example", RoleRep), newUser(t, s, "bob@acme.example", RoleRep)
		if _, err := s.AddTeam(t.Context(), "emea", "EMEA"); err != nil {
			t.Fatal(err)
		}
		ada, err := s.PutMember(t.Context(), "emea", ada.Email, 3)
		if err != nil {
			t.Fatal(err)
		}
		noon := lead.At(c.Now())
		span := Absence{From: noon, Until: noon.Add(4 * time.Hour), Note: "dentist"}
		if _, err := s.AddAbsence(With(t.Context(), ada.Principal()), bob.Email, span); !fault.Is(err, fault.Denied) {
			t.Errorf("a rep sends another away: %v", err)
		}
		a, err := s.AddAbsence(With(t.Context(), ada.Principal()), ada.Email, span)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[lead.Instant]int{noon: 1, span.Until: 0} {
			var r Staffing
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { r, err = Roster(tx, at); return err }); err != nil {
				t.Fatal(err)
			}
			if len(r.Users) != 2 || len(r.Users[0].Teams) != 1 || r.Users[0].Teams[0].Weight != 3 || len(r.Teams) != 1 || len(r.Absences) != want {
				t.Errorf("at %s: %+v", at, r)
			}
		}
		remove := func(*Absence) bool { return false }
		if _, err := s.ChangeAbsence(With(t.Context(), bob.Principal()), a.ID, remove); !fault.Is(err, fault.Denied) {
			t.Errorf("a rep calls another back: %v", err)
		}
		if _, err := s.ChangeAbsence(With(t.Context(), Machine()), a.ID, remove); err != nil {
			t.Error(err)
		}
	})
}
