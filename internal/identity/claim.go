package identity

import (
	"cmp"
	"strconv"
	"strings"

	"cusp/internal/lead"
)

// ClaimKind is what a claim says about its two profiles.
type ClaimKind uint8

// The kinds of claims.
const (
	Link    ClaimKind = iota + 1 // an event carries both
	Alias                        // an alias call renames A to B
	Merge                        // a person says that A and B are one
	Unmerge                      // a person says that A does not belong to B
)

// Claim says how two profiles stand to each other. Of the claims of one pair, kind and trust only the
// earliest counts, except that every merge and un-merge does.
type Claim struct {
	A, B    lead.ProfileID
	Kind    ClaimKind
	Trusted bool // not from a public write key
	Late    bool // public, and received so long after its time that it may be dated back

	// Where it comes from: the event that carries it.
	At        lead.Instant
	MessageID string
	Source    lead.SourceID
}

// when orders claims by the events that carry them.
func (c *Claim) when(o *Claim) int {
	if d := cmp.Compare(c.At, o.At); d != 0 {
		return d
	}
	if d := strings.Compare(c.MessageID, o.MessageID); d != 0 {
		return d
	}
	return cmp.Compare(c.Source, o.Source)
}

// said is what makes two claims the same one, said twice.
type said struct {
	a, b          lead.ProfileID
	kind          ClaimKind
	trusted, late bool
	tag           string
}

func (c *Claim) said() said {
	return said{c.A, c.B, c.Kind, c.Trusted, c.Late, c.tag()}
}

// atLeast are the ways of saying the same with as much weight or more.
func (s said) atLeast() []said {
	trusted, timely := s, s
	trusted.trusted, trusted.late, timely.late = true, false, false
	return []said{s, timely, trusted}
}

// tag keeps every merge and un-merge apart from the others of its pair.
func (c *Claim) tag() string {
	if c.Kind < Merge {
		return ""
	}
	return c.MessageID + "@" + strconv.FormatInt(int64(c.Source), 10)
}
