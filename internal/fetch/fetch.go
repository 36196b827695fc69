package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cusp/internal/fault"
)

// Options are what a [Client] needs to know. The zero value reaches public addresses and nothing else.
type Options struct {
	// Allow lists "host:port" that may be contacted although the address is not public or the port
	// unusual: what the operator runs beside Cusp, and the sinks of tests. A name counts as it is written
	// in the request, an address in its usual form.
	Allow []string
	// Self lists "host:port" of this server, which is never contacted, whatever Allow says: an alert that
	// is sent to the own address for events would come back as an event.
	Self []string
	// Instance names this server in [HopHeader], so that it knows its own requests when they come back
	// by another name; empty for none. It is random and says nothing.
	Instance string
	// HTTPS refuses addresses without TLS, except those on the list.
	HTTPS     bool
	Timeout   time.Duration  // of a whole attempt, at most [MaxTimeout]; 0 for 10 seconds
	Roots     *x509.CertPool // whom to trust; nil for the system's authorities
	UserAgent string         // "Cusp/1.2"; empty for "Cusp"
	Logger    *slog.Logger   // gets at debug level why an address did not answer; nil for none
}

// Limits of one attempt.
const (
	MaxTimeout = 15 * time.Second
	MaxBody    = 64 << 10 // bytes of an answer that are read
	maxHeader  = 32 << 10 // bytes
	maxURL     = 2 << 10  // bytes

	defaultTimeout = 10 * time.Second
	idleFor        = 30 * time.Second
	idlePerHost    = 2
)

// HopHeader says which Cusp a request comes from.
const HopHeader = "Cusp-Hop"

// Client sends requests. It is safe for concurrent use.
type Client struct {
	o     Options
	ports map[string]bool // to which anybody may connect
	allow map[string]bool
	self  map[string]bool
	log   *slog.Logger
	http  *http.Client
	dial  func(ctx context.Context, network, addr string, guard control) (net.Conn, error)
}

// control is called with an address before it is dialled.
type control func(network, address string, conn syscall.RawConn) error

// New makes the client of a process.
func New(o Options) (*Client, error) {
	if o.Timeout < 0 || o.Timeout > MaxTimeout {
		return nil, fmt.Errorf("a timeout of %v is not between 0 and %v", o.Timeout, MaxTimeout)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.UserAgent == "" {
		o.UserAgent = "Cusp"
	}
	c := &Client{o: o, log: o.Logger, dial: dial, ports: map[string]bool{"80": true, "443": true, "8443": true}}
	var err error
	if c.allow, err = endpoints(o.Allow); err != nil {
		return nil, err
	}
	if c.self, err = endpoints(o.Self); err != nil {
		return nil, err
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            c.connect,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 has fewer ways to go on without end
			DisableCompression:     true,                                                   // a small answer cannot become a large one
			MaxResponseHeaderBytes: maxHeader,
			TLSHandshakeTimeout:    MaxTimeout,
			MaxIdleConnsPerHost:    idlePerHost,
			IdleConnTimeout:        idleFor,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// endpoints reads a list of host:port.
func endpoints(list []string) (map[string]bool, error) {
	m := map[string]bool{}
	for _, s := range list {
		host, port, err := net.SplitHostPort(s)
		if err != nil || host == "" || port == "" {
			return nil, fault.New(fault.Invalid, "%q is not host:port", s).WithHint("write mailpit:8025 or 127.0.0.1:9000")
		}
		m[endpoint(host, port)] = true
	}
	return m, nil
}

// endpoint is host:port in the form in which it is compared.
func endpoint(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().String()
	}
	return net.JoinHostPort(host, port)
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request is what is sent.
type Request struct {
	Method string // empty for POST
	URL    string
	Header http.Header // without those that the client sets itself: User-Agent and HopHeader
	Body   []byte
}

// Response is an answer, whatever its status, except redirects.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte // its first MaxBody bytes
	Truncated bool   // there was more of it
}

// OK reports whether the status is 2xx.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// RetryAfter is how long the other side asks to be left alone, in seconds or until a date; 0 when it says
// nothing that can be understood.
func (r *Response) RetryAfter(now time.Time) time.Duration {
	s := strings.TrimSpace(r.Header.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// Do sends one request and reads the answer. It does not try again.
//
// The errors are [fault.Invalid] for an address that is refused as it is written, with a reason that
// follows from the text alone; and [fault.Unavailable] with the code "unreachable" when there was no
// answer: because the name is unknown or has an address that is not public, because nothing listens, or
// because the answer was too slow or not HTTP. These are one error on purpose: to tell them apart would
// let a user look into the network around this server. The code "certificate" says that a certificate was
// not accepted, "redirect" that the answer points elsewhere.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if err := c.Check(r.URL); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, refuse("the request cannot be built")
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	if c.o.Instance != "" {
		req.Header.Set(HopHeader, c.o.Instance)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unanswered(ctx, req, err)
	}
	defer func() { _ = res.Body.Close() }() // only read from
	return c.read(ctx, req, res)
}

func (c *Client) read(ctx context.Context, req *http.Request, res *http.Response) (*Response, error) {
	if res.StatusCode >= 300 && res.StatusCode <= 399 {
		return nil, fault.New(fault.Unavailable, "the address answered with a redirect (%d), which is not followed", res.StatusCode).
			WithCode("redirect").WithHint("enter the address to which it leads")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	if err != nil {
		return nil, c.unanswered(ctx, req, err)
	}
	out := &Response{Status: res.StatusCode, Header: res.Header, Body: body}
	if len(body) > MaxBody {
		out.Body, out.Truncated = body[:MaxBody], true
	}
	return out, nil
}

// unanswered is the error of a request that got no answer. What really happened is for the log of the
// operator.
func (c *Client) unanswered(ctx context.Context, req *http.Request, err error) error {
	c.log.LogAttrs(ctx, slog.LevelDebug, "no answer", slog.String("host", req.URL.Host), slog.Any("error", err))
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.New(fault.Unavailable, "the certificate of %s is not valid for it, has expired, or comes from nobody who is trusted",
			req.URL.Hostname()).WithCode("certificate").WithHint("renew it; a private authority must be known to this server")
	}
	return fault.New(fault.Unavailable, "%s did not answer, or is not an address that may be contacted", req.URL.Hostname()).
		WithCode("unreachable").WithHint("check the address; one that is not public must be allowed in the settings")
}

// Looped reports whether a request that came in is one that this client sent.
func (c *Client) Looped(h http.Header) bool {
	return c.o.Instance != "" && h.Get(HopHeader) == c.o.Instance
}
