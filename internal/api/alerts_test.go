package api_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cusp/internal/alert"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fetch"
	"cusp/internal/handoff"
	"cusp/internal/hook"
	"cusp/internal/lead"
	"cusp/internal/queue"
	"cusp/internal/seal"
)

// sink is where webhooks of these tests may go: any port of this machine is too much, so each test that
// needs one opens it through here.
type sink struct {
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := new(strings.Builder)
	_, _ = bufio.NewReader(r.Body).WriteTo(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.bodies = append(s.got, r), append(s.bodies, body.String())
	w.WriteHeader(s.status)
}

func (s *sink) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// sinkAddr is one address for the webhooks of all tests in this package; each names its path.
var sinks = struct {
	once   sync.Once
	server *httptest.Server
	mu     sync.Mutex
	paths  map[string]*sink
}{paths: map[string]*sink{}}

func sinkServer() *httptest.Server {
	sinks.once.Do(func() {
		sinks.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sinks.mu.Lock()
			s := sinks.paths[r.URL.Path]
			sinks.mu.Unlock()
			if s == nil {
				http.NotFound(w, r)
				return
			}
			s.ServeHTTP(w, r)
		}))
	})
	return sinks.server
}

func newSink(t *testing.T) (*sink, string) {
	t.Helper()
	s, path := &sink{status: http.StatusOK}, "/"+strings.ReplaceAll(t.Name(), "/", "-")
	sinks.mu.Lock()
	defer sinks.mu.Unlock()
	sinks.paths[path] = s
	return s, path
}

func newAlerts(t testing.TB, d *db.DB, q *queue.Queue, clock func() time.Time) *alert.Alerts {
	t.Helper()
	client, err := fetch.New(fetch.Options{Allow: []string{sinkServer().Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	a, err := alert.New(alert.Options{
		DB: d, Queue: q, Fetch: client, Box: seal.NewBox(filepath.Join(t.TempDir(), "key")), Now: clock, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Plan: func() (*handoff.Plan, int) { return handoff.DefaultPlan(), 1 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *site) runQueue() {
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.queue.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
}

// deliveries asks until a delivery is in a state.
func (s *site) deliveries(state string) api.DeliveryItem {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for {
		var all api.Page[api.DeliveryItem]
		s.ok("GET", "/api/v1/deliveries?destination=crm&state="+state, "", &all)
		if len(all.Items) > 0 {
			return all.Items[0]
		}
		select {
		case <-tick.C:
		case <-end:
			s.t.Fatalf("no delivery is %s", state)
		}
	}
}

func TestDestinations_fromMakingToReplay(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.runQueue()
		in, path := newSink(t)
		req := `{"id":"crm","kind":"webhook","address":"` + sinkServer().URL + path + `","types":["handoff.*"],"quiet":"20:00-07:00","zone":"Europe/Berlin"}`
		var made api.MadeDestinationItem
		s.ok("POST", "/api/v1/destinations", req, &made)
		if hook.CheckSecret(made.Secret) != nil || strings.Contains(made.Address, path) || made.Quiet != "20:00-07:00" || !made.Enabled {
			t.Errorf("%+v", made)
		}
		if w := s.call("POST", "/api/v1/destinations", "admin", req); w.Code != http.StatusConflict {
			t.Errorf("twice: %d", w.Code)
		}
		var tested api.TestedItem
		s.ok("POST", "/api/v1/destinations/crm/test", "", &tested)
		if !tested.OK || tested.Status != 200 || len(in.got) != 1 {
			t.Errorf("%+v", tested)
		}
		in.answers(http.StatusGone)
		m := alert.Message{Key: "k", Type: "handoff.assigned", At: lead.At(now), Title: "t"}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.alerts.Send(tx, m) }); err != nil {
			t.Fatal(err)
		}
		dead := s.deliveries("dead")
		var all api.Page[api.DestinationItem]
		s.ok("GET", "/api/v1/destinations", "", &all)
		if len(all.Items) != 1 || all.Items[0].Enabled || all.Items[0].Reason == "" || all.Items[0].TestedAt == nil {
			t.Errorf("%+v", all)
		}
		in.answers(http.StatusOK)
		s.ok("POST", "/api/v1/destinations/crm/enable", "", nil)
		s.ok("POST", "/api/v1/deliveries/"+itoa(dead.ID)+"/replay", "", nil)
		if sent := s.deliveries("sent"); sent.ID != dead.ID || sent.Message != dead.Message || sent.Attempts != 2 {
			t.Errorf("%+v", sent)
		}
		var rotated api.MadeDestinationItem
		s.ok("POST", "/api/v1/destinations/crm/rotate", "", &rotated)
		if rotated.Secret == made.Secret || hook.CheckSecret(rotated.Secret) != nil {
			t.Error("the secret was not replaced")
		}
		s.ok("POST", "/api/v1/destinations/crm/disable", `{"reason":"moving"}`, nil)
		s.ok("DELETE", "/api/v1/destinations/crm", "", nil)
		if w := s.call("POST", "/api/v1/destinations/crm/test", "admin", ""); w.Code != http.StatusNotFound {
			t.Errorf("deleted: %d", w.Code)
		}
	})
}

func itoa(n int64) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func TestDestinations_refusals(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, c := range map[string]struct {
		key, body, code string
		status          int
	}{
		"a reader":     {"read", `{"id":"a","kind":"webhook","address":"https://x.example/"}`, "scope_missing", 403},
		"quiet hours":  {"admin", `{"id":"a","kind":"webhook","address":"https://x.example/","quiet":"8pm-7am"}`, "bad_quiet", 422},
		"more than 24": {"admin", `{"id":"a","kind":"webhook","address":"https://x.example/","quiet":"25:00-07:00"}`, "bad_quiet", 422},
		"a type":       {"admin", `{"id":"a","kind":"webhook","address":"https://x.example/","types":["lead.made"]}`, "bad_types", 422},
		"no mail":      {"admin", `{"id":"a","kind":"email","address":"ada@cusp.example"}`, "no_mail_server", 422},
		"a person":     {"admin", `{"id":"owner","kind":"webhook","address":"https://x.example/"}`, "bad_id", 422},
	} {
		w := s.call("POST", "/api/v1/destinations", c.key, c.body)
		if p := problem(t, w); w.Code != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// line is a stream as a client reads it.
type line struct {
	*bufio.Scanner
	status int
	header http.Header
}

// listen opens the stream over a real connection.
func (s *site) listen(server *httptest.Server, key, last string) line {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, server.URL+"/api/v1/events/stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.keys[key])
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = res.Body.Close() })
	return line{bufio.NewScanner(res.Body), res.StatusCode, res.Header}
}

// event reads the next event of a stream: its fields.
func event(in line) map[string]string {
	e := map[string]string{}
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), ": ")
		if in.Text() == "" && e["event"] != "" {
			return e
		}
		e[name] = value
	}
	return nil
}

func TestStream(t *testing.T) {
	t.Parallel()
	s := open(t)
	server := httptest.NewServer(s.http)
	t.Cleanup(server.Close) // after the streams were closed
	in := s.listen(server, "read", "")
	if in.status != http.StatusOK || in.header.Get("Content-Type") != "text/event-stream" || in.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", in.status, in.header)
	}
	if !in.Scan() || in.Text() != "retry: 3000" {
		t.Fatalf("began with %q", in.Text())
	}
	feed := s.alerts.Feed()
	feed.Publish("decision", []byte(`{"person":"per_1"}`))
	first := event(in)
	if first["event"] != "decision" || first["data"] != `{"person":"per_1"}` || first["id"] == "" {
		t.Errorf("%v", first)
	}
	feed.Publish("handoff", []byte(`{"handoff":7}`))
	again := s.listen(server, "read", first["id"])
	if e := event(again); e["event"] != "handoff" || e["data"] != `{"handoff":7}` {
		t.Errorf("after coming back: %v", e)
	}
	stranger := s.listen(server, "read", "00000000-5")
	if e := event(stranger); e["event"] != "reset" {
		t.Errorf("of another process: %v", e)
	}
	if refused := s.listen(server, "sender", ""); refused.status != http.StatusUnauthorized {
		t.Errorf("a write key: %d", refused.status)
	}
	feed.Close()
	event(in) // what was on its way
	if e := event(in); e != nil {
		t.Errorf("after the end: %v", e)
	}
}

// Nobody needs to read for others to go on: publishing never waits.
func TestStream_aClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := open(t)
	server := httptest.NewServer(s.http)
	t.Cleanup(server.Close)      // after the streams were closed
	s.listen(server, "read", "") // and never reads
	data := []byte(`"` + strings.Repeat("x", 1000) + `"`)
	for range 20000 {
		s.alerts.Feed().Publish("decision", data)
	}
	in := s.listen(server, "read", "")
	in.Scan()
	s.alerts.Feed().Publish("handoff", []byte(`{}`))
	if e := event(in); e["event"] != "handoff" {
		t.Errorf("%v", e)
	}
}
