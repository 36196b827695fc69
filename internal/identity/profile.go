// Package identity decides which identifiers belong to one person, and which to one account.
//
// Every identifier (a user id, an e-mail address, an anonymous id, a group id, a company's domain) is a
// [Profile]. Events are stored under one profile and never move. A [Claim] says that two profiles belong
// together, or that they do not; a person or an account is a cluster of profiles. Clusters are a pure
// function of the set of claims ([Cluster]), so the order in which events arrive changes nothing, and an
// un-merge is one more claim.
//
// [Resolve] does this for a batch of events inside the caller's transaction: one query when nothing is
// new. [Find], [Profiles], [AccountOf] and [AccountFacts] read. [Traits] and [Apply] are the one reading
// of what callers say about a person.
//
// A cluster is named by its smallest profile id. When clusters merge the smaller name stays and the
// larger one leads to it, since a name is itself a profile.
//
// The package reads no clock: times come from events. Begin reading at [Cluster].
package identity

import (
	"strings"

	"cusp/internal/domains"
	"cusp/internal/lead"
)

// Kind is the sort of an identifier. The numbers are stored.
type Kind uint8

// The kinds. The first three make people, the others accounts.
const (
	User Kind = iota + 1
	Email
	Anonymous
	Group
	Domain
)

var kindNames = [...]string{"", "user", "email", "anonymous", "group", "domain"}

// String is the kind's name, as in a reference ("user:42").
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Person says that profiles of the kind belong to people; otherwise they belong to accounts.
func (k Kind) Person() bool { return k <= Anonymous }

// named kinds are given by the customer's own systems: two of them never become one by themselves.
func (k Kind) named() bool { return k == User || k == Group }

// address kinds name somebody in the world outside.
func (k Kind) address() bool { return k == Email || k == Domain }

// Profile is one identifier.
type Profile struct {
	ID      lead.ProfileID
	Kind    Kind
	Value   string       // e-mail addresses and domains in normal form
	Seen    lead.Instant // time of the earliest event that carries it; for anonymous ids of the first to arrive
	Vouched bool         // a trusted event carries it; not kept for anonymous ids
}

// Reference names a profile in a merge or un-merge: "user:42", "email:a@b.c", "anonymous:…", "group:…",
// "domain:b.c", or the id of a person or account ("per_…", "acc_…"). In a merge an id stands for the
// strongest identifier that it has when the event arrives; in an un-merge for the profile of that number
// alone. Text without one of these prefixes is a user id.
type Reference struct {
	Kind  Kind
	Value string
	ID    lead.ProfileID // set for ids; then Kind and Value are empty
}

// ParseReference reads a reference; ok is false when it names nothing.
func ParseReference(s string) (r Reference, ok bool) {
	if id, err := lead.ParsePersonID(s); err == nil {
		return Reference{ID: lead.ProfileID(id)}, id > 0
	}
	if id, err := lead.ParseAccountID(s); err == nil {
		return Reference{ID: lead.ProfileID(id)}, id > 0
	}
	r = Reference{Kind: User, Value: s}
	if prefix, value, found := strings.Cut(s, ":"); found {
		for k := User; k <= Domain; k++ {
			if prefix == k.String() {
				r = Reference{Kind: k, Value: value}
			}
		}
	}
	r.Value, ok = normalValue(r.Kind, r.Value)
	return r, ok
}

// String writes the reference as [ParseReference] reads it.
func (r Reference) String() string {
	if r.ID != 0 {
		return lead.PersonID(r.ID).String()
	}
	return r.Kind.String() + ":" + r.Value
}

// maxValue is the longest identifier in bytes; what is longer was not made to identify.
const maxValue = 1024

// normalValue is the form in which an identifier is stored; ok is false for one that cannot be.
func normalValue(k Kind, s string) (string, bool) {
	switch k {
	case Email:
		a, err := domains.Normalize(s)
		return a.String(), err == nil
	case Domain:
		return domains.Registrable(s)
	case User, Anonymous, Group:
	}
	return s, s != "" && len(s) <= maxValue && !strings.Contains(s, "\x00")
}
