package access

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Sources that are no write key. The migration creates their rows, so that they have a name.
const (
	SourceImport  lead.SourceID = 1 // files and batches that are imported
	SourceProduct lead.SourceID = 2 // what the product and its users state: merges, verdicts, answers
)

// Kind is what a principal is.
type Kind string

// The kinds of principals. The zero Kind is nobody in particular.
const (
	Anonymous Kind = ""
	Write     Kind = "write" // a write key: sends events, reads nothing
	API       Kind = "api"   // an API key, limited by its scopes
	User      Kind = "user"  // a signed-in person, limited by their role
	Owner     Kind = "owner" // whoever may open the database file anyway: the socket beside it
)

// Scope limits what an API key may do.
type Scope string

// The scopes, each including the one before it.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
	ScopeAdmin Scope = "admin"
)

// Scopes are all scopes, from the weakest to the strongest.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeWrite, ScopeAdmin} }

// ParseScopes reads a comma-separated list of scopes; the empty text gives none.
func ParseScopes(list string) ([]Scope, error) {
	var out []Scope
	for name := range strings.SplitSeq(list, ",") {
		s := Scope(strings.TrimSpace(name))
		switch {
		case s == "":
			continue
		case !slices.Contains(Scopes(), s):
			return nil, fault.New(fault.Invalid, "%q is not a scope", s).
				WithCode("unknown_scope").WithField("scopes").WithHint("write read, write or admin")
		case !slices.Contains(out, s):
			out = append(out, s)
		}
	}
	return out, nil
}

// Role is what a signed-in person does in the company.
type Role string

// The roles.
const (
	RoleAdmin        Role = "admin"
	RoleOps          Role = "ops"
	RoleMarketing    Role = "marketing"
	RoleSalesManager Role = "sales_manager"
	RoleRep          Role = "rep"
	RoleViewer       Role = "viewer"
)

// Roles are all roles.
func Roles() []Role {
	return []Role{RoleAdmin, RoleOps, RoleMarketing, RoleSalesManager, RoleRep, RoleViewer}
}

// Principal is who makes a request. It is a value and holds no secret.
type Principal struct {
	Kind    Kind
	ID      int64  // of the key or user; 0 for anonymous and owner
	Name    string // as its maker named it; of a user the e-mail address, in normal form
	Trusted bool   // its events may join known people and change what is known of them
	Scopes  []Scope
	Role    Role
	Teams   []string // of a user
}

// Machine is the principal of the process itself and of the socket beside the database file: whoever
// reaches it can open the database anyway.
func Machine() Principal { return Principal{Kind: Owner, Name: "owner", Trusted: true} }

// Source is the source under which the principal's events are stored: its own for a write key, else the
// product's.
func (p Principal) Source() lead.SourceID {
	if p.Kind == Write {
		return lead.SourceID(p.ID)
	}
	return SourceProduct
}

// String names the principal in logs and ledgers, as in "api:12"; it holds no personal data.
func (p Principal) String() string {
	switch p.Kind {
	case Anonymous:
		return "anonymous"
	case Owner:
		return "owner"
	case Write, API, User:
	}
	return string(p.Kind) + ":" + strconv.FormatInt(p.ID, 10)
}

type principalKey struct{}

// With returns a context in which p makes the request.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From is who makes the request of ctx; anonymous when nobody said.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
