package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cusp/internal/access"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

// newFormSite is a site in which decisions open handoffs, as they do in the product.
func newFormSite(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := startFormSite(t, d)
	s.t = t
	s.spec = loadSpec(t, s)
	s.publish()
	return s
}

// startFormSite is such a site without a playbook.
func startFormSite(t testing.TB, d *db.DB) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var ticks atomic.Int64
	clock := func() time.Time { return now.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	s := &site{keys: map[string]string{}}
	engine, err := flow.NewEngine(t.Context(), d, flow.Options{
		Now: clock, Logger: log,
		Decided: func(tx *db.Tx, leads []flow.Decided, now lead.Instant) error {
			return s.desk.Consider(tx, changes(leads), now)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.engine, s.desk = engine, newDesk(d, engine, clock)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	keys, staff := access.NewKeys(d, clock), access.NewStaff(d, clock)
	s.router = respond.NewRouter(api.Authenticate(keys, staff))
	for name, n := range map[string]access.NewKey{
		"write":  {Kind: access.API, Name: "writer", Scopes: []access.Scope{access.ScopeWrite}},
		"read":   {Kind: access.API, Name: "reader", Scopes: []access.Scope{access.ScopeRead}},
		"sender": {Kind: access.Write, Name: "website"},
		"server": {Kind: access.Write, Name: "server", Trusted: true},
	} {
		if _, s.keys[name], err = keys.Create(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	_, err = api.New(s.router, api.Options{
		DB: d, Engine: engine, Keys: keys, Staff: staff, Log: log, Now: clock, Version: "test", Metrics: http.NotFoundHandler(),
		Ready: func(context.Context) error { return nil }, Desk: s.desk, Meetings: api.Meetings{Calcom: hookSecret, Calendly: hookSecret},
		Host: func(_ *db.Tx, rep route.RepID) (string, string, error) {
			name, _, _ := strings.Cut(string(rep), "@")
			return name, "https://book.example/" + name, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.http = s.router.Handler(respond.Chain{Log: log})
	return s
}

func changes(leads []flow.Decided) []handoff.Change {
	var out []handoff.Change
	for _, l := range leads {
		out = append(out, handoff.Change{
			Person: l.Person, Account: l.Account, At: l.Change.At, From: l.Change.From, To: l.Change.To,
			Fit: l.Change.Fit, Intent: l.Change.Intent, PersonTraits: l.Traits, AccountTraits: l.Company, Revised: l.Revised,
		})
	}
	return out
}

// send qualifies a form and answers what is to be shown.
func (s *site) send(key, body string, header ...string) api.QualifyItem {
	s.t.Helper()
	w := s.call("POST", "/api/v1/qualify", key, body, header...)
	var item api.QualifyItem
	if err := json.Unmarshal(w.Body.Bytes(), &item); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return item
}

const demoForm = `{"message_id":"m1","anonymous_id":"v1","email":"ada@analytical.example","event":"Demo Requested",
	"traits":{"title":"Head of Sales"},"properties":{"message":"Please show it to us."},"context":{"page":{"path":"/demo"}}}`

func TestQualify_offersTheRepWhoHasTheLead(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		got := s.send("sender", demoForm)
		if got.Show != "book" || got.Decision != "engage" || got.Host == nil || got.DueAt == nil ||
			got.Host.BookingURL != "https://book.example/"+got.Host.Name || len(got.Reasons) != 1 {
			t.Errorf("got %+v", got)
		}
		if got.Person != nil || got.Ask != nil {
			t.Errorf("a public key learns %v %v", got.Person, got.Ask)
		}
		if again := s.send("sender", demoForm); again.Show != "book" || *again.Host != *got.Host {
			t.Errorf("sent again: %+v", again)
		}
		x, err := s.engine.Explain(t.Context(), "ada@analytical.example", 0)
		if err != nil || x.Events != 2 || x.Decision != "engage" || x.Fit.Score == nil {
			t.Errorf("stored as %+v, %v", x, err)
		}
	})
}

func TestQualify_tellsSecretKeysWhoItIs(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		for i, key := range []string{"write", "server"} {
			form := fmt.Sprintf(`{"email":"ada%d@analytical.example","event":"Demo Requested"}`, i)
			got := s.send(key, form)
			x, err := s.engine.Explain(t.Context(), fmt.Sprintf("ada%d@analytical.example", i), 0)
			if err != nil || got.Person == nil || *got.Person != x.Person.ID || got.Ask == nil || got.Ask.ID != "role" {
				t.Errorf("%s: %+v, %v", key, got, err)
			}
		}
	})
}

// What is stored of somebody shows in no answer to a form that says nothing itself.
func TestQualify_isNoWayToAskAboutPeople(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		stranger := s.send("sender", `{"anonymous_id":"spy","email":"nobody@x.example","event":"Newsletter Subscribed"}`)
		s.send("sender", demoForm)
		for i := range 3 {
			form := fmt.Sprintf(`{"anonymous_id":"spy%d","email":"ada@analytical.example","event":"Asset Downloaded","context":{"userAgent":"Googlebot/2.1"}}`, i)
			if got := s.send("sender", form); got.Show == "book" && i == 0 {
				continue // the hand was raised a moment ago
			} else if got.Person != nil || got.Ask != nil {
				t.Errorf("asked %+v", got)
			}
		}
		if stranger.Show != "content" || stranger.Decision != "nurture" || stranger.Host != nil {
			t.Errorf("a stranger: %+v", stranger)
		}
	})
}

func TestQualify_botsGetWhatStrangersGet(t *testing.T) {
	t.Parallel()
	s := newFormSite(t, dbtest.Open(t, db.SQLite))
	for name, form := range map[string]string{
		"robot":      `{"event":"Demo Requested","email":"a@a.example","context":{"userAgent":"Googlebot/2.1 (+http://www.google.com/bot.html)"}}`,
		"no student": `{"event":"Asset Downloaded","email":"b@a.example"}`,
		"empty":      `{}`,
	} {
		got, err := json.Marshal(s.send("sender", form))
		want, _ := json.Marshal(s.send("sender", `{}`))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// B07: fifty forms a minute from one network.
func TestQualify_stormsAreHeldBack(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		var last api.QualifyItem
		for i := range 50 {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/qualify",
				strings.NewReader(fmt.Sprintf(`{"anonymous_id":"v%d","event":"Demo Requested","context":{"ip":"198.51.%d.1"}}`, i, i)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+s.keys["sender"])
			r.RemoteAddr = fmt.Sprintf("203.0.113.%d:4000", i)
			w := httptest.NewRecorder()
			s.http.ServeHTTP(w, r)
			if err := json.Unmarshal(w.Body.Bytes(), &last); err != nil {
				t.Fatalf("%s", w.Body)
			}
		}
		if last.Show != "content" {
			t.Errorf("the fiftieth: %+v", last)
		}
		var left []handoff.Handoff
		err := s.engine.Read(t.Context(), func(tx *db.Tx) (err error) {
			left, err = handoff.List(tx, handoff.Filter{State: "live"}, 0, 100)
			return err
		})
		if err != nil || len(left) != 0 {
			t.Errorf("%d handoffs are left, %v", len(left), err)
		}
	})
}

func TestQualify_refuses(t *testing.T) {
	t.Parallel()
	s := newFormSite(t, dbtest.Open(t, db.SQLite))
	for name, c := range map[string]struct {
		key, body string
		status    int
	}{
		"nobody":            {"", demoForm, http.StatusUnauthorized},
		"a key that reads":  {"read", demoForm, http.StatusForbidden},
		"no JSON":           {"sender", "{", http.StatusBadRequest},
		"an unknown member": {"sender", `{"emial":"x"}`, http.StatusUnprocessableEntity},
		"no object":         {"sender", `{"traits":[]}`, http.StatusUnprocessableEntity},
		"a long id":         {"sender", `{"anonymous_id":"` + strings.Repeat("ü", 400) + `"}`, http.StatusUnprocessableEntity},
		"too large":         {"sender", `{"properties":{"message":"` + strings.Repeat("x", 70_000) + `"}}`, http.StatusRequestEntityTooLarge},
		"a large event":     {"sender", `{"properties":{"message":"` + strings.Repeat("x", 40_000) + `"}}`, http.StatusUnprocessableEntity},
	} {
		if w := s.call("POST", "/api/v1/qualify", c.key, c.body); w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestQualify_fromPagesOfEverySite(t *testing.T) {
	t.Parallel()
	s := newFormSite(t, dbtest.Open(t, db.SQLite))
	w := s.call("OPTIONS", "/api/v1/qualify", "", "", "Origin", "https://www.shop.example", "Access-Control-Request-Method", "POST")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	w = s.call("POST", "/api/v1/qualify", "sender", demoForm, "Origin", "https://www.shop.example", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := s.call("POST", "/api/v1/qualify", "", demoForm, "Cookie", "cusp_session=x"); w.Code != http.StatusUnauthorized {
		t.Errorf("a cookie: %d", w.Code)
	}
}
