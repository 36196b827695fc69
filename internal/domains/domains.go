// Package domains knows mail domains: which belong to free-mail providers, to disposable mailboxes and to
// universities, which part of a host name a company registered, and what the one normal form of an
// e-mail address is.
//
// Everything is a pure function of its argument and of three lists that are compiled in (NOTICE has their
// origin and licences; the program in gen packs them). A list is unpacked at its first use and stays one
// sorted string, searched in place: about 320 KB for all three.
//
// Domains are taken in any case, in Unicode or in punycode, with or without the trailing dot.
package domains

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the lists
	"io"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

var (
	//go:embed data/free.txt.gz
	freePacked []byte
	//go:embed data/disposable.txt.gz
	disposablePacked []byte
	//go:embed data/university.txt.gz
	universityPacked []byte

	freeList       = unpacker(freePacked)
	disposableList = unpacker(disposablePacked)
	universityList = unpacker(universityPacked)
)

// list is sorted domains, each ended by a newline.
type list string

func unpacker(packed []byte) func() list {
	return sync.OnceValue(func() list {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			panic("domains: an embedded list is damaged: " + err.Error())
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			panic("domains: an embedded list is damaged: " + err.Error())
		}
		return list(raw)
	})
}

// has finds exactly d by bisection over byte offsets.
func (l list) has(d string) bool {
	lo, hi := 0, len(l) // both always at the begin of a line
	for lo < hi {
		mid := (lo + hi) / 2
		begin := strings.LastIndexByte(string(l[:mid]), '\n') + 1
		end := begin + strings.IndexByte(string(l[begin:]), '\n')
		switch c := strings.Compare(d, string(l[begin:end])); {
		case c == 0:
			return true
		case c < 0:
			hi = begin
		default:
			lo = end + 1
		}
	}
	return false
}

// covers finds d or a domain above it.
func (l list) covers(d string) bool {
	for strings.Contains(d, ".") {
		if l.has(d) {
			return true
		}
		_, d, _ = strings.Cut(d, ".")
	}
	return false
}

// FreeMail says whether a domain belongs to a provider of personal mailboxes: whoever writes from there
// says nothing about an employer.
func FreeMail(d string) bool { return freeList().covers(fold(d)) }

// Disposable says whether a domain belongs to a service for throw-away mailboxes.
func Disposable(d string) bool { return disposableList().covers(fold(d)) }

// University says whether a domain belongs to a university, by the list or by its suffix (.edu and the
// registries' edu.* and ac.* such as .ac.uk).
func University(d string) bool {
	d = fold(d)
	suffix, _ := publicsuffix.PublicSuffix(d)
	academic := suffix == "edu" || strings.HasPrefix(suffix, "edu.") || strings.HasPrefix(suffix, "ac.")
	return academic && suffix != d || universityList().covers(d)
}

// fold brings a domain into the form of the lists; what is no domain comes back as something that no
// list holds.
func fold(d string) string {
	if d = strings.TrimSuffix(d, "."); isPlain(d) {
		return d
	}
	if len(d) > maxInput {
		return ""
	}
	a, err := lookup.ToASCII(d)
	if err != nil {
		return ""
	}
	return a
}

// isPlain says that a domain is in normal form already, as far as ASCII goes.
func isPlain(d string) bool {
	for i := range len(d) {
		c := d[i]
		if c >= 0x80 || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return !strings.Contains(d, "xn--")
}

// maxInput bounds what is looked at, in bytes: a domain has at most 253 characters, however spelled.
const maxInput = 1024

// lookup is IDNA2008 with the mapping of UTS 46: case and width are folded, only letters, digits and
// hyphens remain, and what punycode hides is checked too.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true),
	idna.VerifyDNSLength(true), idna.Transitional(false))

// toASCII is the lookup form of a host. Most hosts are in it already, and the tables need not be asked.
func toASCII(host string) (string, error) {
	if plainHost(host) {
		return host, nil
	}
	return lookup.ToASCII(host)
}

// plainHost says that a host has labels of lower-case letters, digits and single inner hyphens only.
func plainHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	before, label := byte('.'), 0
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			label++
		case c == '-' && before != '.' && before != '-':
			label++
		case c == '.' && before != '.' && before != '-':
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
		before = c
	}
	return before != '.' && before != '-'
}

// Host is the normal form of a fully qualified host name: lower-case ASCII without a trailing dot. It
// refuses addresses, single labels such as localhost, and numeric top-level domains.
func Host(host string) (string, bool) {
	if len(host) > maxInput || !utf8.ValidString(host) {
		return "", false
	}
	a, err := toASCII(strings.TrimSuffix(host, "."))
	if err != nil || len(a) > 253 || !strings.Contains(a, ".") {
		return "", false
	}
	if _, err := netip.ParseAddr(a); err == nil {
		return "", false
	}
	if again, err := toASCII(a); err != nil || again != a {
		return "", false // a name has one normal form or is none
	}
	top := a[strings.LastIndexByte(a, '.')+1:]
	if top == "localhost" || top == "localdomain" || strings.Trim(top, "0123456789") == "" {
		return "", false
	}
	return a, true
}

// Registrable is the part of a host name that its owner registered: one label below the public suffix,
// in normal form. "mail.acme.co.uk" gives "acme.co.uk"; a public suffix itself gives nothing.
func Registrable(host string) (string, bool) {
	a, ok := Host(host)
	if !ok {
		return "", false
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(a)
	return d, err == nil
}

// Company is the domain by which the employer of somebody with this e-mail domain is known. Free-mail and
// disposable domains name no employer; universities do.
func Company(emailDomain string) (string, bool) {
	a, ok := Host(emailDomain)
	if !ok || FreeMail(a) || Disposable(a) {
		return "", false
	}
	return Registrable(a)
}

// Website is the registrable domain of a web address as people write it, with or without a scheme, "www."
// or a path.
func Website(address string) (string, bool) {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", false
	}
	return Registrable(u.Hostname())
}
