package access

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
)

func TestPassword_matchesItsHashOnly(t *testing.T) {
	t.Parallel()
	stored, err := hashPassword(rand.Reader, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	again, err := hashPassword(rand.Reader, goodPassword)
	if err != nil || again == stored {
		t.Errorf("two hashes are one: %v", err)
	}
	if !matches(stored, goodPassword) || matches(stored, goodPassword+" ") || matches(stored, "") {
		t.Error("the hash takes the wrong passwords")
	}
	for _, broken := range []string{"", "$", goodPassword, strings.Replace(stored, "argon2id", "argon2i", 1), strings.Replace(stored, "m=19456", "m=99999999", 1), strings.Replace(stored, "t=2", "t=0", 1), stored[:len(stored)-30]} {
		if matches(broken, goodPassword) {
			t.Errorf("%q matches", broken)
		}
	}
}

// The decoy costs what a real hash costs, or the time of an answer tells who is a user.
func TestPassword_decoyCostsTheSame(t *testing.T) {
	t.Parallel()
	want := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$", argonMemory, argonTime, argonThreads)
	parts := strings.Split(decoy, "$")
	if !strings.HasPrefix(decoy, want) || len(parts) != 6 {
		t.Fatalf("%s does not begin with %s", decoy, want)
	}
	for i, size := range map[int]int{4: argonSalt, 5: argonKey} {
		if raw, err := base64.RawStdEncoding.DecodeString(parts[i]); err != nil || len(raw) != size {
			t.Errorf("part %d: %d bytes, %v", i, len(raw), err)
		}
	}
}

func TestPassword_guessableOnesAreRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", "short", strings.Repeat("é", 11), strings.Repeat("a", passwordMax+1), "Someone@acme.example"} {
		if err := checkPassword(p, "someone@acme.example"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestAudit_writersAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := NewStaff(d, newClock().Now)
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				for j := range 4 {
					if _, err := s.AddTeam(t.Context(), fmt.Sprintf("t%d-%d", i, j), "T"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			v, err := VerifyAudit(tx, Head{})
			if err == nil && (v.Broken != 0 || v.Entries != 32) {
				t.Errorf("%+v", v)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Z30: many attempts at once are no way around the limit.
func TestStaff_attemptsAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := NewStaff(d, newClock().Now)
		user := newUser(t, s, "ada@acme.example", RoleRep)
		var mu sync.Mutex
		looked := 0
		var wait sync.WaitGroup
		for range 24 {
			wait.Go(func() {
				_, err := s.SignIn(t.Context(), user.Email, "wrong", "")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case fault.Is(err, fault.Unauthentic):
					looked++
				case !fault.Is(err, fault.TooMany):
					t.Errorf("%v", err)
				}
			})
		}
		wait.Wait()
		if looked != attemptsUser {
			t.Errorf("%d passwords were looked at, want %d", looked, attemptsUser)
		}
	})
}
