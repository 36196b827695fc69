package fetch

import (
	"context"
	"net"
)

// Public is public.
var Public = public

// OpenPort makes a port one of those of the web.
func (c *Client) OpenPort(port string) { c.ports[port] = true }

// Connect dials as the transport does, without the checks before.
func (c *Client) Connect(ctx context.Context, addr string) (net.Conn, error) {
	return c.connect(ctx, "tcp", addr)
}

// Resolve makes the client ask another name server.
func (c *Client) Resolve(r *net.Resolver) {
	c.dial = func(ctx context.Context, network, addr string, guard control) (net.Conn, error) {
		return (&net.Dialer{Control: guard, Resolver: r}).DialContext(ctx, network, addr)
	}
}

// Dial replaces the network.
func (c *Client) Dial(f func() net.Conn) {
	c.dial = func(context.Context, string, string, control) (net.Conn, error) { return f(), nil }
}
