package identity_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

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
