package access

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/seal"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestKeys_createdKeyIsFoundBySecretOnly(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		k := NewKeys(d, newClock().Now)
		made, secret, err := k.Create(t.Context(), NewKey{Kind: Write, Name: "website"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(secret, made.Prefix) || len(secret) < 32 {
			t.Errorf("secret %q, prefix %q", secret, made.Prefix)
		}
		got, err := k.Lookup(t.Context(), secret)
		want := Principal{Kind: Write, ID: made.ID, Name: "website"}
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("Lookup = %+v, %v; want %+v", got, err, want)
		}
		for _, wrong := range []string{"", "x", made.Prefix, secret[:len(secret)-1], secret + "0", strings.ToUpper(secret), seal.Hash(secret), strings.Repeat("a", 1<<20)} {
			if _, err := k.Lookup(t.Context(), wrong); !fault.Is(err, fault.Unauthentic) {
				t.Errorf("Lookup of a wrong secret: %v", err)
			}
		}
	})
}

func TestKeys_secretIsStoredNowhere(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		k := NewKeys(d, newClock().Now)
		_, secret, err := k.Create(t.Context(), NewKey{Kind: API, Name: "report", Scopes: []Scope{ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := k.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if strings.Contains(key.hash+key.Name+key.Prefix, secret) {
				t.Errorf("key %d shows its secret", key.ID)
			}
		}
	})
}

func TestKeys_revokedKeyEndsWithinASecondElsewhere(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		here, there := NewKeys(d, c.Now), NewKeys(d, c.Now)
		made, secret, err := here.Create(t.Context(), NewKey{Kind: API, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := there.Lookup(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		if err := here.Revoke(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := here.Lookup(t.Context(), secret); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("revoked here, still found here: %v", err)
		}
		c.move(time.Second)
		if _, err := there.Lookup(t.Context(), secret); !fault.Is(err, fault.Unauthentic) {
			t.Errorf("revoked a second ago, still found elsewhere: %v", err)
		}
	})
}

func TestKeys_clockThatJumpsBackDoesNotKeepARevokedKeyAlive(t *testing.T) {
	t.Parallel()
	c := newClock()
	k := NewKeys(nil, c.Now)
	k.cache["h"] = found{until: c.Now().Add(cachedFor)}
	c.move(cachedFor)
	if _, ok := k.cached("h", c.Now()); ok {
		t.Error("an entry is believed after its time")
	}
}

func TestKeys_useIsNotedWhenFlushed(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		k := NewKeys(d, c.Now)
		made, secret, err := k.Create(t.Context(), NewKey{Kind: Write, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		c.move(time.Hour)
		if _, err := k.Lookup(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		if err := k.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys, err := k.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if key.ID == made.ID && key.LastUsedAt.Time() != c.Now() {
				t.Errorf("last used at %s, want %s", key.LastUsedAt, c.Now())
			}
		}
	})
}

func TestKeys_refusals(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		k := NewKeys(d, newClock().Now)
		for _, n := range []NewKey{
			{Kind: "master", Name: "a"},
			{Kind: Write},
			{Kind: Write, Name: strings.Repeat("é", nameMax+1)},
			{Kind: Write, Name: "a", Scopes: []Scope{ScopeRead}},
			{Kind: API, Name: "a", Trusted: true},
		} {
			if _, _, err := k.Create(t.Context(), n); !fault.Is(err, fault.Invalid) {
				t.Errorf("Create(%+v): %v", n, err)
			}
		}
		for _, id := range []int64{int64(SourceImport), int64(SourceProduct), 999} {
			if err := k.Revoke(t.Context(), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("Revoke(%d): %v", id, err)
			}
		}
	})
}

func TestKeys_sourcesHaveTheirRows(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		keys, err := NewKeys(d, newClock().Now).List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names := map[int64]string{}
		for _, k := range keys {
			names[k.ID] = k.Name
		}
		want := map[int64]string{int64(SourceImport): "import", int64(SourceProduct): "product"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Error(diff)
		}
	})
}
