package fetch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"cusp/internal/fault"
	"cusp/internal/fetch"
)

// canary listens on one port of IPv4 and IPv6 loopback and counts the connections.
type canary struct {
	port string
	seen atomic.Int64
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, c.port, _ = net.SplitHostPort(l.Addr().String())
	c.serve(t, l)
	if l, err := net.Listen("tcp", "[::1]:"+c.port); err == nil { // a machine may have no IPv6
		c.serve(t, l)
	}
	return c
}

func (c *canary) serve(t *testing.T, l net.Listener) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.seen.Add(1)
			_ = conn.Close()
		}
	}()
}

func newClient(t *testing.T, o fetch.Options) *fetch.Client {
	t.Helper()
	c, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestAttacks_inwardAddresses are U02, U03, U04 and their kin: every spelling of an address that is not
// public is refused as it is entered, and again when it is dialled.
func TestAttacks_inwardAddresses(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	for id, hosts := range map[string][]string{
		"U02": {"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "017700000001", "127.0.0.1", "0.0.0.0", "127.0.0.1.", "0x7f.1"},
		"U03": {"[::1]", "[::ffff:127.0.0.1]", "[::]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"},
		"U04": {"169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "METADATA.google.internal.", "100.100.100.200", "168.63.129.16"},
		"kin": {
			"localhost", "LOCALHOST.", "a.localhost", "db", "printer.local", "10.0.0.1", "172.31.0.1", "192.168.1.1", "[fe80::1]", "[fe80::1%25lo]",
			"224.0.0.1", "255.255.255.255", "[ff02::1]", "[fc00::1]", "１２７.0.0.1", "127。0。0。1", "localhost%00.example.com", "[::127.0.0.1]",
		},
	} {
		for _, host := range hosts {
			t.Run(id+" "+host, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, fetch.Options{Timeout: 2 * time.Second})
				c.OpenPort(trap.port)
				for _, url := range []string{"http://" + host + ":" + trap.port + "/", "http://" + host + "/"} {
					if err := c.Check(url); !fault.Is(err, fault.Invalid) {
						t.Errorf("Check(%s) = %v, want a refusal", url, err)
					}
					if _, err := c.Do(t.Context(), fetch.Request{URL: url}); !fault.Is(err, fault.Invalid) {
						t.Errorf("Do(%s) = %v, want a refusal", url, err)
					}
				}
				if conn, err := c.Connect(t.Context(), net.JoinHostPort(strings.Trim(host, "[]"), trap.port)); err == nil {
					_ = conn.Close()
					t.Errorf("%s was dialled", host)
				}
			})
		}
	}
	t.Cleanup(func() {
		if n := trap.seen.Load(); n != 0 {
			t.Errorf("%d connections reached loopback", n)
		}
	})
}

// names is a name server for one address after another.
type names struct{ addr atomic.Pointer[netip.Addr] }

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.answer(theirs)
		return ours, nil
	}}
}

// answer speaks DNS over a stream: two bytes of length before each message.
func (n *names) answer(conn net.Conn) {
	defer conn.Close()
	var size [2]byte
	for {
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		q := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		a := n.reply(q)
		if _, err := conn.Write(append([]byte{byte(len(a) >> 8), byte(len(a))}, a...)); err != nil {
			return
		}
	}
}

func (n *names) reply(q []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(q); err != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	question := m.Questions[0]
	head := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 1}
	addr := n.addr.Load()
	switch {
	case addr == nil:
		m.RCode = dnsmessage.RCodeNameError
	case addr.Is4() && question.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	out, _ := m.Pack()
	return out
}

// TestAttacks_namesThatPointInward: a good name may have a bad address, and get it after it was entered.
func TestAttacks_namesThatPointInward(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	var dns names
	c := newClient(t, fetch.Options{Timeout: 2 * time.Second})
	c.OpenPort(trap.port)
	c.Resolve(dns.resolver())
	url := "http://hooks.partner.com:" + trap.port + "/"
	if err := c.Check(url); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, a := range []string{"127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "fd00:ec2::254", "::ffff:127.0.0.1", "0.0.0.0", "::", ""} {
		dns.addr.Store(nil)
		if a != "" {
			addr := netip.MustParseAddr(a)
			dns.addr.Store(&addr)
		}
		_, err := c.Do(t.Context(), fetch.Request{URL: url})
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", a, err)
			continue
		}
		said[err.Error()] = true
	}
	if len(said) != 1 {
		t.Errorf("the errors tell addresses apart: %v", said)
	}
	if n := trap.seen.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestAttacks_errorsAreOne: what is wrong with a silent address stays with the operator.
func TestAttacks_errorsAreOne(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	open := newCanary(t) // hangs up at once
	garbage := raw(t, "SSH-2.0-OpenSSH_9.2\r\n")
	silent := raw(t, "")
	said := map[string]string{}
	for name, target := range map[string]string{
		"closed": "http://" + closed.Addr().String(), "hangs up": "http://127.0.0.1:" + open.port, "not HTTP": "http://" + garbage,
		"not TLS": "https://" + garbage, "silent": "http://" + silent, "silent TLS": "https://" + silent,
	} {
		_, hostport, _ := strings.Cut(target, "//")
		c := newClient(t, fetch.Options{Allow: []string{hostport}, Timeout: 100 * time.Millisecond})
		_, err := c.Do(t.Context(), fetch.Request{URL: target})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		said[err.Error()] = name
	}
	if len(said) != 1 {
		t.Errorf("errors differ: %v", said)
	}
}

// raw is a server that says one thing to everybody and then waits.
func raw(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1)) // a client speaks first
				_, _ = io.WriteString(conn, text)
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// TestAttacks_redirects is U08.
func TestAttacks_redirects(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:"+trap.port+"/", status))
		host := s.Listener.Addr().String()
		c := newClient(t, fetch.Options{Allow: []string{host, "127.0.0.1:" + trap.port}})
		_, err := c.Do(t.Context(), fetch.Request{URL: s.URL})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), strconv.Itoa(status)) {
			t.Errorf("%d: %v", status, err)
		}
		s.Close()
	}
	if n := trap.seen.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestAttacks_forms are U11 and U12 and addresses that are none.
func TestAttacks_forms(t *testing.T) {
	t.Parallel()
	c := newClient(t, fetch.Options{Allow: []string{"mailpit:8025", "127.0.0.1:9000", "[::1]:9000", "cusp.acme.com:9443"}, Self: []string{"cusp.acme.com:443", "cusp.acme.com:9443"}})
	for url, ok := range map[string]bool{
		"https://example.com/hook":             true,
		"https://example.com:8443/hook":        true,
		"http://example.com":                   true,
		"https://93.184.216.34/":               true,
		"https://[2606:2800:220:1::1]/":        true,
		"http://mailpit:8025/api":              true,
		"http://MAILPIT.:8025/api":             true,
		"http://127.0.0.1:9000/":               true,
		"http://[::1]:9000/":                   true,
		"http://mailpit:8026/":                 false,
		"http://mailpit/":                      false,
		"http://2130706433:9000/":              false,
		"https://example.com:22/":              false,
		"https://example.com:25/":              false,
		"https://example.com:5432/":            false,
		"https://example.com:6379/":            false,
		"https://example.com:8787/":            false,
		"https://cusp.acme.com/v1/track":       false, // itself
		"https://CUSP.acme.com./v1/track":      false,
		"https://cusp.acme.com:443/v1/track":   false,
		"https://cusp.acme.com:9443/v1/track":  false, // itself, though allowed
		"ftp://example.com/":                   false,
		"file:///etc/passwd":                   false,
		"gopher://example.com/":                false,
		"https:example.com":                    false,
		"//example.com/":                       false,
		"https:///path":                        false,
		"https://:443/":                        false,
		"https://user@example.com/":            false,
		"https://user:secret@example.com/":     false,
		"https://example.com\r\nX: y":          false,
		"https://exam ple.com/":                false,
		"https://127.0.0.1#@example.com/":      false,
		"https://example.com@127.0.0.1/":       false,
		"https://" + strings.Repeat("a", 4000): false,
		"":                                     false,
	} {
		if err := c.Check(url); (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("Check(%.60q) = %v, want ok %v", url, err, ok)
		}
	}
	strict := newClient(t, fetch.Options{HTTPS: true, Allow: []string{"127.0.0.1:9000"}})
	for url, ok := range map[string]bool{"https://example.com": true, "http://example.com": false, "http://127.0.0.1:9000": true} {
		if err := strict.Check(url); (err == nil) != ok {
			t.Errorf("strict Check(%q) = %v, want ok %v", url, err, ok)
		}
	}
}

// TestAttacks_ownRequests is the other half of U12: under a name that nobody told us, our own requests
// are known by their header.
func TestAttacks_ownRequests(t *testing.T) {
	t.Parallel()
	var c, other *fetch.Client
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, c.Looped(r.Header), other.Looped(r.Header))
	}))
	defer s.Close()
	host := s.Listener.Addr().String()
	c = newClient(t, fetch.Options{Allow: []string{host}, Instance: "k3v9"})
	other = newClient(t, fetch.Options{Instance: "p0q1"})
	res, err := c.Do(t.Context(), fetch.Request{URL: s.URL, Header: http.Header{fetch.HopHeader: {"forged"}}})
	if err != nil || string(res.Body) != "true false" {
		t.Errorf("%v %v", res, err)
	}
	if newClient(t, fetch.Options{}).Looped(http.Header{}) {
		t.Error("a client without a name knows nobody")
	}
}

// TestAttacks_endlessAnswers is U13, in fake time: the attempt ends with its deadline, and little is read.
func TestAttacks_endlessAnswers(t *testing.T) {
	t.Parallel()
	head := "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"
	for name, c := range map[string]struct {
		begin, again string
		every        time.Duration
		truncated    bool
	}{
		"10 GB at once":        {head, strings.Repeat("x", 4096), 0, true},
		"a byte a second":      {head, "x", time.Second, false},
		"endless headers":      {"HTTP/1.1 200 OK\r\n", "X-Filler: " + strings.Repeat("y", 1000) + "\r\n", 0, false},
		"a header a second":    {"HTTP/1.1 200 OK\r\n", "X-Filler: y\r\n", time.Second, false},
		"endless informations": {"", "HTTP/1.1 103 Early Hints\r\nLink: <" + strings.Repeat("y", 1000) + ">\r\n\r\n", 0, false},
		"endless chunks":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 0, true},
		"endless trailers":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 0, false},
		"nothing":              {"", "", time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, fetch.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
				var sent atomic.Int64
				stop := make(chan struct{})
				client.Dial(func() net.Conn {
					ours, theirs := net.Pipe()
					go drip(theirs, c.begin, c.again, c.every, stop, &sent)
					return ours
				})
				begin := time.Now()
				res, err := client.Do(t.Context(), fetch.Request{URL: "http://example.com/"})
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				if c.truncated {
					if err != nil || !res.Truncated || len(res.Body) != fetch.MaxBody {
						t.Errorf("%v, %v", res, err)
					}
				} else if !fault.Is(err, fault.Unavailable) {
					t.Errorf("error %v", err)
				}
				client.Close()
				close(stop)
				synctest.Wait()
				if n := sent.Load(); n > 1<<20 {
					t.Errorf("%d bytes were taken", n)
				}
			})
		})
	}
}

// drip writes until nobody reads.
func drip(conn net.Conn, begin, again string, every time.Duration, stop chan struct{}, sent *atomic.Int64) {
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 4096)); err != nil { // the request comes in one piece
		return
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	text := begin
	for {
		n, err := io.WriteString(conn, text)
		sent.Add(int64(n))
		if err != nil {
			return
		}
		select {
		case <-time.After(every):
		case <-stop:
			return
		}
		text = again
	}
}

// TestAttacks_certificates is U14.
func TestAttacks_certificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good := x509.Certificate{DNSNames: []string{"hooks.example.org"}, NotAfter: time.Now().Add(time.Hour)}
	expired := good
	expired.NotAfter = time.Now().Add(-time.Minute)
	wrong := good
	wrong.DNSNames = []string{"other.example.org"}
	for name, c := range map[string]struct {
		cert tls.Certificate
		ok   bool
	}{
		"good":        {ca.sign(t, good), true},
		"expired":     {ca.sign(t, expired), false},
		"wrong host":  {ca.sign(t, wrong), false},
		"self-signed": {newAuthority(t).sign(t, good), false},
	} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}}
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		s.StartTLS()
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		var dns names
		local := netip.MustParseAddr("127.0.0.1")
		dns.addr.Store(&local)
		host := "hooks.example.org:" + port
		client := newClient(t, fetch.Options{Allow: []string{host}, Roots: ca.pool})
		client.Resolve(dns.resolver())
		res, err := client.Do(t.Context(), fetch.Request{URL: "https://" + host + "/"})
		if c.ok && (err != nil || !res.OK()) || !c.ok && (!fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "certificate")) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool(), cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(t *testing.T, c x509.Certificate) tls.Certificate {
	t.Helper()
	c.SerialNumber, c.NotBefore = big.NewInt(2), time.Now().Add(-2*time.Hour)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, &c, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}
