package api_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/playbook"
	"cusp/internal/queue"
	"cusp/internal/respond"
)

var update = flag.Bool("update", false, "write checked-in documents anew")

// now is the instant at which the tests play.
var now = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

// site is the API on a private database, with a key of each sort.
type site struct {
	t      *testing.T
	router *respond.Router
	http   http.Handler
	engine *flow.Engine
	desk   *handoff.Desk
	alerts *alert.Alerts
	queue  *queue.Queue      // runs when a test runs it
	keys   map[string]string // by name: read, write, admin, sender
	spec   *spec
}

func newSite(t *testing.T, d *db.DB) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var ticks atomic.Int64
	clock := func() time.Time { return now.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	engine, err := flow.NewEngine(t.Context(), d, flow.Options{Now: clock, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	keys := access.NewKeys(d, clock)
	staff := access.NewStaff(d, clock)
	s := &site{t: t, engine: engine, keys: map[string]string{}, router: respond.NewRouter(api.Authenticate(keys, staff))}
	for name, n := range map[string]access.NewKey{
		"read":   {Kind: access.API, Name: "reader", Scopes: []access.Scope{access.ScopeRead}},
		"write":  {Kind: access.API, Name: "writer", Scopes: []access.Scope{access.ScopeWrite}},
		"admin":  {Kind: access.API, Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}},
		"sender": {Kind: access.Write, Name: "website"},
	} {
		if _, s.keys[name], err = keys.Create(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	s.desk = newDesk(d, engine, clock)
	s.queue = queue.New(d, queue.Options{Now: clock, Logger: log})
	s.alerts = newAlerts(t, d, s.queue, clock)
	_, err = api.New(s.router, api.Options{
		Desk: s.desk, Alerts: s.alerts,
		DB: d, Engine: engine, Keys: keys, Staff: staff, Log: log, Now: clock, Version: "test",
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("cusp_up 1\n")) }),
		Ready:   func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.http = s.router.Handler(respond.Chain{Log: log})
	s.spec = loadSpec(t, s)
	return s
}

// open is a site on SQLite, for what does not depend on the engine below.
func open(t *testing.T) *site {
	t.Helper()
	return newSite(t, dbtest.Open(t, db.SQLite))
}

// publish puts the playbook of the tests in force.
func (s *site) publish() {
	s.t.Helper()
	text := read(s.t, "playbook.yaml")
	p, problems := playbook.Parse("playbook.yaml", text)
	if err := problems.Err(); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.engine.Publish(s.t.Context(), p, "test", ""); err != nil {
		s.t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// call sends a request; the answer is checked against the OpenAPI document.
func (s *site) call(method, path, key, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	var r *http.Request
	if body == "" {
		r = httptest.NewRequestWithContext(s.t.Context(), method, path, http.NoBody)
	} else {
		r = httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if secret := s.keys[key]; secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	s.spec.check(s.t, r, w)
	return w
}

// ok is call for requests that succeed; the answer is decoded into out.
func (s *site) ok(method, path, body string, out any) {
	s.t.Helper()
	w := s.call(method, path, "admin", body)
	if w.Code >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func problem(t *testing.T, w *httptest.ResponseRecorder) respond.Problem {
	t.Helper()
	var p respond.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("not a problem: %s", w.Body)
	}
	return p
}

// forEverySite are the routes that browsers use from the customers' own pages.
var forEverySite = []string{"POST /api/v1/qualify", "OPTIONS /api/v1/qualify"}

// hooks are the routes that other products call; their signature is the credential.
var hooks = []string{"POST /hooks/calcom", "POST /hooks/calendly", "POST /hooks/slack"}

func TestRoutes_everyOneHasAPolicy(t *testing.T) {
	t.Parallel()
	s := open(t)
	own := slices.Concat([]string{"GET /metrics"}, forEverySite, hooks)
	for _, r := range s.router.Routes() {
		if !slices.Contains(access.Actions(), r.Action) {
			t.Errorf("%s has no policy: %q", r.Pattern, r.Action)
		}
		if r.Own != slices.Contains(own, r.Pattern) {
			t.Errorf("%s authenticates by itself: %v", r.Pattern, r.Own)
		}
	}
}

// Z01, Z36: no route shows anything to a write key or to nobody.
func TestRoutes_writeKeysAndStrangersReadNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	open := []string{"GET /healthz", "GET /readyz", "GET /api/openapi.json", "POST /api/v1/session"}
	for _, r := range s.router.Routes() {
		if slices.Contains(open, r.Pattern) {
			continue
		}
		method, path, _ := strings.Cut(r.Pattern, " ")
		path = strings.NewReplacer("{id}", "1", "{version}", "1", "{message_id}", "m", "{kind}", "people").Replace(path)
		for _, key := range []string{"sender", ""} {
			if slices.Contains(forEverySite, r.Pattern) && (key == "sender" || method == http.MethodOptions) {
				continue
			}
			w := s.call(method, path, key, "")
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s with key %q: %d %s", r.Pattern, key, w.Code, w.Body)
			}
		}
	}
}

// Z22: nothing can be changed from another web site, with or without a key.
func TestRoutes_changeNothingForOtherSites(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, r := range s.router.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if method == http.MethodGet || slices.Contains(forEverySite, r.Pattern) || slices.Contains(hooks, r.Pattern) {
			continue
		}
		for _, h := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
			if w := s.call(method, strings.ReplaceAll(path, "{id}", "1"), "admin", "", h[0], h[1]); w.Code != http.StatusForbidden {
				t.Errorf("%s from elsewhere (%s): %d", r.Pattern, h[0], w.Code)
			}
		}
	}
}

func TestSpec_isComplete(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := s.call("GET", "/api/openapi.json", "", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"openapi": "3.1.0"`) {
		t.Fatalf("%d %.200s", w.Code, w.Body)
	}
	for _, planted := range []string{"$schema", "unpkg", "http://", "huma."} {
		if strings.Contains(w.Body.String(), planted) {
			t.Errorf("the document holds %q", planted)
		}
	}
	for _, r := range s.router.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if strings.HasPrefix(path, "/api/v1/") && method != http.MethodOptions && s.spec.operation(method, path) == nil {
			t.Errorf("%s is not documented", r.Pattern)
		}
	}
}

// The document is checked in, so that a change of the interface is seen in review.
func TestSpec_isCheckedIn(t *testing.T) {
	t.Parallel()
	w := open(t).call("GET", "/api/openapi.json", "", "")
	path := filepath.Join("..", "..", "docs", "reference", "openapi.json")
	got := w.Body.String() + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale (-want +got); run go test ./internal/api -update if the change is meant:\n%s", path, diff)
	}
}

func TestMetrics_onlyNearbyOrWithAKey(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, tc := range []struct {
		name, host, from, key string
		header                []string
		want                  int
	}{
		{"loopback", "127.0.0.1:8787", "127.0.0.1:5000", "", nil, 200},
		{"loopback, version 6", "[::1]:8787", "[::1]:5000", "", nil, 200},
		{"by name", "localhost:8787", "127.0.0.1:5000", "", nil, 200},
		{"through a proxy", "127.0.0.1", "127.0.0.1:5000", "", []string{"X-Forwarded-For", "203.0.113.7"}, 401},
		{"through a proxy that says nothing", "cusp.example", "127.0.0.1:5000", "", nil, 401},
		{"from elsewhere", "cusp.example", "203.0.113.7:5000", "", nil, 401},
		{"from elsewhere with a key", "cusp.example", "203.0.113.7:5000", "read", nil, 200},
		{"from elsewhere with a write key", "cusp.example", "203.0.113.7:5000", "sender", nil, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://"+tc.host+"/metrics", nil)
			r.RemoteAddr = tc.from
			for i := 0; i+1 < len(tc.header); i += 2 {
				r.Header.Set(tc.header[i], tc.header[i+1])
			}
			if tc.key != "" {
				r.Header.Set("Authorization", "Bearer "+s.keys[tc.key])
			}
			w := httptest.NewRecorder()
			s.http.ServeHTTP(w, r)
			if w.Code != tc.want {
				t.Errorf("%d, want %d", w.Code, tc.want)
			}
		})
	}
}

// scenario is a request and what must come of it, as data.
type scenario struct {
	Name   string   `json:"name"`
	Key    string   `json:"key"`
	Do     string   `json:"do"` // "GET /api/v1/people"
	Body   any      `json:"body"`
	Header []string `json:"header"`
	Status int      `json:"status"`
	Code   string   `json:"code"`
	Has    []string `json:"has"`
	HasNot []string `json:"has_not"`
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		var all []scenario
		if err := json.Unmarshal(read(t, "scenarios.json"), &all); err != nil {
			t.Fatal(err)
		}
		for _, sc := range all {
			s.play(t, sc)
		}
	})
}

func (s *site) play(t *testing.T, sc scenario) {
	t.Helper()
	body := ""
	switch b := sc.Body.(type) {
	case nil:
	case string:
		body = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		body = string(raw)
	}
	method, path, _ := strings.Cut(sc.Do, " ")
	w := s.call(method, path, sc.Key, body, sc.Header...)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s\n%d %s", sc.Name, fmt.Sprintf(format, args...), w.Code, w.Body)
	}
	if w.Code != sc.Status {
		fail("want status %d", sc.Status)
	}
	if sc.Code != "" && problem(t, w).Code != sc.Code {
		fail("want code %s", sc.Code)
	}
	for _, text := range sc.Has {
		if !strings.Contains(w.Body.String(), text) {
			fail("%s is missing", text)
		}
	}
	for _, text := range sc.HasNot {
		if strings.Contains(w.Body.String(), text) {
			fail("%s is there", text)
		}
	}
}

func TestIdempotencyKey_makesARequestHappenOnce(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		body, err := json.Marshal(map[string]string{"source": string(read(t, "playbook.yaml")), "note": "first"})
		if err != nil {
			t.Fatal(err)
		}
		first := s.call("POST", "/api/v1/playbooks", "admin", string(body), "Idempotency-Key", "k1")
		if first.Code != http.StatusCreated {
			t.Fatalf("%d %s", first.Code, first.Body)
		}
		again := s.call("POST", "/api/v1/playbooks", "admin", string(body), "Idempotency-Key", "k1")
		if again.Code != first.Code || !cmp.Equal(again.Body.String(), first.Body.String()) || again.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("again: %d %s", again.Code, again.Body)
		}
		other := s.call("POST", "/api/v1/playbooks/check", "admin", string(body), "Idempotency-Key", "k1")
		if other.Code != 422 || problem(t, other).Code != "idempotency_key_reused" {
			t.Errorf("another request: %d %s", other.Code, other.Body)
		}
		if w := s.call("POST", "/api/v1/playbooks/check", "read", `{"source":"x"}`, "Idempotency-Key", "k1"); w.Code != 200 {
			t.Errorf("somebody else's key of the same name: %d %s", w.Code, w.Body)
		}
	})
}

func TestIdempotencyKey_keepsNoSecret(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := `{"kind":"api","name":"n"}`
	first := s.call("POST", "/api/v1/keys", "admin", body, "Idempotency-Key", "k")
	again := s.call("POST", "/api/v1/keys", "admin", body, "Idempotency-Key", "k")
	if first.Code != http.StatusCreated || again.Code != http.StatusConflict || problem(t, again).Code != "secret_shown_once" {
		t.Errorf("%d, then %d %s", first.Code, again.Code, again.Body)
	}
}

func TestCursor_belongsToItsListAndFilters(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 3 {
		text := strings.Replace(string(read(t, "playbook.yaml")), "name: API", fmt.Sprintf("name: API %d", i), 1)
		body, err := json.Marshal(map[string]string{"source": text})
		if err != nil {
			t.Fatal(err)
		}
		s.ok("POST", "/api/v1/playbooks", string(body), nil)
	}
	var versions []int
	cursor := ""
	for {
		var page api.Page[flow.PlaybookInfo]
		s.ok("GET", "/api/v1/playbooks?limit=1&cursor="+cursor, "", &page)
		for _, p := range page.Items {
			versions = append(versions, p.Version)
		}
		if page.Next == "" {
			break
		}
		cursor = page.Next
	}
	if !cmp.Equal(versions, []int{3, 2, 1}) {
		t.Errorf("pages gave %v", versions)
	}
	for _, path := range []string{"/api/v1/ledger?cursor=" + cursor, "/api/v1/people?cursor=" + cursor, "/api/v1/playbooks?cursor=x" + cursor, "/api/v1/playbooks?cursor=AAAA"} {
		if w := s.call("GET", path, "read", ""); w.Code != 422 || problem(t, w).Code != "foreign_cursor" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
