package fetch

import (
	"net/netip"
	"strings"
)

// global6 is where public IPv6 addresses come from; all others are for special use.
var global6 = netip.MustParsePrefix("2000::/3")

// nat64 holds public IPv4 addresses, written in IPv6 by the name servers of networks without IPv4 (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// special are the networks that are not the public internet, after the IANA registries of special-purpose
// addresses (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry),
// with those that tunnel to IPv4 addresses and the address at which Azure serves machines their secrets.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.31.196.0/24"),
	netip.MustParsePrefix("192.52.193.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("192.175.48.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2620:4f:8000::/48"),
	netip.MustParsePrefix("3fff::/20"),
}

// public says whether an address belongs to the public internet.
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsValid() || a.Is6() && !global6.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// inner are names that never are on the public internet (RFC 6761, 6762, 8375; .internal is reserved for
// private use by ICANN and has the metadata servers of clouds).
var inner = []string{"localhost", "local", "internal", "intranet", "lan", "home.arpa", "test", "invalid", "example", "onion"}

// publicName says whether a host that is not an address can be a name on the public internet. A name that
// ends in a number is a way of writing an IPv4 address that resolvers read differently: octal,
// hexadecimal, or with parts left out.
func publicName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, c := range host {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", c) {
			return false
		}
	}
	for _, suffix := range inner {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return false
		}
	}
	dot := strings.LastIndexByte(host, '.')
	return dot > 0 && !number(host[dot+1:])
}

// number says whether a label is one in the sense of https://url.spec.whatwg.org/#ends-in-a-number-checker.
func number(label string) bool {
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		label, digits = hex, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}
