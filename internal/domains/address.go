package domains

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"cusp/internal/fault"
)

// Address is an e-mail address in normal form. Two addresses reach the same mailbox for Cusp when they
// are equal.
type Address struct {
	Local  string // lower case
	Domain string // lower-case ASCII (punycode for international names), no trailing dot
}

// String is local@domain.
func (a Address) String() string { return a.Local + "@" + a.Domain }

// The longest parts of an address, in bytes (RFC 5321 §4.5.3.1 and erratum 1690).
const (
	maxLocal   = 64
	maxAddress = 254
)

// Normalize brings one bare e-mail address into its normal form: surrounding space is dropped, case and
// width are folded, the domain becomes punycode without a trailing dot. Dots and plus tags in the local
// part are kept, since only some providers ignore them.
//
// It is stricter than RFC 5322, so that nothing it lets through can change meaning in a mail header, an
// SMTP command or a CSV cell: it refuses quoted local parts, comments, display names, lists, domain
// literals, hosts without a dot, control and invisible characters. The error is [fault.Invalid].
func Normalize(email string) (Address, error) {
	if len(email) > maxInput {
		return Address{}, invalid("it is too long")
	}
	local, domain, ok := strings.Cut(strings.Trim(email, " \t"), "@")
	if !ok {
		return Address{}, invalid("it has no @")
	}
	if local, ok = normalLocal(local); !ok {
		return Address{}, invalid("the part before the @ is not plain letters, digits and . _ + - and the like")
	}
	domain, ok = Host(domain)
	if !ok {
		return Address{}, invalid("the part after the @ is not a full domain name")
	}
	a := Address{Local: local, Domain: domain}
	if len(local) > maxLocal || len(local)+1+len(domain) > maxAddress {
		return Address{}, invalid("it is too long")
	}
	return a, nil
}

func invalid(why string) error {
	return fault.New(fault.Invalid, "This is not an e-mail address that mail can be sent to: %s.", why).
		WithCode("bad_email").WithHint("Write one bare address such as name@company.example.")
}

// normalLocal folds a dot-atom (RFC 5322 §3.2.3) with the letters of RFC 6531.
func normalLocal(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	s = norm.NFKC.String(strings.ToLower(norm.NFKC.String(s)))
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return "", false
		}
		for _, r := range atom {
			if !atomRune(r) {
				return "", false
			}
		}
	}
	return s, true
}

func atomRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N)
}
