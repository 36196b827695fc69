// Package mailtest runs Mailpit, a real mail server that keeps what it gets, for tests.
//
// The server is built once from the module in tests/tools and kept in the user's cache; CUSP_TEST_MAILPIT
// names a program that is there already. Begin reading at [Start].
package mailtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// version is that of tests/tools/go.mod; a test holds them together.
const version = "v1.27.11"

// Sink is a mail server. Its chaos makes it refuse what it would otherwise take.
type Sink struct {
	t    testing.TB
	Host string
	Port int
	api  string
}

// Start runs a server until the test ends.
func Start(t testing.TB, options ...string) *Sink {
	t.Helper()
	bin := program(t)
	smtp, api := freePort(t), freePort(t)
	s := &Sink{t: t, Host: "127.0.0.1", Port: smtp, api: fmt.Sprintf("http://127.0.0.1:%d", api)}
	args := append([]string{
		"--smtp", fmt.Sprintf("127.0.0.1:%d", smtp), "--listen", fmt.Sprintf("127.0.0.1:%d", api),
		"--database", filepath.Join(t.TempDir(), "mail.db"), "--disable-version-check", "--smtp-disable-rdns",
		"--enable-chaos",
	}, options...)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed, which is an error
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("mailpit said: %s", log.String())
		}
	})
	s.awaitReady(t.Context())
	return s
}

// awaitReady asks until both ports answer.
func (s *Sink) awaitReady(ctx context.Context) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
		if err == nil {
			_ = conn.Close()
			if err = s.try(ctx, http.MethodGet, "/readyz", nil, nil); err == nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("mailpit does not answer: %v", err)
		case <-tick.C:
		}
	}
}

// Mail is a message as the server got it.
type Mail struct {
	From   string   // envelope
	To     []string // envelope
	Header mail.Header
	Raw    string
}

// Mails are all messages, the oldest first.
func (s *Sink) Mails() []Mail {
	s.t.Helper()
	var list struct {
		Messages []struct{ ID string }
	}
	s.call(http.MethodGet, "/api/v1/messages?limit=1000", nil, &list)
	all := make([]Mail, 0, len(list.Messages))
	for _, message := range slices.Backward(list.Messages) {
		id := message.ID
		var raw bytes.Buffer
		s.call(http.MethodGet, "/api/v1/message/"+id+"/raw", nil, &raw)
		parsed, err := mail.ReadMessage(bytes.NewReader(raw.Bytes()))
		if err != nil {
			s.t.Fatalf("read what mailpit got: %v", err)
		}
		m := Mail{Header: parsed.Header, Raw: raw.String(), From: parsed.Header.Get("Return-Path")}
		m.To = s.recipients(id)
		all = append(all, m)
	}
	return all
}

// recipients are all who were named in the envelope: those of the header, and the hidden ones.
func (s *Sink) recipients(id string) []string {
	var m struct{ To, Cc, Bcc []struct{ Address string } }
	s.call(http.MethodGet, "/api/v1/message/"+id, nil, &m)
	var all []string
	for _, list := range [][]struct{ Address string }{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			all = append(all, a.Address)
		}
	}
	return all
}

// Refuse makes the server answer every recipient with a code, or none with 0.
func (s *Sink) Refuse(code int) {
	s.t.Helper()
	type trigger struct{ ErrorCode, Probability int }
	set := trigger{451, 0}
	if code != 0 {
		set = trigger{code, 100}
	}
	s.call(http.MethodPut, "/api/v1/chaos", map[string]trigger{"Recipient": set}, nil)
}

func (s *Sink) call(method, path string, in, out any) {
	s.t.Helper()
	if err := s.try(s.t.Context(), method, path, in, out); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Sink) try(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.api+path, body)
	if err != nil {
		return err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %s %w", method, path, res.Status, text, err)
	}
	switch out := out.(type) {
	case nil:
	case *bytes.Buffer:
		_, _ = out.Write(text)
	default:
		return json.Unmarshal(text, out)
	}
	return nil
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

var building sync.Mutex

// program is the path of the server, which is built when it is not there.
func program(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CUSP_TEST_MAILPIT"); path != "" { //nolint:forbidigo // the settings of tests
		return path
	}
	building.Lock()
	defer building.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "cusp-test-tools", "mailpit-"+version)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	building := fmt.Sprintf("%s.%d", path, os.Getpid())
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", building, "github.com/axllent/mailpit")
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "tests", "tools")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build mailpit, or name one with CUSP_TEST_MAILPIT: %v\n%s", err, out)
	}
	if err := os.Rename(building, path); err != nil {
		t.Fatal(err)
	}
	return path
}
