// Package lead holds the nouns that every stage shares: typed ids, instants, events, e-mail addresses
// and domains. They are values: nothing here reads a clock, a database or the network.
package lead

import (
	"fmt"
	"strings"
)

// PersonID names a person: one lead, however many identifiers lead to it. On the wire "per_…".
type PersonID int64

// AccountID names a company. On the wire "acc_…".
type AccountID int64

// ProfileID names one identifier's history (a user id, an anonymous id, an e-mail address, a group id,
// a domain). Events are stored by profile and never move; a person or an account is a set of profiles.
type ProfileID int64

// SourceID names where events come from: a write key, an import, the product itself.
type SourceID int64

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// formatID writes n as prefix plus 13 base-32 digits, so that ids sort as text as they sort as numbers.
func formatID(prefix string, n int64) string {
	var digits [13]byte
	u := uint64(n)
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = crockford[u&31]
		u >>= 5
	}
	return prefix + string(digits[:])
}

func parseID(prefix, kind, s string) (int64, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok || len(digits) != 13 {
		return 0, fmt.Errorf("%q is not %s id (%s and 13 characters)", s, kind, prefix)
	}
	var u uint64
	for _, c := range []byte(digits) {
		d := strings.IndexByte(crockford, c)
		if d < 0 {
			return 0, fmt.Errorf("%q is not %s id: %q is not a base-32 digit", s, kind, c)
		}
		u = u<<5 | uint64(d)
	}
	if u > 1<<63-1 {
		return 0, fmt.Errorf("%q is not %s id: out of range", s, kind)
	}
	return int64(u), nil
}

// String is the id as users see it.
func (id PersonID) String() string { return formatID("per_", int64(id)) }

// String is the id as users see it.
func (id AccountID) String() string { return formatID("acc_", int64(id)) }

// ParsePersonID reads what [PersonID.String] wrote.
func ParsePersonID(s string) (PersonID, error) {
	n, err := parseID("per_", "a person", s)
	return PersonID(n), err
}

// ParseAccountID reads what [AccountID.String] wrote.
func ParseAccountID(s string) (AccountID, error) {
	n, err := parseID("acc_", "an account", s)
	return AccountID(n), err
}
