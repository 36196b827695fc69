package access

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/fault"
	"cusp/internal/goldentest"
)

// who are the principals whose rights the golden matrix shows, one column each.
func who() map[string]Principal {
	all := map[string]Principal{
		"anonymous": {},
		"write":     {Kind: Write, ID: 3},
		"server":    {Kind: Write, ID: 4, Trusted: true},
		"api":       {Kind: API, ID: 5},
		"api:read":  {Kind: API, ID: 6, Scopes: []Scope{ScopeRead}},
		"api:write": {Kind: API, ID: 7, Scopes: []Scope{ScopeWrite}},
		"api:admin": {Kind: API, ID: 8, Scopes: []Scope{ScopeAdmin}},
		"owner":     Machine(),
	}
	for _, r := range Roles() {
		all[string(r)] = Principal{Kind: User, ID: 9, Role: r}
	}
	return all
}

func columns() []string {
	names := []string{"anonymous", "write", "server", "api", "api:read", "api:write", "api:admin"}
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return append(names, "owner")
}

func TestAllow_matrix(t *testing.T) {
	t.Parallel()
	all := who()
	var b strings.Builder
	b.WriteString("action\t" + strings.Join(columns(), "\t") + "\n")
	for _, a := range Actions() {
		b.WriteString(string(a))
		for _, name := range columns() {
			b.WriteString("\t" + verdict(all[name], a))
		}
		b.WriteString("\n")
	}
	goldentest.Equal(t, filepath.Join("testdata", "matrix.golden"), b.String())
}

func verdict(p Principal, a Action) string {
	err := Allow(p, a)
	switch {
	case err == nil:
		if e := Reach(p, a); e != All {
			return string(e)
		}
		return "yes"
	case fault.Is(err, fault.Unauthentic):
		return "401"
	case fault.Is(err, fault.Denied):
		return "403"
	}
	return "?"
}

func TestAllow_writeKeysReadNothing(t *testing.T) {
	t.Parallel()
	for _, p := range []Principal{{Kind: Write, ID: 3}, {Kind: Write, ID: 4, Trusted: true}} {
		for _, a := range Actions() {
			if a == SendEvents || a == QualifyForms || a == ReceiveHooks || a == ProbeHealth || a == ReadSpec || a == OpenSession {
				continue
			}
			if err := Allow(p, a); !fault.Is(err, fault.Unauthentic) {
				t.Errorf("Allow(%s, %s) = %v, want an answer of 401", p, a, err)
			}
		}
	}
}

func TestAllow_unknownActionAndKindAreRefused(t *testing.T) {
	t.Parallel()
	if err := Allow(Machine(), "no.such"); !fault.Is(err, fault.Denied) {
		t.Errorf("unknown action: %v", err)
	}
	if err := Allow(Principal{Kind: "guess", Scopes: Scopes(), Role: RoleAdmin}, ReadLeads); err == nil {
		t.Error("a principal of no known kind may read leads")
	}
}

func TestAllow_strongerScopeMayWhatWeakerMay(t *testing.T) {
	t.Parallel()
	for _, a := range Actions() {
		may := false
		for _, s := range Scopes() {
			ok := Allow(Principal{Kind: API, Scopes: []Scope{s}}, a) == nil
			if may && !ok {
				t.Errorf("%s: the scope %s may not do what a weaker one may", a, s)
			}
			may = may || ok
		}
	}
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want []Scope
		fail bool
	}{
		{"", nil, false},
		{"read", []Scope{ScopeRead}, false},
		{" write , read,write", []Scope{ScopeWrite, ScopeRead}, false},
		{"Read", nil, true},
		{"read,all", nil, true},
	} {
		got, err := ParseScopes(tc.in)
		if (err != nil) != tc.fail || !tc.fail && !cmp.Equal(got, tc.want) {
			t.Errorf("ParseScopes(%q) = %v, %v; want %v", tc.in, got, err, tc.want)
		}
	}
}
