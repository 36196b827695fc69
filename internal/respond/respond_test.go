package respond_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/ingest/table"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

// bearer authenticates by the word after Bearer: the name of a scope, or "write" keys.
func bearer(r *http.Request) (access.Principal, error) {
	switch word := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); word {
	case "":
		return access.Principal{}, nil
	case "writekey":
		return access.Principal{Kind: access.Write, ID: 3}, nil
	case "unknown":
		return access.Principal{}, fault.New(fault.Unauthentic, "this key is not known")
	default:
		return access.Principal{Kind: access.API, ID: 4, Scopes: []access.Scope{access.Scope(word)}}, nil
	}
}

// bench is a router with one route of each sort, and what it logs.
func bench(t *testing.T) (http.Handler, *bytes.Buffer) {
	t.Helper()
	logged := &bytes.Buffer{}
	rt := respond.NewRouter(bearer)
	rt.Handle("GET /api/v1/things/{id}", access.ReadLeads, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		respond.JSON(w, http.StatusOK, map[string]string{"id": r.PathValue("id"), "who": access.From(r.Context()).String()})
	}))
	rt.Handle("POST /api/v1/things", access.MergeLeads, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond.JSON(w, http.StatusCreated, map[string]bool{"done": true})
	}))
	rt.Handle("GET /api/v1/broken", access.ReadLeads, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		respond.Fail(w, r, fmt.Errorf("read leads: %w", errors.New("password=hunter2 in /var/lib/x.db")))
	}))
	rt.Handle("GET /api/v1/panic", access.ReadLeads, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("secret hunter2")
	}))
	rt.HandleOwn("POST /v1/track", access.SendEvents, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond.JSON(w, http.StatusOK, map[string]bool{"success": true})
	}))
	return rt.Handler(respond.Chain{Log: slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))}), logged
}

func TestRouter_answers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, key string
		header                  map[string]string
		status                  int
		code                    string
	}{
		{"allowed", "GET", "/api/v1/things/7", "read", nil, 200, ""},
		{"head", "HEAD", "/api/v1/things/7", "read", nil, 200, ""},
		{"encoded", "GET", "/api/v1/things/a%2Fb%40c.example", "read", nil, 200, ""},
		{"anonymous", "GET", "/api/v1/things/7", "", nil, 401, "unauthenticated"},
		{"unknown key", "GET", "/api/v1/things/7", "unknown", nil, 401, "unauthenticated"},
		{"write key", "GET", "/api/v1/things/7", "writekey", nil, 401, "write_key_reads_nothing"},
		{"scope too weak", "POST", "/api/v1/things", "read", nil, 403, "scope_missing"},
		{"other origin", "POST", "/api/v1/things", "admin", map[string]string{"Origin": "https://evil.example"}, 403, "cross_origin"},
		{"other site", "POST", "/api/v1/things", "admin", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "cross_origin"},
		{"tracking from other origin", "POST", "/v1/track", "", map[string]string{"Origin": "https://shop.example"}, 200, ""},
		{"no route", "GET", "/api/v1/nothing", "admin", nil, 404, "no_route"},
		{"climbing", "GET", "/v1/../admin", "", nil, 404, "no_route"},
		{"climbing encoded", "GET", "/v1/%2e%2e/admin", "", nil, 404, "no_route"},
		{"double slash", "GET", "//v1/track", "", nil, 404, "no_route"},
		{"wrong method", "DELETE", "/api/v1/things/7", "admin", nil, 405, "method_not_allowed"},
		{"trace", "TRACE", "/api/v1/things/7", "admin", nil, 405, "method_not_allowed"},
		{"override ignored", "GET", "/api/v1/things/7", "read", map[string]string{"X-HTTP-Method-Override": "DELETE"}, 200, ""},
		{"internal", "GET", "/api/v1/broken", "read", nil, 500, "internal"},
		{"panic", "GET", "/api/v1/panic", "read", nil, 500, "internal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h, _ := bench(t)
			r := httptest.NewRequestWithContext(t.Context(), tc.method, "http://cusp.example"+tc.path, nil)
			if tc.key != "" {
				r.Header.Set("Authorization", "Bearer "+tc.key)
			}
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Fatalf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
			wantHeaders(t, w)
			if tc.status < 400 {
				return
			}
			var p respond.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if p.Status != tc.status || p.Code != tc.code || p.RequestID == "" || p.Detail == "" {
				t.Errorf("problem %+v", p)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
		})
	}
}

func wantHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w.Header().Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("unexpected %s", name)
		}
	}
}

func TestFail_keepsTheCauseForTheLog(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/v1/broken", "/api/v1/panic"} {
		h, logged := bench(t)
		r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
		r.Header.Set("Authorization", "Bearer read")
		r.Header.Set("X-Request-Id", "caller-chose-1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), ".go") {
			t.Errorf("%s shows internals: %s", path, w.Body)
		}
		if !strings.Contains(logged.String(), "hunter2") || !strings.Contains(logged.String(), "caller-chose-1") {
			t.Errorf("%s: the log does not have the cause with the request id: %s", path, logged)
		}
	}
}

func TestLog_hasRouteButNoPath(t *testing.T) {
	t.Parallel()
	h, logged := bench(t)
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/things/ada%40acme.example?q=bob@acme.example", nil)
	r.Header.Set("Authorization", "Bearer read")
	r.Header.Set("X-Request-Id", "<script>alert(1)</script>")
	h.ServeHTTP(httptest.NewRecorder(), r)
	for _, planted := range []string{"acme.example", "script", "Bearer"} {
		if strings.Contains(logged.String(), planted) {
			t.Errorf("the log holds %q: %s", planted, logged)
		}
	}
	if !strings.Contains(logged.String(), "GET /api/v1/things/{id}") {
		t.Errorf("the log does not name the route: %s", logged)
	}
}

func TestProblemOf_everyKindHasItsStatus(t *testing.T) {
	t.Parallel()
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		p := respond.ProblemOf(fmt.Errorf("outer: %w", fault.New(k, "what happened").WithHint("do this").WithCause(errors.New("cause"))), "id")
		if p.Status != k.Status() {
			t.Errorf("%s: status %d", k, p.Status)
		}
		if strings.Contains(fmt.Sprintf("%+v", p), "cause") {
			t.Errorf("%s shows its cause: %+v", k, p)
		}
		if retry := p.GetHeaders().Get("Retry-After") != ""; retry != k.Retry() {
			t.Errorf("%s: Retry-After is set: %v", k, retry)
		}
	}
	found := fault.Problems{{Code: "unknown_key", File: "p.yaml", Line: 3, Column: 5, Message: "m"}}
	if p := respond.ProblemOf(found, ""); p.Status != 422 || len(p.Problems) != 1 {
		t.Errorf("problems: %+v", p)
	}
}

func TestCSV_attackCases(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cell any
		want string
	}{
		{"X14 space", " =1+1", "' =1+1"},
		{"X14 tab", "\t=1", "'\t=1"},
		{"X14 no-break space", "\u00a0=1", "'\u00a0=1"},
		{"X14 full width", "\uff1d1", "'\uff1d1"},
		{"X14 nul", "\u0000=1", "'\u0000=1"},
		{"X15 second line", "ok\n=1+1", "ok\n'=1+1"},
		{"X16 number", -5, "-5"},
		{"X16 fraction", -5.25, "-5.25"},
		{"number as JSON", json.Number("-7"), "-7"},
		{"text that is a number", "-5", "'-5"},
		{"instant", lead.At(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)), "2026-05-01T00:00:00Z"},
		{"no instant", lead.Instant(0), ""},
		{"nothing", nil, ""},
		{"no text", (*string)(nil), ""},
		{"truth", true, "true"},
		{"list", []string{"a"}, `["a"]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := csvCell(t, tc.cell); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// csvCell writes one cell and reads it back as a spreadsheet would.
func csvCell(t interface{ Fatal(...any) }, cell any) string {
	var b bytes.Buffer
	c, err := respond.NewCSV(&b, "cell", "end")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Row(cell, "end"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1][0]
}

// X17: our own export imports again without loss. (A carriage return before a line feed is the reader's
// to normalise.)
func TestCSV_roundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(rapid.String().Draw(t, "text"), "\r", "")
		if got := table.Unguard(csvCell(t, text)); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

func TestNDJSON_streamsLinesAndBreaksOffOnError(t *testing.T) {
	t.Parallel()
	rt := respond.NewRouter(bearer)
	stream := func(fail error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			s := respond.NewNDJSON(w)
			var err error
			for i := 0; i < 5000 && err == nil; i++ {
				err = s.Write(map[string]any{"i": i, "html": "<b>"})
			}
			s.Close(errors.Join(err, fail))
		})
	}
	rt.Handle("GET /whole", access.ProbeHealth, stream(nil))
	rt.Handle("GET /torn", access.ProbeHealth, stream(errors.New("disk")))
	srv := httptest.NewServer(rt.Handler(respond.Chain{Log: slog.New(slog.DiscardHandler)}))
	defer srv.Close()
	if lines, err := lines(t, srv.URL+"/whole"); lines != 5000 || err != nil {
		t.Errorf("whole: %d lines, %v", lines, err)
	}
	if _, err := lines(t, srv.URL+"/torn"); err == nil {
		t.Error("a torn stream looks whole")
	}
}

func lines(t *testing.T, url string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return bytes.Count(body, []byte("\n")), err
}

// A45: a header of a megabyte is refused. (A46, a header that never ends, is ReadHeaderTimeout's.)
func TestServer_refusesHugeHeaders(t *testing.T) {
	t.Parallel()
	rt := respond.NewRouter(bearer)
	rt.Handle("GET /healthz", access.ProbeHealth, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond.JSON(w, http.StatusOK, "ok")
	}))
	log := slog.New(slog.DiscardHandler)
	srv := respond.NewServer(rt.Handler(respond.Chain{Log: log}), log)
	if srv.ReadHeaderTimeout <= 0 || srv.ReadHeaderTimeout > 10*time.Second {
		t.Errorf("headers may take %s", srv.ReadHeaderTimeout)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, _ = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", 1<<20))
	}()
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("HTTP/1.1 431", string(answer)); diff != "" {
		t.Error(diff)
	}
}
