package api_test

import (
	"net/http"
	"strings"
	"testing"

	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
)

const (
	newAda = `{"email": "Ada@Acme.example", "name": "Ada", "role": "rep", "password": "correct horse battery", "languages": ["de"]}`
	signIn = `{"email": "ada@acme.example", "password": "correct horse battery"}`
)

// signIn signs Ada in and gives the cookie as browsers send it.
func (s *site) signIn() string {
	s.t.Helper()
	w := s.call("POST", "/api/v1/session", "", signIn)
	set := w.Header().Get("Set-Cookie")
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "argon2") {
		s.t.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	for _, part := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="} {
		if !strings.Contains(set, part) {
			s.t.Errorf("the cookie lacks %s: %s", part, set)
		}
	}
	pair, _, _ := strings.Cut(set, ";")
	return pair
}

func TestSession_signInUseAndSignOut(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.ok("POST", "/api/v1/users", newAda, nil)
		cookie := s.signIn()
		if w := s.call("GET", "/api/v1/me", "", "", "Cookie", cookie); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"ada@acme.example"`) {
			t.Errorf("me: %d %s", w.Code, w.Body)
		}
		if w := s.call("POST", "/api/v1/users", "", newAda, "Cookie", cookie); w.Code != http.StatusForbidden {
			t.Errorf("a rep adds users: %d", w.Code)
		}
		if w := s.call("DELETE", "/api/v1/session", "", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("another site signs out: %d", w.Code)
		}
		w := s.call("DELETE", "/api/v1/session", "", "", "Cookie", cookie)
		if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("sign out: %d %v", w.Code, w.Header())
		}
		if w := s.call("GET", "/api/v1/me", "", "", "Cookie", cookie); w.Code != http.StatusUnauthorized {
			t.Errorf("the old cookie: %d", w.Code)
		}
		cookie = s.signIn()
		s.ok("PATCH", "/api/v1/users/ada@acme.example", `{"active": false}`, nil)
		if w := s.call("GET", "/api/v1/me", "", "", "Cookie", cookie); w.Code != http.StatusUnauthorized {
			t.Errorf("switched off: %d", w.Code)
		}
	})
}

func TestSession_isLockedAfterTen(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.ok("POST", "/api/v1/users", newAda, nil)
	wrong := strings.Replace(signIn, "horse", "house", 1)
	for i := range 12 {
		want := http.StatusUnauthorized
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if w := s.call("POST", "/api/v1/session", "", wrong); w.Code != want {
			t.Fatalf("attempt %d: %d %s", i+1, w.Code, w.Body)
		}
	}
	if w := s.call("POST", "/api/v1/session", "", signIn); w.Code != http.StatusTooManyRequests {
		t.Errorf("the right password while locked out: %d", w.Code)
	}
}

func TestUsers_passwords(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.ok("POST", "/api/v1/users", newAda, nil)
	s.ok("POST", "/api/v1/users", strings.NewReplacer("Ada@", "bob@").Replace(newAda), nil)
	cookie := s.signIn()
	body := `{"password": "another good password"}`
	if w := s.call("POST", "/api/v1/users/bob@acme.example/password", "", body, "Cookie", cookie); w.Code != http.StatusForbidden {
		t.Errorf("another's password: %d", w.Code)
	}
	if w := s.call("POST", "/api/v1/users/ada@acme.example/password", "", body, "Cookie", cookie); w.Code != http.StatusNoContent {
		t.Errorf("one's own password: %d %s", w.Code, w.Body)
	}
	if w := s.call("GET", "/api/v1/me", "", "", "Cookie", cookie); w.Code != http.StatusUnauthorized {
		t.Errorf("signed in after a new password: %d", w.Code)
	}
}

func TestTeamsAndAbsences_scenario(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.ok("POST", "/api/v1/users", newAda, nil)
		s.ok("POST", "/api/v1/teams", `{"id": "emea", "name": "EMEA"}`, nil)
		s.ok("POST", "/api/v1/teams/emea/members", `{"user": "ada@acme.example", "weight": 2}`, nil)
		var teams api.Page[api.TeamItem]
		s.ok("GET", "/api/v1/teams", "", &teams)
		if len(teams.Items) != 1 || len(teams.Items[0].Members) != 1 || teams.Items[0].Members[0].Weight != 2 {
			t.Errorf("%+v", teams)
		}
		var made api.AbsenceItem
		s.ok("POST", "/api/v1/absences", `{"user": "ada@acme.example", "from": "2026-05-21T12:00:00Z", "until": "2026-05-21T15:00:00Z"}`, &made)
		s.ok("PATCH", "/api/v1/absences/1", `{"until": "2026-05-21T16:00:00Z"}`, &made)
		if made.From != "2026-05-21T12:00:00Z" || made.Until != "2026-05-21T16:00:00Z" {
			t.Errorf("%+v", made)
		}
		if w := s.call("PATCH", "/api/v1/absences/1", "admin", `{"until": "2026-05-21T11:00:00Z"}`); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("an absence that ends before it begins: %d", w.Code)
		}
		s.ok("DELETE", "/api/v1/absences/1", "", nil)
		var audit api.Page[api.AuditItem]
		s.ok("GET", "/api/v1/audit?limit=500", "", &audit)
		var v api.AuditVerdict
		s.ok("GET", "/api/v1/audit/verify", "", &v)
		if len(audit.Items) != 10 || !v.OK || v.Entries != 10 {
			t.Errorf("%d entries, %+v", len(audit.Items), v)
		}
		s.ok("GET", "/api/v1/audit/verify?head="+v.Head, "", &v)
		s.ok("GET", "/api/v1/audit/verify?head=11:00", "", &v)
		if v.OK || v.Broken != 11 {
			t.Errorf("a cut tail: %+v", v)
		}
	})
}
