package fetch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cusp/internal/fetch"
)

func TestDo_sendsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, strings.Join([]string{
			r.Method, r.URL.Path, string(body), r.Header.Get("Webhook-Id"), r.UserAgent(), r.Header.Get("Accept-Encoding"), r.Header.Get("Cookie"),
		}, "|"))
	}))
	defer s.Close()
	c := newClient(t, fetch.Options{Allow: []string{s.Listener.Addr().String()}, UserAgent: "Cusp/1"})
	header := http.Header{"Webhook-Id": {"msg_7"}}
	res, err := c.Do(t.Context(), fetch.Request{URL: s.URL + "/hook", Header: header, Body: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST|/hook|hello|msg_7|Cusp/1||"; string(res.Body) != want {
		t.Errorf("got %s, want %s", res.Body, want)
	}
	if res.OK() || res.Status != 429 || res.RetryAfter(time.Now()) != 2*time.Minute || len(header) != 1 {
		t.Errorf("%+v, header %v", res, header)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "-5": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		r := fetch.Response{Header: http.Header{"Retry-After": {text}}}
		if got := r.RetryAfter(now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestNew_refusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for _, o := range []fetch.Options{{Timeout: time.Minute}, {Timeout: -1}, {Allow: []string{"mailpit"}}, {Self: []string{":80"}}} {
		if _, err := fetch.New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "9.255.255.255": true, "11.0.0.0": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true,
		"100.128.0.0": true, "223.255.255.255": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,
		"10.255.255.255": false, "172.16.0.0": false, "100.64.0.0": false, "127.255.255.255": false, "0.0.0.1": false, "224.0.0.0": false,
		"240.0.0.1": false, "::": false, "::1": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "64:ff9b:1::808:808": false,
		"fe80::1": false, "fec0::1": false, "fd00::1": false, "ff0e::1": false, "2001::1": false, "2001:db8::1": false, "2002:808:808::1": false,
		"2606:4700::1111%eth0": false, "192.0.0.170": false, "198.19.0.1": false,
	} {
		if got := fetch.Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"https://example.com/", "http://127.1/", "http://[::ffff:127.0.0.1]:80/", "https://a@b", "http://0x7f000001", "http:/\\1.1.1.1", "https://１.1.1.1"} {
		f.Add(s)
	}
	c, err := fetch.New(fetch.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if c.Check(raw) != nil {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, raw, nil)
		if err != nil {
			t.Fatalf("%q passes and cannot be sent: %v", raw, err)
		}
		if a, err := netip.ParseAddr(req.URL.Hostname()); err == nil && !fetch.Public(a) {
			t.Fatalf("%q passes and is %s", raw, a)
		}
	})
}

// outside are the files that may build clients of their own.
var outside = map[string]string{
	"internal/cli/client.go":             "commands talk to the server that the person at the keyboard names, by socket or address",
	"internal/mail/mailtest/mailtest.go": "tests ask the mail sink that they started on this machine",
	"internal/bench/server.go":           "asks the server that it has started itself",
}

// TestOneClient keeps this package the only one that sends requests, and certificates verified everywhere.
func TestOneClient(t *testing.T) {
	t.Parallel()
	banned := map[string]bool{
		"Client": true, "Transport": true, "DefaultClient": true, "DefaultTransport": true, "Get": true, "Head": true, "Post": true, "PostForm": true,
	}
	root := filepath.Join("..", "..")
	files := 0
	for _, top := range []string{"cmd", "internal", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
				return err
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files++
			rel, _ := filepath.Rel(root, p)
			rel = filepath.ToSlash(rel)
			test := strings.HasSuffix(p, "_test.go")
			ours := strings.HasPrefix(rel, "internal/fetch/") || outside[rel] != "" || test
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "http" && banned[n.Sel.Name] && !ours {
						t.Errorf("%s: http.%s: send requests with package fetch", set.Position(n.Pos()), n.Sel.Name)
					}
				case *ast.Ident:
					if n.Name == "Insecure"+"SkipVerify" {
						t.Errorf("%s: certificates are verified, in tests as well", set.Position(n.Pos()))
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files found: does the search still work?", files)
	}
}
