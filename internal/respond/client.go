package respond

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientIP finds the address of whoever asks. It is the other end of the connection, unless that is one of
// the trusted proxies: then it is the last address in X-Forwarded-For that is none of them, since each
// proxy appends the address from which it was asked. What stands before that anybody can have written.
// The function answers "" when there is no address, as on a socket of this machine.
func ClientIP(proxies []netip.Prefix) func(*http.Request) string {
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return func(r *http.Request) string {
		at, ok := address(r.RemoteAddr)
		if !ok {
			return ""
		}
		if len(proxies) == 0 || !trusted(at) {
			return at.String()
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			from, ok := address(strings.TrimSpace(hop))
			if !ok {
				break
			}
			if at = from; !trusted(from) {
				break
			}
		}
		return at.String()
	}
}

// address reads an address with or without a port. IPv4 in the dress of IPv6 is IPv4.
func address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone(""), true
}
