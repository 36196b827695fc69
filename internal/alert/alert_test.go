package alert_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/alert"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/hook"
	"cusp/internal/lead"
	"cusp/internal/mail/mailtest"
	"cusp/internal/seal"
	"cusp/internal/slack"
	"cusp/internal/slack/slacktest"
)

func TestSend_onceForEachDestination(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		r1, r2 := newReceiver(t), newReceiver(t)
		r := newRig(t, d, reaching(t, r1.Server, r2.Server))
		secret := r.create(webhook("crm", r1.URL+"/in"))
		other := webhook("quiet", r2.URL)
		other.Types = []string{"destination.failing"}
		r.create(other)
		for range 3 { // the same occurrence, told again
			r.send(message("a"))
		}
		r.send(message("b"))
		r.await("crm", func(d alert.Delivery) bool { return d.State == alert.Sent && d.ID == 1 })
		r.await("crm", func(d alert.Delivery) bool { return d.State == alert.Sent && d.ID != 1 })
		got := r1.requests()
		if len(got) != 2 || len(r2.requests()) != 0 {
			t.Fatalf("%d and %d requests", len(got), len(r2.requests()))
		}
		for _, x := range got {
			if err := hook.Verify(secret, x.header, []byte(x.body), noon); err != nil {
				t.Error(err)
			}
			if want := `{"type":"handoff.assigned","timestamp":"2026-05-04T12:00:00Z","data":{"handoff":7}}`; x.body != want {
				t.Errorf("body %s", x.body)
			}
		}
		if got[0].header.Get(hook.HeaderID) == got[1].header.Get(hook.HeaderID) {
			t.Error("two messages have one id")
		}
	})
}

func TestSend_isUndoneWithItsTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		in := newReceiver(t)
		r := newRig(t, d, reaching(t, in.Server))
		r.create(webhook("crm", in.URL))
		undone := errors.New("undone")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := r.Send(tx, message("a")); err != nil {
				return err
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		r.send(message("b"))
		r.await("crm", is(alert.Sent))
		if n := len(in.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestDeliver_triesAgainWithTheSameIDAndANewTime(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	in.answers(http.StatusInternalServerError)
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	secret := r.create(webhook("crm", in.URL))
	r.send(message("a"))
	failed := r.await("crm", tried(1))
	if failed.State != alert.Waiting || failed.Status != 500 || failed.Error == "" {
		t.Errorf("%+v", failed)
	}
	in.answers(http.StatusNoContent)
	later := noon.Add(20 * time.Minute) // longer than the receivers' tolerance
	r.set(later)
	sent := r.await("crm", is(alert.Sent))
	got := in.requests()
	if len(got) < 2 || sent.Attempts != len(got) {
		t.Fatalf("%d requests, %+v", len(got), sent)
	}
	first, last := got[0], got[len(got)-1]
	if first.header.Get(hook.HeaderID) != last.header.Get(hook.HeaderID) || first.body != last.body {
		t.Error("a second attempt says something else")
	}
	if err := hook.Verify(secret, last.header, []byte(last.body), later); err != nil {
		t.Errorf("not stamped anew: %v", err)
	}
	d, err := r.Find(t.Context(), "crm")
	if err != nil || d.LastError != "" || d.Sent != 1 || d.Failed != int64(len(got)-1) || d.LastAt != lead.At(later) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDeliver_waitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	in.answers(http.StatusTooManyRequests, "Retry-After", "7200")
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	r.create(webhook("crm", in.URL))
	r.send(message("a"))
	r.await("crm", tried(1))
	in.answers(http.StatusOK)
	r.set(noon.Add(119 * time.Minute))
	r.send(message("b")) // is not held up: what is asked for is asked for a message
	r.await("crm", is(alert.Sent))
	if n := len(in.requests()); n != 2 {
		t.Fatalf("%d requests before the time", n)
	}
	r.set(noon.Add(121 * time.Minute))
	r.await("crm", func(d alert.Delivery) bool { return d.ID == 1 && d.State == alert.Sent })
}

// The attack case O03.
func TestDeliver_goneSwitchesOff(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		in, ops := newReceiver(t), newReceiver(t)
		in.answers(http.StatusGone)
		r := newRig(t, d, reaching(t, in.Server, ops.Server))
		r.create(webhook("crm", in.URL))
		told := webhook("ops", ops.URL)
		told.Types = []string{"destination.*"}
		r.create(told)
		r.send(message("a"))
		dead := r.await("crm", is(alert.Dead))
		r.await("ops", is(alert.Sent))
		got, err := r.Find(t.Context(), "crm")
		if err != nil || got.Enabled || got.Reason == "" {
			t.Errorf("%+v, %v", got, err)
		}
		r.send(message("b")) // nobody is there to get it
		if n := len(in.requests()); n != 1 || len(ops.requests()) != 1 || !strings.Contains(ops.requests()[0].body, "destination.disabled") {
			t.Errorf("%d requests, ops got %+v", n, ops.requests())
		}
		in.answers(http.StatusOK)
		if _, err := r.Enable(t.Context(), "crm"); err != nil {
			t.Fatal(err)
		}
		if err := r.Replay(t.Context(), dead.ID); err != nil {
			t.Fatal(err)
		}
		r.await("crm", is(alert.Sent))
		if err := r.Replay(t.Context(), dead.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("replay of what was sent: %v", err)
		}
		all := in.requests()
		if len(all) != 2 || all[0].header.Get(hook.HeaderID) != all[1].header.Get(hook.HeaderID) {
			t.Errorf("%+v", all)
		}
	})
}

func TestRotate_bothSecretsSignForADay(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	old := r.create(webhook("crm", in.URL))
	_, fresh, err := r.Rotate(t.Context(), "crm")
	if err != nil || fresh == old {
		t.Fatal(fresh, err)
	}
	verify := func(key string, at time.Time, oldToo bool) {
		r.set(at)
		r.send(message(key))
		r.await("crm", func(d alert.Delivery) bool { return d.State == alert.Sent && d.CreatedAt == lead.At(at) })
		all := in.requests()
		x := all[len(all)-1]
		if err := hook.Verify(fresh, x.header, []byte(x.body), at); err != nil {
			t.Errorf("%s: new secret: %v", key, err)
		}
		if err := hook.Verify(old, x.header, []byte(x.body), at); (err == nil) != oldToo {
			t.Errorf("%s: old secret: %v", key, err)
		}
	}
	verify("a", noon.Add(time.Hour), true)
	verify("b", noon.Add(25*time.Hour), false)
}

// Of ten endpoints one fails always and one hangs: the other eight do not notice.
func TestDeliver_deadEndpointsHoldUpNobody(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		const each = 20
		release := make(chan struct{})
		hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			select {
			case <-release:
			case <-req.Context().Done():
			}
		}))
		defer hanging.Close()
		defer close(release)
		servers := []*httptest.Server{hanging}
		var good []*receiver
		for range 9 {
			in := newReceiver(t)
			servers, good = append(servers, in.Server), append(good, in)
		}
		good[0].answers(http.StatusInternalServerError)
		r := newRig(t, d, reaching(t, servers...))
		for i, s := range servers {
			r.create(webhook("hook-"+strconv.Itoa(i), s.URL))
		}
		for i := range each {
			r.send(message(strconv.Itoa(i)))
		}
		for i := 2; i < 10; i++ { // hook-0 hangs all the while
			to := "hook-" + strconv.Itoa(i)
			r.awaitAll(to, each)
			if n := len(good[i-1].requests()); n != each {
				t.Errorf("%s got %d messages", to, n)
			}
		}
		stuck, err := r.Deliveries(t.Context(), alert.Filter{Destination: "hook-0", Limit: 100})
		if err != nil || len(stuck) != each {
			t.Errorf("%d deliveries hang, %v", len(stuck), err)
		}
	})
}

func (r *rig) awaitAll(to string, n int) {
	r.Helper()
	r.await(to, func(alert.Delivery) bool {
		sent, err := r.Deliveries(r.Context(), alert.Filter{Destination: to, State: alert.Sent, Limit: 1000})
		return err == nil && len(sent) == n
	})
}

func TestTell_reachesTheOwnerByMail(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := newRig(t, dbtest.Open(t, db.SQLite), mailing(t, sink.Host, sink.Port))
	for range 2 {
		r.tell(note("assigned"))
	}
	d := r.await("ada@cusp.example", is(alert.Sent))
	mails := sink.Mails()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	m := mails[0]
	if diff := cmp.Diff([]string{"ada@cusp.example"}, m.To); diff != "" || m.Header.Get("Message-Id") != "<"+d.Message+"@cusp.example>" {
		t.Errorf("%s %s", diff, m.Header.Get("Message-Id"))
	}
	if m.Header.Get("Subject") != "Jo Noor <b> (Northdock) asks to talk to sales" {
		t.Errorf("subject %s", m.Header.Get("Subject"))
	}
	raw := strings.ReplaceAll(strings.ReplaceAll(m.Raw, "=\r\n", ""), "=3D", "=")
	if missing := hasText(raw, "Asked for a demo today", "How fast can we start?", "Mon 4 May 14:05 CEST",
		"https://cusp.example/handoffs/7", "Jo Noor &lt;b&gt;"); missing != "" {
		t.Errorf("%q is missing in %s", missing, raw)
	}
	if strings.Contains(strings.ToLower(raw), "<img") || strings.Contains(raw, "http://") {
		t.Error("the letter loads something")
	}
}

func TestTell_aRefusedAddressIsGivenUp(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	sink.Refuse(550)
	r := newRig(t, dbtest.Open(t, db.SQLite), mailing(t, sink.Host, sink.Port))
	r.tell(note("assigned"))
	d := r.await("ada@cusp.example", is(alert.Dead))
	if d.Attempts != 1 || !strings.Contains(d.Error, "550") {
		t.Errorf("%+v", d)
	}
	sink.Refuse(451)
	r.tell(note("reassigned"))
	if d := r.await("ada@cusp.example", func(d alert.Delivery) bool { return d.Type == "handoff.reassigned" && d.Attempts == 1 }); d.State != alert.Waiting {
		t.Errorf("%+v", d)
	}
	sink.Refuse(0)
	r.set(noon.Add(time.Hour))
	r.await("ada@cusp.example", is(alert.Sent))
}

func TestTell_quietHoursHoldBackAllButRaisedHands(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := newRig(t, dbtest.Open(t, db.SQLite), mailing(t, sink.Host, sink.Port))
	r.plan.Quiet.From, r.plan.Quiet.To = 20*60, 7*60 // in Berlin
	night := time.Date(2026, 5, 4, 19, 30, 0, 0, time.UTC)
	r.set(night)
	nurture := note("assigned")
	nurture.Handoff.Track = "nurture"
	r.tell(nurture)
	r.tell(note("warning")) // of a raised hand
	if d := r.await("ada@cusp.example", is(alert.Sent)); d.Type != "handoff.warning" {
		t.Errorf("%+v", d)
	}
	morning := time.Date(2026, 5, 5, 5, 0, 0, 0, time.UTC)
	held := r.await("ada@cusp.example", is(alert.Waiting))
	if held.NotBefore != lead.At(morning) || held.Attempts != 0 {
		t.Errorf("held until %s, want %s", held.NotBefore, lead.At(morning))
	}
	r.set(morning.Add(time.Second))
	r.await("ada@cusp.example", func(d alert.Delivery) bool { return d.Type == "handoff.assigned" && d.State == alert.Sent })
	if n := len(sink.Mails()); n != 2 {
		t.Errorf("%d mails", n)
	}
}

func TestSlack_messageClickAndReply(t *testing.T) {
	t.Parallel()
	channel, replies := slacktest.New(), newReceiver(t)
	server := httptest.NewServer(channel)
	defer server.Close()
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, server, replies.Server))
	r.create(alert.NewDestination{ID: "sales", Kind: alert.Slack, Address: server.URL + "/services/T/B/x", Types: []string{"handoff.assigned"}})
	if _, err := r.Link(t.Context(), "sales", "U1", "ada@cusp.example"); err != nil {
		t.Fatal(err)
	}
	r.tell(note("assigned"))
	r.await("sales", is(alert.Sent))
	got := channel.Messages()
	if len(got) != 1 || slacktest.Mentions(got[0]) != 0 {
		t.Fatalf("%s, %v", got, channel.Problems())
	}
	if missing := hasText(string(got[0]), `"action_id":"accept.0"`, `"value":"7 sales"`, `"7 sales no_budget"`, "Jo Noor"); missing != "" {
		t.Errorf("%s is missing in %s", missing, got[0])
	}
	click := func(user, action string) {
		payload := `{"type":"block_actions","user":{"id":"` + user + `"},"response_url":"` + replies.URL + `","actions":[` + action + `]}`
		body := "payload=" + url.QueryEscape(payload)
		for range 2 { // Slack, or somebody who listens, sends it again
			req := httptest.NewRequest(http.MethodPost, "/hooks/slack", strings.NewReader(body))
			req.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(noon.Unix(), 10))
			req.Header.Set("X-Slack-Signature", slack.Sign("8f742231b10e8888abcd99yyyzzz85a5", noon, []byte(body)))
			w := httptest.NewRecorder()
			r.SlackHandler(func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), 400) }).ServeHTTP(w, req)
			if w.Code != http.StatusOK || w.Body.Len() > 0 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	}
	click("U1", `{"action_id":"accept.0","value":"7 sales"}`)
	click("U1", `{"action_id":"reject.menu.0","selected_option":{"value":"7 sales price"}}`)
	click("U1", `{"action_id":"accept.0","value":"8 sales"}`)
	click("U2", `{"action_id":"accept.0","value":"7 sales"}`)
	click("U1", `{"action_id":"open.1","value":"x"}`)
	want := []string{"accepted by ada@cusp.example", "rejected by ada@cusp.example (price)", "Grace was first", "destination link sales U2"}
	awaitReplies(t, replies, want)
	if len(r.answers) != 2 || r.answers[0].Action != "accept" || r.answers[1].Action != "reject" || r.answers[1].Reason != "price" {
		t.Errorf("%+v", r.answers)
	}
}

func awaitReplies(t *testing.T, in *receiver, want []string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for len(in.requests()) < len(want) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("only %d replies", len(in.requests()))
		}
	}
	var all strings.Builder
	for _, x := range in.requests() {
		all.WriteString(x.body)
	}
	if missing := hasText(all.String(), want...); missing != "" || len(in.requests()) != len(want) {
		t.Errorf("%q is missing in %d replies: %s", missing, len(in.requests()), all.String())
	}
}

func TestCreate_refusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	for name, change := range map[string]func(n *alert.NewDestination){
		"no id":           func(n *alert.NewDestination) { n.ID = "" },
		"id with a space": func(n *alert.NewDestination) { n.ID = "a b" },
		"id of a person":  func(n *alert.NewDestination) { n.ID = "owner" },
		"name":            func(n *alert.NewDestination) { n.Name = "a\nb" },
		"kind":            func(n *alert.NewDestination) { n.Kind = "pigeon" },
		"scheme":          func(n *alert.NewDestination) { n.Address = "file:///etc/passwd" },
		"private address": func(n *alert.NewDestination) { n.Address = "http://127.0.0.1:22/" },
		"metadata":        func(n *alert.NewDestination) { n.Address = "http://169.254.169.254/latest" },
		"type":            func(n *alert.NewDestination) { n.Types = []string{"handoff.asigned"} },
		"zone":            func(n *alert.NewDestination) { n.Zone = "Mars/Olympus" },
		"quiet":           func(n *alert.NewDestination) { n.Quiet.From = 24 * 60 },
		"people":          func(n *alert.NewDestination) { n.People = map[string]string{"U1": "ada@cusp.example"} },
		"no mail server":  func(n *alert.NewDestination) { n.Kind, n.Address = alert.Email, "ada@cusp.example" },
	} {
		n := webhook("crm", in.URL)
		change(&n)
		if _, _, err := r.Create(t.Context(), n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := webhook("crm", in.URL)
	whole.Zone, whole.Quiet, whole.Types = "Europe/Berlin", alert.Quiet{From: 20 * 60, To: 7 * 60}, []string{"*", "handoff.assigned"}
	r.create(whole)
	if _, _, err := r.Create(t.Context(), whole); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if _, err := r.Find(t.Context(), "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestDestinations_areSealed(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	dir := t.TempDir()
	d := dbtest.Open(t, db.SQLite)
	key := filepath.Join(dir, "key")
	r := newRig(t, d, reaching(t, in.Server), func(o *alert.Options) { o.Box = seal.NewBox(key) })
	secret := r.create(webhook("crm", in.URL+"/very/secret/path"))
	all, err := r.List(t.Context())
	if err != nil || len(all) != 1 || strings.Contains(all[0].Shown, "secret") {
		t.Fatalf("%+v, %v", all, err)
	}
	text := r.dump()
	if strings.Contains(text, "very/secret") || strings.Contains(text, secret) {
		t.Errorf("the database holds a secret: %s", text)
	}
	tested, err := r.Test(t.Context(), "crm")
	if err != nil || !tested.OK || len(in.requests()) != 1 {
		t.Errorf("%+v, %v", tested, err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	lost := newRig(t, d, func(o *alert.Options) { o.Box = seal.NewBox(key) })
	tested, err = lost.Test(t.Context(), "crm")
	if err != nil || tested.OK || !strings.Contains(tested.Error, "key file") {
		t.Errorf("without the key: %+v, %v", tested, err)
	}
}

var dumpDestinations = db.SQL("alert_test.dump", `
	select id || name || shown || sealed || types || people || reason || last_error from destination where id = $1`)

func (r *rig) dump() (text string) {
	r.Helper()
	err := r.d.Read(r.Context(), func(tx *db.Tx) error { return tx.QueryRow(dumpDestinations, []any{"crm"}, &text) })
	if err != nil {
		r.Fatal(err)
	}
	return text
}

func TestDisableAndDelete_callOffWhatWaits(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	in.answers(http.StatusInternalServerError)
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	r.create(webhook("crm", in.URL))
	r.send(message("a"))
	r.await("crm", tried(1))
	if d, err := r.Disable(t.Context(), "crm", "holiday"); err != nil || d.Enabled || d.Reason != "holiday" {
		t.Fatalf("%+v, %v", d, err)
	}
	r.await("crm", is(alert.Cancelled))
	r.set(noon.Add(time.Hour))
	in.answers(http.StatusOK)
	if _, err := r.Enable(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	r.send(message("b"))
	r.await("crm", is(alert.Sent))
	if err := r.Delete(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	r.send(message("c"))
	all, err := r.Deliveries(t.Context(), alert.Filter{Destination: "crm", Limit: 10})
	if err != nil || len(all) != 2 || len(in.requests()) != 2 {
		t.Errorf("%+v, %d requests, %v", all, len(in.requests()), err)
	}
}

func TestTold_isTheContract(t *testing.T) {
	t.Parallel()
	in := newReceiver(t)
	r := newRig(t, dbtest.Open(t, db.SQLite), reaching(t, in.Server))
	r.create(webhook("crm", in.URL))
	w := r.Feed().Watch("")
	r.tell(note("assigned"))
	r.await("crm", is(alert.Sent))
	var got struct{ Data alert.Told }
	if err := json.Unmarshal([]byte(in.requests()[0].body), &got); err != nil {
		t.Fatal(err)
	}
	want := alert.Told{
		Event: "assigned", Handoff: 7, Person: lead.PersonID(41).String(), Email: "jo@northdock.example", Account: lead.AccountID(3).String(),
		State: "open", Decision: "engage", Track: "inbound", Team: "sales", Owner: "ada@cusp.example", OpenedAt: "2026-05-04T12:00:00Z",
		AssignedAt: "2026-05-04T12:00:00Z", DueAt: "2026-05-04T12:05:00Z", Version: 1,
	}
	if diff := cmp.Diff(want, got.Data); diff != "" {
		t.Error(diff)
	}
	if e := <-w.C; e.Type != "handoff" || !strings.Contains(string(e.Data), `"event":"assigned"`) {
		t.Errorf("%+v", e)
	}
}
