//go:build sdk

// Package sdk sends events with real, unmodified SDKs to a running server and wants every one of them
// stored exactly once. tests/sdk/run fetches the SDKs and runs it.
package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"cusp/internal/bench"
	"cusp/tests/product"
)

const events = 200

const playbook = `playbook: 1
name: SDK
fit:
  criteria:
    - {id: role, needs: [person.title], rules: [{when: 'person.title == "Boss"', points: 10}]}
signals:
  - {id: pricing, class: evaluation, stage: decision, on: {page: '/pricing*'}, points: 15, half_life: 14d, cap: 80}
  - {id: demo, class: buying, stage: decision, on: {track: Demo}, points: 60, half_life: 30d, track: inbound}
decide: {review: 40, engage: 70, mql: [{level: 1, intent: 25}]}
`

// faulty stands before the server and loses some answers after the server has given them, so that SDKs
// send again what is stored already. Every fourth request suffers.
func faulty(t *testing.T, addr string) *httptest.Server {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if asked.Add(1)%4 != 2 {
			proxy.ServeHTTP(w, q)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), q)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRealSDKs_everyEventIsStoredOnce(t *testing.T) {
	t.Parallel()
	bin := product.Build(t)
	wanted := os.Getenv("CUSP_TEST_SDKS") // tests/sdk/run sets it where Node is missing
	for name, command := range map[string]struct {
		dir  string
		args []string
	}{
		"go":   {"go", []string{"go", "run", "."}},
		"node": {"node", []string{"node", "main.mjs"}},
	} {
		if wanted != "" && !strings.Contains(wanted, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, dsn := filepath.Join(dir, "playbook.yaml"), filepath.Join(dir, "cusp.db")
			if err := os.WriteFile(file, []byte(playbook), 0o600); err != nil {
				t.Fatal(err)
			}
			srv, err := bench.StartServer(t.Context(), bin, dsn, file)
			if err != nil {
				t.Fatal(err)
			}
			send(t.Context(), t, command.dir, append(command.args, faulty(t, srv.Addr).URL, srv.Key, strconv.Itoa(events)))
			check(t, product.Events(t, bin, dsn))
			if err := srv.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func send(ctx context.Context, t *testing.T, dir string, args []string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// check wants the numbers 0 to events-1 once each, under as many message ids.
func check(t *testing.T, stored []product.Event) {
	t.Helper()
	seen, ids := map[int]int{}, map[string]bool{}
	for _, e := range stored {
		ids[e.MessageID] = true
		var line any
		if err := json.Unmarshal(e.Line, &line); err != nil {
			t.Fatal(err)
		}
		if n, ok := number(line); ok {
			seen[n]++
		} else {
			t.Errorf("no number in %s", e.Line)
		}
	}
	for n := range events {
		if seen[n] != 1 {
			t.Errorf("event %d is stored %d times", n, seen[n])
		}
	}
	if len(stored) != events || len(ids) != events {
		t.Errorf("%d events under %d ids are stored, want %d", len(stored), len(ids), events)
	}
}

// number finds the field n that the SDK programs give every event, in traits or properties.
func number(v any) (int, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return 0, false
	}
	if n, ok := object["n"].(float64); ok {
		return int(n), true
	}
	for _, inner := range object {
		if n, ok := number(inner); ok {
			return n, true
		}
	}
	return 0, false
}
