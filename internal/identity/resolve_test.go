package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
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

// A library that sends one anonymous id for everybody: the id is nobody's, whatever the order of arrival,
// and costs no more than any other.
func TestAnonymousIdOfEverybody(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		var events []lead.Event
		for i := range 150 {
			events = append(events, event(lead.Track, (i*7)%150+1, fmt.Sprint("user=u", i), "anonymous=unknown"))
		}
		resolve(t, d, event(lead.Page, 1, "anonymous=unknown"))
		for chunk := range slices.Chunk(events, 40) {
			resolve(t, d, chunk...)
		}
		if got := identifiers(t, d, "unknown"); len(got) != 1 {
			t.Errorf("it belongs to %v", got)
		}
		for i := range 150 {
			if got := identifiers(t, d, fmt.Sprint("u", i)); len(got) != 1 {
				t.Errorf("u%d is %v", i, got)
			}
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

// A group call that repeats what was said concerns nobody; one that comes between does.
func TestRepeatedAccountFacts(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		said := func(at int, plan string) bool {
			return len(resolve(t, d, event(lead.Group, at, "user=u", "group=g", "plan="+plan, "trusted")).Accounts) > 0
		}
		for i, tc := range []struct {
			at   int
			plan string
			news bool
		}{{10, "free", true}, {20, "free", false}, {30, "pro", true}, {40, "pro", false}, {35, "free", true}, {25, "free", false}, {5, "pro", true}} {
			if got := said(tc.at, tc.plan); got != tc.news {
				t.Errorf("call %d: news %v, want %v", i, got, tc.news)
			}
		}
		account := read(t, d, func(tx *db.Tx) (lead.AccountID, error) { return identity.FindAccount(tx, "g") })
		var plans []string
		for _, f := range read(t, d, func(tx *db.Tx) ([]identity.Fact, error) { return identity.AccountFacts(tx, account) })[1:] {
			plans = append(plans, fmt.Sprint(int64(f.At), f.Traits["plan"]))
		}
		want := []string{"5pro", "10free", "30pro", "35free", "40pro"}
		if diff := cmp.Diff(plans, want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
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

// Where an address may stand, and what is believed of it.
func TestWhereAddressesStand(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		for i, tc := range []struct {
			typ  lead.EventType
			user string
			body string
			want string // reference that must lead to the person; "" when there is no address
		}{
			{lead.Identify, "u", `{"traits":{"email":"A1@x.com"}}`, "a1@x.com"},
			{lead.Identify, "u", `{"traits":{"emailAddress":"a2@x.com"}}`, "a2@x.com"},
			{lead.Identify, "u", `{"traits":{"email":"\u0061\u0033@x.com"}}`, "a3@x.com"},
			{lead.Identify, "u", `{"context":{"traits":{"email":"a4@x.com"}},"traits":{}}`, "a4@x.com"},
			{lead.Identify, "u", `{"traits":{"email":"a5@x.com, b@x.com"}}`, ""},
			{lead.Identify, "u", `{"traits":{"email":["a6@x.com"]}}`, ""},
			{lead.Identify, "u", `{"traits":"a7@x.com"}`, ""},
			{lead.Track, "u", `{"context":{"traits":{"email":"a8@x.com"}}}`, ""},        // a hint, not an identify
			{lead.Track, "", `{"context":{"traits":{"email":"a9@x.com"}}}`, "a9@x.com"}, // nothing else says who
			{lead.Track, "a10@X.com", `{}`, "a10@x.com"},
			{lead.Group, "u", `{"traits":{"email":"a11@x.com"}}`, ""}, // the company's
		} {
			address := fmt.Sprintf("a%d@x.com", i+1)
			e := lead.Event{Type: tc.typ, Flags: lead.Trusted, UserID: tc.user, MessageID: address, Time: 1, Body: []byte(tc.body)}
			if tc.user == "u" {
				e.UserID = fmt.Sprint("u", i)
			}
			res := resolve(t, d, e)
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				person, err := identity.Find(tx, address)
				if err == nil && person != res.Events[0].Person {
					t.Errorf("%s: another person", tc.body)
				}
				return err
			})
			if found := err == nil; found != (tc.want != "") {
				t.Errorf("%s: found %v, want %q", tc.body, found, tc.want)
			}
		}
	})
}
