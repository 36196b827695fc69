package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cusp/internal/access"
	"cusp/internal/app"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
)

func options(dsn string) app.Options {
	return app.Options{DB: dsn, Addr: "127.0.0.1:0", Metrics: true, Log: slog.New(slog.DiscardHandler), Now: time.Now, Version: "test"}
}

// both runs fn with the address of an empty database on each engine.
func both(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, dbtest.DSN(t, dialect))
		})
	}
}

// start serves until the returned function is called, which answers how it ended.
func start(t *testing.T, a *app.App) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- a.Serve(ctx, func(addr net.Addr) { ready <- addr }) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	select {
	case addr := <-ready:
		return "http://" + addr.String(), stop
	case err := <-ended:
		t.Fatal(err)
	}
	return "", nil
}

func get(t *testing.T, c *http.Client, url, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestApp_servesStopsAndStartsAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, dsn string) {
		for round := range 2 {
			a, err := app.Open(t.Context(), options(dsn))
			if err != nil {
				t.Fatal(err)
			}
			url, stop := start(t, a)
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/openapi.json"} {
				if status, body := get(t, http.DefaultClient, url+path, ""); status != http.StatusOK {
					t.Errorf("round %d, %s: %d %s", round, path, status, body)
				}
			}
			if status, _ := get(t, http.DefaultClient, url+"/api/v1/status", ""); status != http.StatusUnauthorized {
				t.Errorf("status without a key: %d", status)
			}
			if err := stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Errorf("close again: %v", err)
			}
		}
	})
}

func TestApp_trackingGoesThroughTheSameDoor(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, dsn string) {
		a, err := app.Open(t.Context(), options(dsn))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		_, write, err := a.Keys().Create(t.Context(), access.NewKey{Kind: access.Write, Name: "w"})
		if err != nil {
			t.Fatal(err)
		}
		_, api, err := a.Keys().Create(t.Context(), access.NewKey{Kind: access.API, Name: "a", Scopes: []access.Scope{access.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		url, _ := start(t, a)
		if status := track(t, url, write); status != http.StatusOK {
			t.Errorf("track: %d", status)
		}
		if status := track(t, url, api); status != http.StatusUnauthorized {
			t.Errorf("track with an API key: %d", status)
		}
		status, body := get(t, http.DefaultClient, url+"/api/v1/sources", api)
		if status != http.StatusOK || !strings.Contains(body, `"accepted":1`) {
			t.Errorf("sources: %d %s", status, body)
		}
		_, metrics := get(t, http.DefaultClient, url+"/metrics", "")
		for _, want := range []string{`cusp_ingest_events_total{outcome="accepted",source="3"} 1`, `route="tracking"`, `route="GET /api/v1/sources"`} {
			if !strings.Contains(metrics, want) {
				t.Errorf("metrics lack %s", want)
			}
		}
	})
}

func track(t *testing.T, url, key string) int {
	t.Helper()
	body := `{"type":"page","userId":"u1","messageId":"m1","properties":{"path":"/pricing"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/page", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key, "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// What X-Forwarded-For says of the visitor counts only when a proxy of ours says it.
func TestApp_onlyListedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]string{"127.0.0.1/32": "198.51.100.7", "192.0.2.0/24": "127.0.0.1"} {
		o := options(filepath.Join(t.TempDir(), "cusp.db"))
		o.Proxies = []netip.Prefix{netip.MustParsePrefix(proxies)}
		a, err := app.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		_, key, err := a.Keys().Create(t.Context(), access.NewKey{Kind: access.Write, Name: "w"})
		if err != nil {
			t.Fatal(err)
		}
		_, reader, err := a.Keys().Create(t.Context(), access.NewKey{Kind: access.API, Name: "a", Scopes: []access.Scope{access.ScopeAdmin}})
		if err != nil {
			t.Fatal(err)
		}
		url, _ := start(t, a)
		body := `{"userId":"u1","event":"Seen","context":{"direct":true}}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/track", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(key, "")
		req.Header.Set("X-Forwarded-For", "203.0.113.5, 198.51.100.7")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if _, events := get(t, http.DefaultClient, url+"/api/v1/events/export", reader); !strings.Contains(events, `"ip":"`+want+`"`) {
			t.Errorf("with %s: %s, want the address %s", proxies, events, want)
		}
	}
}

var attemptKeys = db.SQL("test.attemptKeys", `select key from access_attempt where key like 'from:%' order by key`)

// Z34: failed sign-ins count against the true peer, whatever it writes into its headers.
func TestApp_signInIsLimitedByTheTruePeer(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]string{"127.0.0.1/32": "from:198.51.100.0 from:198.51.100.1", "192.0.2.0/24": "from:127.0.0.1"} {
		o := options(filepath.Join(t.TempDir(), "cusp.db"))
		o.Proxies = []netip.Prefix{netip.MustParsePrefix(proxies)}
		a, err := app.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		url, _ := start(t, a)
		for i := range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/session", strings.NewReader(`{"email":"a@x.example","password":"wrong wrong wrong"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("sign-in: %d", res.StatusCode)
			}
		}
		var keys []string
		err = a.DB().Read(t.Context(), func(tx *db.Tx) error {
			return tx.Query(attemptKeys, nil, func(rows *sql.Rows) error {
				var key string
				err := rows.Scan(&key)
				keys = append(keys, key)
				return err
			})
		})
		if got := strings.Join(keys, " "); err != nil || got != want {
			t.Errorf("with %s, attempts count against %q, want %q (%v)", proxies, got, want, err)
		}
	}
}

func TestApp_aFileHasOneOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cusp.db")
	a, err := app.Open(t.Context(), options(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), options(path)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second owner: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), options(link)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second owner by another name: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := app.Open(t.Context(), options(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// Over the socket one acts as the owner; what a crash left lying there does no harm, and a path that is
// too long for a socket finds another place.
func TestApp_socket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"short": "d", "long": strings.Repeat("deep-", 40)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), dir)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			database := filepath.Join(folder, "cusp.db")
			socket, err := app.SocketPath(database)
			if err != nil {
				t.Fatal(err)
			}
			if name == "short" && len(socket) < 100 {
				if err := os.WriteFile(socket, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			a, err := app.Open(t.Context(), options(database))
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			start(t, a)
			info, err := os.Stat(socket)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("socket: %v %v", info, err)
			}
			c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", socket)
			}}}
			defer c.CloseIdleConnections()
			status, body := get(t, c, "http://cusp/api/v1/keys", "")
			var page struct{ Items []any }
			if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
				t.Errorf("over the socket: %d %s", status, body)
			}
		})
	}
}

func TestApp_addressInUseIsSaidClearly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := options(filepath.Join(t.TempDir(), "cusp.db"))
	o.Addr = l.Addr().String()
	a, err := app.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = a.Serve(t.Context(), func(net.Addr) { t.Error("it says that it is ready") })
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), o.Addr) {
		t.Errorf("serve: %v", err)
	}
}
