package fetch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"unicode/utf8"

	"cusp/internal/fault"
)

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("address_refused").WithField("url")
}

// Check refuses what would be refused without looking at the network: for the form in which an address is
// entered. An address that passes may still be refused when it is dialled.
func (c *Client) Check(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case len(raw) > maxURL:
		return refuse("the address is longer than %d bytes", maxURL)
	case err != nil || u.Opaque != "" || u.Host == "" || u.Hostname() == "":
		return refuse("this is not an address").WithHint("write https://example.com/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("only https and http addresses can be contacted")
	case !ascii(u.Hostname()):
		return refuse("the name has characters beyond ASCII").WithHint("write an international name in its form that begins with xn--")
	case u.User != nil:
		return refuse("an address with a user name or a password in it would end up in logs").
			WithHint("put credentials into the settings of the connection")
	}
	return c.checkEndpoint(u)
}

func (c *Client) checkEndpoint(u *url.URL) error {
	key := endpoint(u.Hostname(), port(u))
	switch {
	case c.self[key]:
		return refuse("this is the address of this server itself")
	case c.allow[key]:
		return nil
	case u.Scheme == "http" && c.o.HTTPS:
		return refuse("only https addresses can be contacted")
	case !c.ports[port(u)]:
		return refuse("port %s cannot be contacted", port(u)).WithHint("use port 443, or let the operator allow %s", key)
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err == nil && !public(a) || err != nil && !publicName(u.Hostname()) {
		return refuse("%s is not on the public internet", u.Hostname()).WithHint("let the operator allow %s", key)
	}
	return nil
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// connect dials for the transport. It is called with the host and port of the request.
func (c *Client) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	guard := onlyPublic
	if host, port, err := net.SplitHostPort(addr); err == nil && c.allow[endpoint(host, port)] {
		guard = nil
	}
	return c.dial(ctx, network, addr, guard)
}

func dial(ctx context.Context, network, addr string, guard control) (net.Conn, error) {
	return (&net.Dialer{Control: guard, Timeout: MaxTimeout}).DialContext(ctx, network, addr)
}

var errNotPublic = errors.New("the address is not on the public internet")

// onlyPublic looks at the address that is about to be dialled, after the name was resolved.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !public(a.Addr()) {
		return errNotPublic
	}
	return nil
}
