//go:build webhook

// Package webhook lets a lead travel through a running server and wants every message to arrive: the
// e-mail at a real mail server, the webhook at a receiver that verifies it with the official library of
// Standard Webhooks. tests/webhook/run fetches the library and runs it.
package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cusp/internal/bench"
	"cusp/internal/mail/mailtest"
	"cusp/tests/product"
)

const playbook = `playbook: 1
name: Webhooks
fit:
  criteria:
    - {id: role, needs: [person.title], rules: [{when: 'person.title == "Boss"', points: 10}]}
signals:
  - {id: demo, class: buying, stage: decision, on: {track: Demo}, points: 90, half_life: 30d, track: inbound}
decide: {review: 40, engage: 70, mql: [{level: 1, intent: 25}]}
`

// said is what the receiver makes of a message.
type said struct {
	Port       int
	Secret     string
	ID         string
	Signatures int
	Verified   bool
	Error      string
	Type       string
	Data       struct {
		Event, Email, Owner, State string
		Handoff                    int64
	}
}

type receiver struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "receiver.mjs")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return &receiver{t, in, bufio.NewScanner(out)}
}

// next waits for the receiver's next line.
func (r *receiver) next() (s said) {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatalf("the receiver ended: %v", r.out.Err())
	}
	if err := json.Unmarshal(r.out.Bytes(), &s); err != nil {
		r.t.Fatalf("%s: %v", r.out.Bytes(), err)
	}
	return s
}

func (r *receiver) use(secret string) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r.in, "{\"secret\":%q}\n", secret); err != nil || r.next().Secret != "set" {
		r.t.Fatalf("secret: %v", err)
	}
}

func send(t *testing.T, addr, key, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/v1/") {
		req.SetBasicAuth(key, "")
	} else {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: %s %s", path, res.Status, text)
	}
}

func TestALeadIsToldOfEverywhere(t *testing.T) {
	sink := mailtest.Start(t)
	hooks := startReceiver(t)
	host := "127.0.0.1:" + strconv.Itoa(hooks.next().Port)
	t.Setenv("CUSP_SMTP_HOST", sink.Host)
	t.Setenv("CUSP_SMTP_PORT", strconv.Itoa(sink.Port))
	t.Setenv("CUSP_SMTP_SECURITY", "none")
	t.Setenv("CUSP_SMTP_FROM", "Cusp <alerts@cusp.example>")
	t.Setenv("CUSP_OUTGOING_ALLOW", host)

	bin, dir := product.Build(t), t.TempDir()
	file, dsn := filepath.Join(dir, "playbook.yaml"), filepath.Join(dir, "cusp.db")
	if err := os.WriteFile(file, []byte(playbook), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		t.Helper()
		return product.Run(t, bin, append(args, "--db", dsn, "--json")...)
	}
	run("user", "add", "ada@cusp.example", "--name", "Ada", "--role", "rep", "--zone", "Europe/Berlin")
	run("team", "add", "sales", "--name", "Sales")
	run("team", "member", "sales", "ada@cusp.example")
	srv, err := bench.StartServer(t.Context(), bin, dsn, file)
	if err != nil {
		t.Fatal(err)
	}
	made := decode(t, run("destination", "create", "crm", "--kind", "webhook", "--address", "http://"+host+"/cusp", "--types", "handoff.*"))
	hooks.use(made["secret"].(string))
	run("destination", "test", "crm")
	if s := hooks.next(); !s.Verified || s.Type != "test" {
		t.Fatalf("the test: %+v", s)
	}

	send(t, srv.Addr, srv.Key, "/v1/identify", `{"userId":"u1","messageId":"m1","traits":{"email":"jo@northdock.example","name":"Jo Noor","title":"Boss"}}`)
	send(t, srv.Addr, srv.Key, "/v1/track", `{"userId":"u1","messageId":"m2","event":"Demo"}`)
	assigned := hooks.next()
	if !assigned.Verified || assigned.Type != "handoff.assigned" || assigned.Data.Email != "jo@northdock.example" ||
		assigned.Data.Owner != "ada@cusp.example" || assigned.Data.Handoff == 0 {
		t.Fatalf("%+v", assigned)
	}
	await(t, func() bool { return len(sink.Mails()) == 1 })
	mail := sink.Mails()[0]
	if mail.To[0] != "ada@cusp.example" || mail.Header.Get("Subject") != "Jo Noor (northdock.example) asks to talk to sales" {
		t.Errorf("mail to %v: %s", mail.To, mail.Header.Get("Subject"))
	}

	rotated := decode(t, run("destination", "rotate", "crm"))
	key := decode(t, run("key", "create", "--kind", "api", "--name", "crm"))
	send(t, srv.Addr, key["key"].(string), fmt.Sprintf("/api/v1/handoffs/%d/accept", assigned.Data.Handoff), `{"as":"ada@cusp.example"}`)
	answered := hooks.next() // still verified with the first secret
	if !answered.Verified || answered.Type != "handoff.answered" || answered.Signatures != 2 {
		t.Errorf("with the replaced secret: %+v", answered)
	}
	hooks.use(rotated["secret"].(string))
	run("destination", "test", "crm")
	if s := hooks.next(); !s.Verified {
		t.Errorf("with the new secret: %+v", s)
	}
	hooks.use("whsec_" + strings.Repeat("QUFB", 8))
	if out, err := exec.CommandContext(t.Context(), bin, "destination", "test", "crm", "--db", dsn).CombinedOutput(); err == nil {
		t.Errorf("a receiver that does not verify: %s", out)
	}
	if s := hooks.next(); s.Verified {
		t.Error("verified with a foreign secret")
	}
	deliveries := string(run("destination", "deliveries"))
	if strings.Count(deliveries, `"state": "sent"`) != 3 || strings.Contains(deliveries, `"dead"`) {
		t.Errorf("deliveries: %s", deliveries)
	}
	if err := srv.Stop(); err != nil {
		t.Error(err)
	}
	database, err := os.ReadFile(dsn)
	if err != nil || bytes.Contains(database, []byte(made["secret"].(string)[6:])) || bytes.Contains(database, []byte(host+"/cusp")) {
		t.Errorf("the database holds a secret in the clear (%v)", err)
	}
}

func decode(t *testing.T, text []byte) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not happen")
		}
	}
}
