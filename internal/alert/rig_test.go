package alert_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/fetch"
	"cusp/internal/handoff"
	"cusp/internal/lead"
	"cusp/internal/mail"
	"cusp/internal/queue"
	"cusp/internal/seal"
)

// noon is a Monday.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// hands is a clock that the test sets.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hands) set(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
}

// rig is the alerts on a database with a running queue.
type rig struct {
	*testing.T
	*alert.Alerts
	d     *db.DB
	clock *hands
	plan  *handoff.Plan

	mu      sync.Mutex
	answers []handoff.Answer
}

func newRig(t *testing.T, d *db.DB, change ...func(o *alert.Options)) *rig {
	t.Helper()
	r := &rig{T: t, d: d, clock: &hands{at: noon}, plan: handoff.DefaultPlan()}
	q := queue.New(d, queue.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: r.clock.now, Elapsed: func() time.Duration { return r.clock.now().Sub(noon) }})
	o := alert.Options{
		DB: d, Queue: q, Box: seal.NewBox(filepath.Join(t.TempDir(), "key")), Now: r.clock.now, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler), PublicURL: "https://cusp.example", SlackSecret: "8f742231b10e8888abcd99yyyzzz85a5",
		Plan: func() (*handoff.Plan, int) { return r.plan, 1 },
		Zone: func(*db.Tx, string) (string, error) { return "Europe/Berlin", nil },
		User: func(_ context.Context, email string) (access.Principal, error) {
			if email != "ada@cusp.example" {
				return access.Principal{}, fault.New(fault.NotFound, "there is no user %q", email)
			}
			return access.Principal{Kind: access.User, Name: email, Role: access.RoleRep}, nil
		},
		Answer: r.answer,
	}
	for _, f := range change {
		f(&o)
	}
	if o.Fetch == nil {
		o.Fetch = client(t)
	}
	var err error
	if r.Alerts, err = alert.New(o); err != nil {
		t.Fatal(err)
	}
	if err := q.Handle("test.wake", queue.Policy{}, func(context.Context, *queue.Claim) error { return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("queue: %v", err)
		}
	})
	return r
}

// set lets time pass. The queue sleeps by the real clock, so it is woken with a job that was due long ago.
func (r *rig) set(at time.Time) {
	r.Helper()
	r.clock.set(at)
	err := r.d.Write(r.Context(), func(tx *db.Tx) error {
		_, err := queue.Enqueue(tx, queue.Job{Kind: "test.wake", Key: at.String(), RunAt: lead.At(noon.Add(-time.Hour))})
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) answer(_ context.Context, id handoff.ID, a handoff.Answer, by access.Principal) (handoff.Handoff, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id != 7 {
		return handoff.Handoff{}, fault.New(fault.Conflict, "Grace was first")
	}
	r.answers = append(r.answers, a)
	h := lead7()
	h.Owner, h.State, h.Reason = "ada@cusp.example", handoff.Accepted, a.Reason
	if a.Action == handoff.Reject {
		h.State = handoff.Rejected
	}
	return h, nil
}

// client reaches the servers of tests only.
func client(t testing.TB, servers ...*httptest.Server) *fetch.Client {
	t.Helper()
	o := fetch.Options{Timeout: 5 * time.Second}
	for _, s := range servers {
		o.Allow = append(o.Allow, s.Listener.Addr().String())
	}
	c, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func reaching(t testing.TB, servers ...*httptest.Server) func(o *alert.Options) {
	return func(o *alert.Options) { o.Fetch = client(t, servers...) }
}

func mailing(t testing.TB, host string, port int) func(o *alert.Options) {
	t.Helper()
	s, err := mail.New(mail.Config{Host: host, Port: port, Security: mail.None, From: "Cusp <alerts@cusp.example>"})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *alert.Options) { o.Mail = s }
}

func (r *rig) create(n alert.NewDestination) string {
	r.Helper()
	_, secret, err := r.Create(r.Context(), n)
	if err != nil {
		r.Fatal(err)
	}
	return secret
}

func (r *rig) send(m alert.Message) {
	r.Helper()
	if err := r.d.Write(r.Context(), func(tx *db.Tx) error { return r.Send(tx, m) }); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) tell(n handoff.Notice) {
	r.Helper()
	if err := r.d.Write(r.Context(), func(tx *db.Tx) error { return r.Tell(tx, n) }); err != nil {
		r.Fatal(err)
	}
}

// await asks until a delivery to a destination looks as it should, and its attempt is over: time that
// passes during an attempt ends its lease.
func (r *rig) await(to string, looks func(d alert.Delivery) bool) alert.Delivery {
	r.Helper()
	var last []alert.Delivery
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for {
		var err error
		if last, err = r.Deliveries(r.Context(), alert.Filter{Destination: to, Limit: 100}); err != nil {
			r.Fatal(err)
		}
		if i := slices.IndexFunc(last, looks); i >= 0 && r.atRest(last[i].Message) {
			return last[i]
		}
		select {
		case <-tick.C:
		case <-end:
			r.Fatalf("deliveries to %q: %+v", to, last)
		}
	}
}

func (r *rig) atRest(key string) bool {
	r.Helper()
	var rec queue.Record
	err := r.d.Read(r.Context(), func(tx *db.Tx) (err error) {
		rec, err = queue.Find(tx, alert.DeliverKind, key)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return rec.State != queue.Running
}

func is(s alert.DeliveryState) func(alert.Delivery) bool {
	return func(d alert.Delivery) bool { return d.State == s }
}

func tried(n int) func(alert.Delivery) bool {
	return func(d alert.Delivery) bool { return d.Attempts >= n }
}

// receiver is a webhook that keeps what it gets and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header http.Header // of the answers
	got    []request
}

type request struct {
	header http.Header
	body   string
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK, header: http.Header{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, request{req.Header.Clone(), string(body)})
		maps.Copy(w.Header(), r.header)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int, header ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.header = status, http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		r.header.Set(header[i], header[i+1])
	}
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// lead7 is a lead who asked for a demo.
func lead7() handoff.Handoff {
	h := handoff.Handoff{
		ID: 7, Person: 41, Account: 3, State: handoff.Open, Track: "inbound", Decision: "engage", Team: "sales",
		Owner: "ada@cusp.example", OpenedAt: lead.At(noon), AssignedAt: lead.At(noon), DueAt: lead.At(noon.Add(5 * time.Minute)), Version: 1,
	}
	h.Facts.Person = map[string]any{"email": "jo@northdock.example", "first_name": "Jo", "last_name": "Noor <b>", "title": "CTO"}
	h.Facts.Account = map[string]any{"name": "Northdock"}
	h.Pack = []byte(`{"why":["Asked for a demo today"],"said":[{"text":"How fast can we start?"}]}`)
	return h
}

func note(on string) handoff.Notice {
	return handoff.Notice{On: on, Key: "7/1/" + on + "/", Handoff: lead7(), At: lead.At(noon)}
}

func message(key string) alert.Message {
	return alert.Message{Key: key, Type: "handoff.assigned", At: lead.At(noon), Title: "Jo is ready", Data: []byte(`{"handoff":7}`)}
}

func webhook(id, url string) alert.NewDestination {
	return alert.NewDestination{ID: id, Kind: alert.Webhook, Address: url, Types: []string{"handoff.*"}}
}

func hasText(s string, parts ...string) string {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return p
		}
	}
	return ""
}
