package respond

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClientIP(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")}
	for name, tt := range map[string]struct {
		proxies   []netip.Prefix
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is trusted":                    {nil, "10.0.0.1:80", []string{"198.51.100.7"}, "10.0.0.1"},
		"a stranger may say what he likes":     {proxies, "192.0.2.9:80", []string{"198.51.100.7"}, "192.0.2.9"},
		"a proxy says who asks":                {proxies, "10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		"through two proxies":                  {proxies, "10.0.0.1:80", []string{"198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		"through two proxies, two headers":     {proxies, "10.0.0.1:80", []string{"198.51.100.7", "10.9.9.9"}, "198.51.100.7"},
		"the visitor's own header is no proof": {proxies, "10.0.0.1:80", []string{"203.0.113.5, 198.51.100.7"}, "198.51.100.7"},
		"with a port":                          {proxies, "10.0.0.1:80", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		"IPv6":                                 {proxies, "[fd00::1]:80", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		"IPv4 in IPv6":                         {proxies, "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"a proxy that says nothing":            {proxies, "10.0.0.1:80", nil, "10.0.0.1"},
		"a proxy that says nonsense":           {proxies, "10.0.0.1:80", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		"only proxies":                         {proxies, "10.0.0.1:80", []string{"10.1.1.1"}, "10.1.1.1"},
		"a socket of this machine":             {proxies, "@", []string{"198.51.100.7"}, ""},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := ClientIP(tt.proxies)(r); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
