package identity_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/identity"
	"cusp/internal/lead"
)

// The profiles that the table of cases speaks of. Lower-case users u v, e-mails e f, anonymous a b.
var cast = map[string]identity.Profile{
	"u": {ID: 1, Kind: identity.User}, "v": {ID: 2, Kind: identity.User},
	"e": {ID: 3, Kind: identity.Email}, "f": {ID: 4, Kind: identity.Email},
	"a": {ID: 5, Kind: identity.Anonymous}, "b": {ID: 6, Kind: identity.Anonymous},
	"w": {ID: 7, Kind: identity.User},
}

// story reads "1 public e>u; 2 trusted f>u; 3 merge u>v; 0 seen e" into profiles and claims: time, what,
// from>to. "seen" makes a profile older than its first claim, "vouched" also known to a server; "late" is
// a public link that arrives late.
func story(t testing.TB, text string) ([]identity.Profile, []identity.Claim) {
	t.Helper()
	profiles := maps.Clone(cast)
	var claims []identity.Claim
	seen := func(name string, at lead.Instant) {
		p := profiles[name]
		if p.Seen == 0 || at < p.Seen {
			p.Seen = at
		}
		profiles[name] = p
	}
	for part := range strings.SplitSeq(text, ";") {
		var at lead.Instant
		var what, who string
		if _, err := fmt.Sscan(part, &at, &what, &who); err != nil {
			t.Fatalf("%q: %v", part, err)
		}
		from, to, both := strings.Cut(who, ">")
		seen(from, at)
		if p := profiles[from]; what == "vouched" {
			p.Vouched = true
			profiles[from] = p
		}
		if !both {
			continue
		}
		seen(to, at)
		c := identity.Claim{
			A: cast[from].ID, B: cast[to].ID, Kind: identity.Link, Trusted: true,
			At: at, MessageID: part,
		}
		switch what {
		case "public":
			c.Trusted = cast[from].Kind == identity.Anonymous && cast[to].Kind == identity.User
		case "late":
			c.Trusted, c.Late = false, true
		case "alias":
			c.Kind = identity.Alias
		case "merge":
			c.Kind = identity.Merge
		case "unmerge":
			c.Kind = identity.Unmerge
		}
		claims = append(claims, c)
	}
	return slices.Collect(maps.Values(profiles)), claims
}

// groups writes a partition as "ae bu v": one word for each cluster of several, sorted.
func groups(p identity.Partition) string {
	names := map[lead.ProfileID]string{}
	for name, profile := range cast {
		names[profile.ID] = name
	}
	words := map[lead.ProfileID]string{}
	for id, root := range p.Root {
		words[root] += names[id]
	}
	var out []string
	for _, w := range words {
		if len(w) > 1 {
			letters := strings.Split(w, "")
			slices.Sort(letters)
			out = append(out, strings.Join(letters, ""))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestCluster(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ story, want string }{
		"anonymous becomes known":                   {"1 public a>u", "au"},
		"form, then sign-up in the same browser":    {"1 public a>e; 2 public e>u; 2 public a>u", "aeu"},
		"form, then log-in without the address":     {"1 public a>e; 2 public a>u", "aeu"},
		"shared device: the first person keeps it":  {"1 public a>u; 2 public a>v", "au"},
		"shared device: form of another":            {"1 public a>e; 2 public a>f", "ae"},
		"device of one who logs in elsewhere first": {"1 seen u; 2 public a>e; 3 public a>u", "ae"},
		"two devices":                                  {"1 public a>u; 2 public b>u", "abu"},
		"an address never joins two users":             {"1 trusted e>u; 2 trusted e>v", "eu"},
		"trusted alias joins two users":                {"1 public a>u; 2 public b>v; 3 alias u>v", "abuv"},
		"merge joins two users":                        {"1 trusted e>u; 2 trusted f>v; 3 merge u>v", "efuv"},
		"public gives the first address":               {"1 seen u; 2 public e>u", "eu"},
		"public gives no second address":               {"1 trusted e>u; 2 public f>u", "eu"},
		"trusted gives a second address":               {"1 trusted e>u; 2 trusted f>u", "efu"},
		"public does not join two known":               {"1 seen e; 2 seen u; 3 public e>u", ""},
		"trusted joins a user to a known address":      {"1 seen e; 2 seen u; 3 trusted e>u", "eu"},
		"A39: a bound device claims another's address": {"1 public a>u; 1 trusted e>u; 2 seen f; 3 public a>f", "aeu"},
		"a public user for a known address":            {"1 seen e; 2 public e>u", "eu"},
		"the server's word replaces the browser's":     {"1 seen e; 2 public e>u; 3 trusted e>v", "ev"},
		"also when a visitor came between":             {"1 seen e; 2 public a>e; 3 public a>u; 4 trusted e>v", "au ev"},
		"public claims replace nothing":                {"1 seen e; 2 trusted e>u; 3 public e>v", "eu"},
		"late, about two whom servers know":            {"2 vouched u; 2 vouched e; 1 late e>u", ""},
		"late, about one whom servers know":            {"2 vouched u; 2 seen e; 1 late e>u", "eu"},
		"in time, about two whom servers know":         {"2 vouched u; 2 vouched e; 1 public e>u", "eu"},
		"late and in time":                             {"2 vouched u; 2 vouched e; 1 late e>u; 1 public e>u", "eu"},
		"un-merge takes along what hangs on it":        {"1 public a>u; 2 public b>v; 3 merge u>v; 4 unmerge u>v", "au bv"},
		"un-merge of an address":                       {"1 trusted e>u; 1 public a>u; 2 unmerge e>u", "au"},
		"un-merge holds against repeated claims":       {"1 trusted e>u; 2 unmerge e>u; 3 public e>u; 4 trusted e>u", ""},
		"un-merge holds against detours":               {"1 trusted e>u; 2 unmerge e>u; 3 public a>u; 4 public a>e", "au"},
		"merge ends an un-merge":                       {"1 trusted e>u; 2 unmerge e>u; 3 merge e>u", "eu"},
		"un-merge before merge":                        {"1 unmerge u>v; 2 merge u>v", "uv"},
		"un-merge frees a device for the next":         {"1 public a>u; 2 public a>v; 3 unmerge a>u", "av"},
		"un-merge does not stop what comes before":     {"1 alias u>v; 2 alias v>w; 3 unmerge v>w", "uv"},
		"merge with a device takes only the device":    {"1 public a>u; 1 public b>u; 1 trusted e>v; 2 merge a>e", "aev bu"},
		"a late public claim cannot use a merge":       {"1 public a>u; 1 seen v; 2 merge a>v; 3 public a>u", "av"},
		"alias is not stronger than an un-merge":       {"1 merge u>v; 2 unmerge u>v; 3 alias u>v", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profiles, claims := story(t, tc.story)
			if got := groups(identity.Cluster(profiles, claims)); got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.story, got, tc.want)
			}
		})
	}
}

// world draws profiles and claims about them.
func world(t *rapid.T) ([]identity.Profile, []identity.Claim) {
	kinds := []identity.Kind{
		identity.User, identity.User, identity.User, identity.Email, identity.Email, identity.Email,
		identity.Anonymous, identity.Anonymous, identity.Anonymous,
	}
	profiles := make([]identity.Profile, len(kinds))
	for i, k := range kinds {
		profiles[i] = identity.Profile{
			ID: lead.ProfileID(i + 1), Kind: k, Seen: lead.Instant(rapid.IntRange(0, 12).Draw(t, "seen")),
			Vouched: rapid.Bool().Draw(t, "vouched"),
		}
	}
	n := rapid.IntRange(0, 25).Draw(t, "claims")
	claims := make([]identity.Claim, n)
	for i := range claims {
		a, b := draw(t, len(kinds)), draw(t, len(kinds))
		kind := rapid.SampledFrom([]identity.ClaimKind{
			identity.Link, identity.Link, identity.Link, identity.Link, identity.Alias, identity.Merge, identity.Unmerge,
		}).Draw(t, "kind")
		if kinds[a] < kinds[b] && kind == identity.Link {
			a, b = b, a
		}
		at := lead.Instant(rapid.IntRange(1, 12).Draw(t, "at"))
		claims[i] = identity.Claim{
			A: profiles[a].ID, B: profiles[b].ID, Kind: kind, At: at, MessageID: fmt.Sprint(i),
			Trusted: kind != identity.Link || rapid.Bool().Draw(t, "trusted"),
		}
		claims[i].Late = !claims[i].Trusted && rapid.Bool().Draw(t, "late")
		profiles[a].Seen, profiles[b].Seen = min(profiles[a].Seen, at), min(profiles[b].Seen, at)
	}
	return profiles, claims
}

func draw(t *rapid.T, n int) int { return rapid.IntRange(0, n-1).Draw(t, "profile") }

func TestClusterIsAFunctionOfTheSetOfClaims(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profiles, claims := world(t)
		want := identity.Cluster(profiles, claims)
		shuffled := rapid.Permutation(slices.Concat(claims, claims)).Draw(t, "shuffled and repeated")
		got := identity.Cluster(rapid.Permutation(profiles).Draw(t, "profiles"), shuffled)
		if diff := cmp.Diff(got, want); diff != "" {
			t.Fatalf("(-shuffled +in order):\n%s", diff)
		}
	})
}

// Repeating a link or an alias later says nothing new.
func TestLaterRepeatsChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profiles, claims := world(t)
		again := slices.Clone(claims)
		for _, c := range claims {
			if c.Kind <= identity.Alias {
				c.At += lead.Instant(rapid.IntRange(1, 20).Draw(t, "later"))
				c.MessageID += " again"
				again = append(again, c)
			}
		}
		if diff := cmp.Diff(identity.Cluster(profiles, again).Root, identity.Cluster(profiles, claims).Root); diff != "" {
			t.Fatalf("(-repeated +once):\n%s", diff)
		}
	})
}

func TestUnmergeUndoesMerge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profiles, claims := world(t)
		known := profiles[:6] // not devices: a merge takes those away
		stranger := identity.Profile{ID: lead.ProfileID(len(profiles) + 1), Kind: identity.User}
		profiles = append(profiles, stranger)
		before := identity.Cluster(profiles, claims)
		a := known[draw(t, len(known))].ID
		apart := []lead.ProfileID{stranger.ID}
		for _, p := range known {
			if before.Root[p.ID] != before.Root[a] {
				apart = append(apart, p.ID)
			}
		}
		b := rapid.SampledFrom(apart).Draw(t, "other")
		merge := identity.Claim{A: a, B: b, Kind: identity.Merge, Trusted: true, At: 100, MessageID: "m"}
		merged := identity.Cluster(profiles, append(slices.Clone(claims), merge))
		if merged.Root[a] != merged.Root[b] {
			t.Fatal("merge did not join")
		}
		unmerge := identity.Claim{A: a, B: b, Kind: identity.Unmerge, Trusted: true, At: 101, MessageID: "u"}
		after := identity.Cluster(profiles, append(slices.Clone(claims), merge, unmerge))
		if diff := cmp.Diff(after.Root, before.Root); diff != "" {
			t.Fatalf("(-after +before):\n%s", diff)
		}
	})
}

// Whatever the trusted claims say, public ones never bring two known clusters together whose members
// were all seen before, and never add an address to somebody who has one.
func TestPublicNeverJoinsTwoKnown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profiles, claims := world(t)
		trusted := slices.DeleteFunc(claims, func(c identity.Claim) bool {
			device := profiles[c.A-1].Kind == identity.Anonymous || profiles[c.B-1].Kind == identity.Anonymous
			return !c.Trusted || device // whose a device is, a public claim may decide
		})
		for i := range profiles {
			profiles[i].Seen = 0 // everybody was seen before
		}
		want := identity.Cluster(profiles, trusted)
		for range rapid.IntRange(1, 8).Draw(t, "public claims") {
			a, b := draw(t, len(profiles)), draw(t, len(profiles))
			if profiles[a].Kind < profiles[b].Kind {
				a, b = b, a
			}
			trusted = append(trusted, identity.Claim{
				A: profiles[a].ID, B: profiles[b].ID, Kind: identity.Link, MessageID: fmt.Sprint("p", a, b),
				At: lead.Instant(rapid.IntRange(1, 20).Draw(t, "at")),
			})
		}
		got := identity.Cluster(profiles, trusted)
		for i, p := range profiles {
			for _, q := range profiles[:i] {
				if p.Kind != identity.Anonymous && q.Kind != identity.Anonymous &&
					got.Root[p.ID] == got.Root[q.ID] && want.Root[p.ID] != want.Root[q.ID] {
					t.Fatalf("public claims joined %d and %d: %v", p.ID, q.ID, trusted)
				}
			}
		}
	})
}

func TestAliasChainOfAThousand(t *testing.T) {
	t.Parallel()
	const n = 1000
	profiles := make([]identity.Profile, n)
	var claims []identity.Claim
	for i := range profiles {
		profiles[i] = identity.Profile{ID: lead.ProfileID(i + 1), Kind: identity.User}
		if i > 0 {
			claims = append(claims, identity.Claim{
				A: lead.ProfileID(i), B: lead.ProfileID(i + 1), Kind: identity.Alias, Trusted: true,
				At: lead.Instant(n - i), MessageID: fmt.Sprint(i),
			})
		}
	}
	p := identity.Cluster(profiles, claims)
	for id, root := range p.Root {
		if root != 1 {
			t.Fatalf("profile %d is in cluster %d", id, root)
		}
	}
}

func BenchmarkAliasChainOfAThousand(b *testing.B) {
	profiles := make([]identity.Profile, 1000)
	var claims []identity.Claim
	for i := range profiles {
		profiles[i] = identity.Profile{ID: lead.ProfileID(i + 1), Kind: identity.User}
		claims = append(claims, identity.Claim{
			A: lead.ProfileID(i), B: lead.ProfileID(i + 1), Kind: identity.Alias, Trusted: true, At: lead.Instant(i),
		})
	}
	for b.Loop() {
		identity.Cluster(profiles, claims)
	}
}
