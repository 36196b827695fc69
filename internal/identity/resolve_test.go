package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

// event makes an event from short words: "user=u", "anonymous=a", "email=e@x.com" (a trait), "group=g",
// "previous=p", "website=…" and other traits, "trusted".
func event(typ lead.EventType, at int, words ...string) lead.Event {
	e := lead.Event{Type: typ, Source: 1, Time: lead.Instant(at), ReceivedAt: lead.Instant(at)}
	e.MessageID = fmt.Sprint(typ, at, words)
	traits := map[string]any{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "trusted":
			e.Flags |= lead.Trusted
		case "late":
			e.ReceivedAt = e.Time.Add(8 * 24 * time.Hour)
		case "user":
			e.UserID = value
		case "anonymous":
			e.AnonymousID = value
		case "group":
			e.GroupID = value
		case "previous":
			e.PreviousID = value
		case "source":
			e.Source = lead.SourceID(len(value))
		default:
			traits[key] = value
		}
	}
	body, err := json.Marshal(map[string]any{"traits": traits})
	if err != nil {
		panic(err)
	}
	e.Body = body
	return e
}

func resolve(t testing.TB, d *db.DB, events ...lead.Event) identity.Resolution {
	t.Helper()
	var res identity.Resolution
	err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
		res, err = identity.Resolve(tx, events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func read[T any](t testing.TB, d *db.DB, fn func(tx *db.Tx) (T, error)) T {
	t.Helper()
	var out T
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func find(t testing.TB, d *db.DB, ref string) lead.PersonID {
	t.Helper()
	return read(t, d, func(tx *db.Tx) (lead.PersonID, error) { return identity.Find(tx, ref) })
}

// identifiers of a person, as references.
func identifiers(t testing.TB, d *db.DB, ref string) []string {
	t.Helper()
	profiles := read(t, d, func(tx *db.Tx) ([]identity.Profile, error) {
		id, err := identity.Find(tx, ref)
		if err != nil {
			return nil, err
		}
		return identity.Profiles(tx, id)
	})
	var out []string
	for _, p := range profiles {
		out = append(out, identity.Reference{Kind: p.Kind, Value: p.Value}.String())
	}
	slices.Sort(out)
	return out
}

func TestAnonymousBecomesKnown(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		first := resolve(t, d, event(lead.Page, 1, "anonymous=a"))
		person := first.Events[0].Person
		if person == 0 || first.Events[0].Profile != lead.ProfileID(person) {
			t.Fatalf("got %+v", first)
		}
		// The same person goes on: the user id is new and has no history of its own.
		known := resolve(t, d, event(lead.Identify, 2, "anonymous=a", "user=u", "email=E@Acme.com"))
		if got := known.Events[0]; got.Person != person || got.Profile == first.Events[0].Profile || len(known.Refold) > 0 {
			t.Errorf("got %+v", known)
		}
		// A second device with history joins: that history is folded into the person's.
		other := resolve(t, d, event(lead.Page, 1, "anonymous=b")).Events[0].Person
		joined := resolve(t, d, event(lead.Track, 4, "anonymous=b", "user=u"))
		want := identity.Resolution{
			Events: []identity.Placement{{Profile: known.Events[0].Profile, Person: person}},
			Refold: []lead.PersonID{person},
			Gone:   []identity.Redirect{{From: lead.ProfileID(other), Into: lead.ProfileID(person)}},
		}
		if diff := cmp.Diff(joined, want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
		for _, ref := range []string{"u", "e@acme.com", " E@ACME.COM.", "a", "b", person.String(), other.String()} {
			if got := find(t, d, ref); got != person {
				t.Errorf("Find(%q) = %s, want %s", ref, got, person)
			}
		}
		want2 := []string{"anonymous:a", "anonymous:b", "email:e@acme.com", "user:u"}
		if diff := cmp.Diff(identifiers(t, d, "u"), want2); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
	})
}

func TestFind_unknown(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		acc := resolve(t, d, event(lead.Group, 1, "group=g", "trusted")).Events[0].Account
		for _, ref := range []string{"", "nobody", "x@y.zz", lead.PersonID(99).String(), lead.PersonID(acc).String()} {
			err := d.Read(t.Context(), func(tx *db.Tx) error { _, err := identity.Find(tx, ref); return err })
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("Find(%q): %v", ref, err)
			}
		}
	})
}

// A39 of the attack cases: a device that belongs to lead A identifies with a public key as lead B.
func TestPublicKeysNeverMergeKnownLeads(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		resolve(t, d,
			event(lead.Identify, 1, "anonymous=a", "email=a@x.com"),
			event(lead.Identify, 1, "user=b", "email=b@x.com", "trusted"),
			event(lead.Identify, 1, "user=c", "trusted"),
			event(lead.Identify, 1, "email=d@x.com", "trusted"))
		for i, attack := range []lead.Event{
			event(lead.Identify, 5, "anonymous=a", "email=b@x.com"),
			event(lead.Identify, 6, "anonymous=a", "user=b"),
			event(lead.Identify, 7, "anonymous=a", "user=b", "email=a@x.com"),
			event(lead.Identify, 8, "user=c", "email=b@x.com"),
			event(lead.Alias, 9, "user=c", "previous=b"),
			event(lead.Alias, 9, "user=b", "previous=a"),
			event(lead.Identify, 9, "user=b", "email=second@x.com"),
			event(lead.Identify, 0, "user=mallory", "email=b@x.com"),   // dated back
			event(lead.Identify, 0, "user=c", "email=d@x.com", "late"), // the same, about two that servers know
		} {
			if res := resolve(t, d, attack); res.Events[0].Refused != "" {
				t.Errorf("attack %d was refused: it is stored, and claims nothing", i)
			}
		}
		for ref, want := range map[string]string{
			"a@x.com": "anonymous:a email:a@x.com", "b": "email:b@x.com user:b", "c": "user:c", "d@x.com": "email:d@x.com",
		} {
			got := strings.Join(slices.DeleteFunc(identifiers(t, d, ref), func(s string) bool {
				return s == "anonymous:b"
			}), " ")
			if got != want {
				t.Errorf("%s is %q, want %q", ref, got, want)
			}
		}
	})
}

// A38 of the attack cases.
func TestAliasCycles(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		res := resolve(t, d,
			event(lead.Alias, 1, "user=a", "previous=a", "trusted"),
			event(lead.Alias, 2, "user=b", "previous=a", "trusted"),
			event(lead.Alias, 3, "user=a", "previous=b", "trusted"))
		later := resolve(t, d,
			event(lead.Alias, 4, "user=c", "previous=b", "trusted"),
			event(lead.Alias, 5, "user=b", "previous=a", "trusted"), // known already
			event(lead.Alias, 6, "user=a", "previous=c", "trusted"))
		var got []string
		for _, e := range slices.Concat(res.Events, later.Events) {
			got = append(got, e.Refused)
		}
		want := []string{identity.AliasCycle, "", identity.AliasCycle, "", "", identity.AliasCycle}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
		if find(t, d, "a") != find(t, d, "c") {
			t.Error("the chain a, b, c is not one person")
		}
	})
}

func TestAliasChainResolves(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		var events []lead.Event
		for i := range 1000 {
			events = append(events, event(lead.Alias, i+1, fmt.Sprintf("user=u%d", i+1), fmt.Sprintf("previous=u%d", i), "trusted"))
		}
		for chunk := range slices.Chunk(events, 250) {
			resolve(t, d, chunk...)
		}
		if find(t, d, "u0") != find(t, d, "u1000") {
			t.Error("the ends of the chain are two people")
		}
		res := resolve(t, d, event(lead.Alias, 2000, "user=u0", "previous=u1000", "trusted"))
		if got := res.Events[0].Refused; got != identity.AliasCycle {
			t.Errorf("closing the chain: %q", got)
		}
	})
}

func TestMergeAndUnmerge(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		res := resolve(t, d,
			event(lead.Identify, 1, "user=u", "anonymous=a", "email=u@x.com", "trusted"),
			event(lead.Identify, 1, "user=v", "anonymous=b", "email=v@x.com", "trusted"))
		u, v := res.Events[0].Person, res.Events[1].Person
		merged := resolve(t, d, event(lead.Merge, 2, "user=user:u", "previous="+v.String(), "trusted"))
		if len(merged.Gone) != 1 || len(merged.Refold) != 1 || find(t, d, "v") != find(t, d, "u") {
			t.Errorf("merge: %+v", merged)
		}
		split := resolve(t, d, event(lead.Unmerge, 3, "user=email:u@x.com", "previous=v", "trusted"))
		want := []lead.PersonID{min(u, v), max(u, v)}
		if diff := cmp.Diff(split.Refold, want); diff != "" {
			t.Errorf("people to fold again (-got +want):\n%s", diff)
		}
		if find(t, d, "b") != v || find(t, d, "a") != u || find(t, d, v.String()) != v {
			t.Error("un-merge does not undo merge")
		}
		// Automatic claims do not join them again, a merge does.
		resolve(t, d, event(lead.Alias, 4, "user=u", "previous=v", "trusted"))
		if find(t, d, "u") == find(t, d, "v") {
			t.Error("an alias overrules an un-merge")
		}
		resolve(t, d, event(lead.Merge, 5, "user=u", "previous=v", "trusted"))
		if find(t, d, "u") != find(t, d, "v") {
			t.Error("a merge does not end an un-merge")
		}
	})
}

// A person is named by its oldest profile, often a device. Merging by id joins the people; un-merging by
// id speaks of that profile alone.
func TestIdsInMergeAndUnmerge(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		resolve(t, d, event(lead.Page, 1, "anonymous=a"), event(lead.Page, 1, "anonymous=b"))
		resolve(t, d, event(lead.Identify, 2, "anonymous=a", "user=u"), event(lead.Identify, 2, "anonymous=b", "user=v"))
		u, v := find(t, d, "u"), find(t, d, "v")
		if u != find(t, d, "a") {
			t.Fatal("the person is not named by the device")
		}
		resolve(t, d, event(lead.Merge, 3, "user="+u.String(), "previous="+v.String(), "trusted"))
		want := []string{"anonymous:a", "anonymous:b", "user:u", "user:v"}
		if diff := cmp.Diff(identifiers(t, d, "u"), want); diff != "" {
			t.Errorf("merged (-got +want):\n%s", diff)
		}
		device := u // the profile of that number is the device a
		resolve(t, d, event(lead.Unmerge, 4, "user=u", "previous="+device.String(), "trusted"))
		if diff := cmp.Diff(identifiers(t, d, "u"), want[1:]); diff != "" {
			t.Errorf("un-merged (-got +want):\n%s", diff)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		resolve(t, d, event(lead.Track, 1, "user=u"), event(lead.Track, 1, "user=v"), event(lead.Group, 1, "group=g", "trusted"))
		for want, e := range map[string]lead.Event{
			identity.NotTrusted:       event(lead.Merge, 2, "user=u", "previous=v"),
			identity.BadReference:     event(lead.Merge, 2, "user=email:nonsense", "previous=v", "trusted"),
			identity.UnknownReference: event(lead.Merge, 2, "user=u", "previous="+lead.PersonID(999).String(), "trusted"),
			identity.UnlikeReferences: event(lead.Merge, 2, "user=u", "previous=group:g", "trusted"),
			identity.NoIdentity:       event(lead.Identify, 2, "email=a@localhost"),
		} {
			res := resolve(t, d, e)
			if diff := cmp.Diff(res, identity.Resolution{Events: []identity.Placement{{Refused: want}}}); diff != "" {
				t.Errorf("%s (-got +want):\n%s", want, diff)
			}
		}
		if find(t, d, "u") == find(t, d, "v") {
			t.Error("a refused merge merged")
		}
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		res := resolve(t, d,
			event(lead.Identify, 1, "anonymous=a", "email=ann@mail.acme.com"),
			event(lead.Identify, 1, "anonymous=b", "email=bob@gmail.com"),
			event(lead.Group, 2, "user=u", "group=g1", "website=https://www.acme.com/", "employeeCount=51-200"),
			event(lead.Group, 3, "website=other.example", "name=Other", "trusted"))
		account := func(group, domain string) lead.AccountID {
			return read(t, d, func(tx *db.Tx) (lead.AccountID, error) { return identity.AccountOf(tx, group, domain) })
		}
		acme := account("", "mail.acme.com")
		if acme == 0 || account("g1", "gmail.com") != acme || res.Events[2].Account != acme {
			t.Errorf("the group and its domain are two accounts: %+v", res)
		}
		if account("", "gmail.com") != 0 || account("", "") != 0 || account("unseen", "") != 0 {
			t.Error("a free-mail domain or nothing at all has an account")
		}
		if e := res.Events[3]; e.Person != 0 || e.Account == 0 || e.Account == acme {
			t.Errorf("pure account event: %+v", e)
		}
		if diff := cmp.Diff(res.Accounts, []lead.AccountID{acme, res.Events[3].Account}); diff != "" {
			t.Errorf("changed accounts (-got +want):\n%s", diff)
		}
		facts := read(t, d, func(tx *db.Tx) ([]identity.Fact, error) { return identity.AccountFacts(tx, acme) })
		traits := map[string]any{}
		for _, f := range facts {
			identity.ApplyAccount(traits, f)
		}
		want := map[string]any{"domain": "acme.com", "group_id": "g1", "website": "https://www.acme.com/", "employees": 51.0}
		if diff := cmp.Diff(traits, want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
		for _, ref := range []string{"g1", "acme.com", "https://acme.com/pricing", acme.String()} {
			if got := read(t, d, func(tx *db.Tx) (lead.AccountID, error) { return identity.FindAccount(tx, ref) }); got != acme {
				t.Errorf("FindAccount(%q) = %s, want %s", ref, got, acme)
			}
		}
	})
}

// A second group with the same website stays an account of its own: only a merge joins two groups.
func TestTwoGroupsOfOneDomain(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		group := func(at int, id string) lead.AccountID {
			return resolve(t, d, event(lead.Group, at, "group="+id, "website=acme.com", "trusted")).Events[0].Account
		}
		one, two := group(1, "one"), group(2, "two")
		if one == two {
			t.Fatal("two groups became one account")
		}
		res := resolve(t, d, event(lead.Merge, 3, "user=group:one", "previous="+two.String(), "trusted"))
		if len(res.GoneAccounts) != 1 || res.Events[0].Person != 0 || group(4, "one") != group(5, "two") {
			t.Errorf("merge of accounts: %+v", res)
		}
	})
}

func TestInventedAnonymousIDs(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		e := event(lead.Track, 1, "user=u", "anonymous=random", "trusted")
		e.Body = []byte(`{"context":{"library":{"name":"analytics-go","version":"4.2.1"}}}`)
		resolve(t, d, e)
		if got := identifiers(t, d, "u"); len(got) != 1 {
			t.Errorf("an anonymous id that the library made up became an identifier: %v", got)
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		for i := range 5 {
			resolve(t, d, event(lead.Identify, i, fmt.Sprint("user=u", i), fmt.Sprintf("email=u%d@acme%d.com", i, i), "trusted"))
		}
		var people []lead.PersonID
		for after := lead.PersonID(0); ; {
			page := read(t, d, func(tx *db.Tx) ([]lead.PersonID, error) { return identity.People(tx, after, 2) })
			if len(page) == 0 {
				break
			}
			people = append(people, page...)
			after = page[len(page)-1]
		}
		accounts := read(t, d, func(tx *db.Tx) ([]lead.AccountID, error) { return identity.Accounts(tx, 0, 10) })
		if len(people) != 5 || !slices.IsSorted(people) || len(accounts) != 5 {
			t.Errorf("people %v, accounts %v", people, accounts)
		}
	})
}

// history draws events that meet each other: few identifiers, times that repeat. Aliases lead from
// smaller to larger numbers, so that none is refused. Every identifier ends in "-ns".
func history(t *rapid.T) []lead.Event {
	pick := func(prefix string, n int) string {
		return fmt.Sprint(prefix, rapid.IntRange(0, n-1).Draw(t, prefix), "-ns")
	}
	site := func() string { return pick("c", 2) + ".com" }
	events := make([]lead.Event, rapid.IntRange(1, 30).Draw(t, "events"))
	for i := range events {
		at := rapid.IntRange(1, 25).Draw(t, "at")
		var words []string
		if rapid.Bool().Draw(t, "trusted") {
			words = append(words, "trusted")
		} else if rapid.Bool().Draw(t, "late") {
			words = append(words, "late")
		}
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			events[i] = event(lead.Page, at, append(words, pick("anonymous=a", 4))...)
		case 1, 2:
			events[i] = event(lead.Track, at, append(words, pick("anonymous=a", 4), pick("user=u", 4))...)
		case 3:
			events[i] = event(lead.Identify, at, append(words, pick("anonymous=a", 4), pick("email=e", 4)+"@"+site())...)
		case 4, 5:
			events[i] = event(lead.Identify, at, append(words, pick("user=u", 4), pick("email=e", 4)+"@"+site())...)
		case 6:
			events[i] = event(lead.Group, at, append(words, pick("user=u", 4), pick("group=g", 3), "website="+site())...)
		case 7:
			n := rapid.IntRange(0, 2).Draw(t, "previous")
			events[i] = event(lead.Alias, at, append(words, fmt.Sprint("previous=u", n, "-ns"), fmt.Sprint("user=u", n+1, "-ns"))...)
		case 8:
			events[i] = event(lead.Merge, at, "trusted", pick("user=u", 4), pick("previous=email:e", 4)+"@c0-ns.com")
		case 9:
			events[i] = event(lead.Unmerge, at, "trusted", pick("user=u", 4), pick("previous=anonymous:a", 4))
		}
		events[i].MessageID = fmt.Sprintf("%02d", i)
	}
	return events
}

// within puts the events into a namespace of their own, so that one database serves many histories.
func within(ns string, events []lead.Event) []lead.Event {
	out := slices.Clone(events)
	for i := range out {
		e := &out[i]
		for _, s := range [...]*string{&e.UserID, &e.AnonymousID, &e.GroupID, &e.PreviousID} {
			*s = strings.ReplaceAll(*s, "-ns", ns)
		}
		e.Body = []byte(strings.ReplaceAll(string(e.Body), "-ns", ns))
	}
	return out
}

// owners maps every identifier of a namespace to the person or account that it belongs to.
func owners(tx *db.Tx, ns string, after lead.ProfileID) (map[string]lead.ProfileID, error) {
	people, err := identity.People(tx, lead.PersonID(after), 1000)
	if err != nil {
		return nil, err
	}
	accounts, err := identity.Accounts(tx, lead.AccountID(after), 1000)
	if err != nil {
		return nil, err
	}
	for _, id := range accounts {
		people = append(people, lead.PersonID(id))
	}
	out := map[string]lead.ProfileID{}
	for _, id := range people {
		profiles, err := identity.Profiles(tx, id)
		if err != nil {
			return nil, err
		}
		for _, p := range profiles {
			if ref := (identity.Reference{Kind: p.Kind, Value: p.Value}).String(); strings.Contains(ref, ns) {
				out[strings.ReplaceAll(ref, ns, "")] = lead.ProfileID(id)
			}
		}
	}
	return out, nil
}

// clusters are the sets of identifiers that belong together.
func clusters(owners map[string]lead.ProfileID) []string {
	groups := map[lead.ProfileID][]string{}
	for _, ref := range slices.Sorted(maps.Keys(owners)) {
		groups[owners[ref]] = append(groups[owners[ref]], ref)
	}
	var out []string
	for _, refs := range groups {
		out = append(out, strings.Join(refs, " "))
	}
	slices.Sort(out)
	return out
}

// The order in which events arrive, and how they are gathered into batches, changes neither people nor
// accounts; and a batch reports everybody whose history it changes.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		run, last := 0, lead.ProfileID(0)
		rapid.Check(t, func(rt *rapid.T) {
			run++
			one, two := fmt.Sprintf("-x%dx", run), fmt.Sprintf("-y%dy", run)
			events := history(rt)
			now := func(ns string) map[string]lead.ProfileID {
				return read(t, d, func(tx *db.Tx) (map[string]lead.ProfileID, error) { return owners(tx, ns, last) })
			}
			resolve(t, d, within(one, events)...)
			before, stored := map[string]lead.ProfileID{}, map[lead.ProfileID]bool{}
			rest := within(two, rapid.Permutation(events).Draw(rt, "order"))
			for len(rest) > 0 {
				n := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
				res := resolve(t, d, rest[:n]...)
				after := now(two)
				checkReport(rt, res, before, after)
				before, rest = after, rest[n:]
				for _, e := range res.Events {
					stored[e.Profile] = true
				}
			}
			want := now(one)
			if diff := cmp.Diff(clusters(before), clusters(want)); diff != "" {
				rt.Fatalf("(-shuffled +at once):\n%s", diff)
			}
			for _, owners := range [...]map[string]lead.ProfileID{before, want} {
				for _, id := range owners {
					last = max(last, id)
				}
			}
		})
	})
}

// checkReport compares what a batch reports with how identifiers of before it moved.
func checkReport(t *rapid.T, res identity.Resolution, before, after map[string]lead.ProfileID) {
	roots := map[lead.ProfileID]bool{}
	for _, id := range after {
		roots[id] = true
	}
	refold := map[lead.ProfileID]bool{}
	for _, id := range res.Refold {
		refold[lead.ProfileID(id)] = true
	}
	for _, id := range res.Accounts {
		refold[lead.ProfileID(id)] = true
	}
	gone := map[lead.ProfileID]lead.ProfileID{}
	for _, g := range slices.Concat(res.Gone, res.GoneAccounts) {
		gone[g.From] = g.Into
	}
	for id := range refold {
		if !roots[id] {
			t.Fatalf("%d is to be folded again, but does not exist", id)
		}
	}
	for ref, old := range before {
		if after[ref] == old {
			continue
		}
		if !refold[after[ref]] {
			t.Fatalf("%s moved from %d to %d, which is not reported", ref, old, after[ref])
		}
		if !roots[old] && gone[old] == 0 || roots[old] && !refold[old] {
			t.Fatalf("%s left %d, which is not reported", ref, old)
		}
	}
}

// Two replicas create the same people at the same time: each batch succeeds, each identifier has one
// profile.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	if !slices.Contains(dbtest.Dialects(), db.Postgres) {
		return
	}
	dsn := dbtest.DSN(t, db.Postgres)
	var replicas [2]*db.DB
	for i := range replicas {
		d, err := db.Open(t.Context(), dsn, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		replicas[i] = d
	}
	if _, err := migrate.Run(t.Context(), replicas[0]); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for r, d := range replicas {
		wait.Go(func() {
			for batch := range 20 {
				var events []lead.Event
				for i := range 40 {
					n := (i*7 + r*13) % 40 // another order in each replica
					events = append(events, event(lead.Identify, batch*100+i+1, fmt.Sprintf("user=u%d-%d", batch, n),
						fmt.Sprintf("anonymous=a%d-%d", batch, (n+r)%40), fmt.Sprintf("email=e%d-%d@x.com", batch, n), "trusted"))
				}
				err := d.Write(context.Background(), func(tx *db.Tx) error {
					_, err := identity.Resolve(tx, events)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for batch := range 20 {
		for n := range 40 {
			got := identifiers(t, replicas[0], fmt.Sprintf("u%d-%d", batch, n))
			users := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, "user:") })
			if len(users) != 1 || !slices.Contains(got, fmt.Sprintf("email:e%d-%d@x.com", batch, n)) {
				t.Errorf("u%d-%d is %v", batch, n, got)
			}
		}
	}
}
