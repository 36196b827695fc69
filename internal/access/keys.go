package access

import (
	"context"
	"crypto/rand"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/seal"
)

// cachedFor is how long a looked-up key is believed. A key that is revoked by another process ends
// within this time; one revoked here ends at once.
const cachedFor = time.Second

// cacheMax bounds the memory of looked-up secrets, most of which may be wrong ones.
const cacheMax = 4096

// nameMax is the longest name of a key, in characters.
const nameMax = 100

// prefixShown is how much of a secret lists show, so that people recognise their keys.
const prefixShown = 10

// markOf begins every secret of a kind: it tells people and secret scanners what they have found.
func markOf(kind Kind) string {
	if kind == Write {
		return "cuspw_"
	}
	return "cuspk_"
}

// Keys makes, lists, revokes and looks up keys. It is safe for concurrent use.
type Keys struct {
	db     *db.DB
	now    func() time.Time
	random io.Reader

	mu    sync.Mutex
	cache map[string]found
	used  map[int64]lead.Instant
}

// found is the outcome of one look-up.
type found struct {
	key   Key
	known bool
	until time.Time
}

// NewKeys serves the keys of a database. The clock is asked for every look-up; it should be monotonic,
// as [time.Now] is.
func NewKeys(d *db.DB, now func() time.Time) *Keys {
	return &Keys{db: d, now: now, random: rand.Reader, cache: map[string]found{}, used: map[int64]lead.Instant{}}
}

// Key is a key as lists show it: without its secret.
type Key struct {
	ID         int64
	Kind       Kind
	Name       string
	Prefix     string // how the secret begins
	Trusted    bool   // a write key of a server, kept secret by its owner
	Scopes     []Scope
	CreatedAt  lead.Instant
	RevokedAt  lead.Instant // 0: in use
	DisabledAt lead.Instant // 0: in use
	LastUsedAt lead.Instant // to the minute; 0: never

	hash string
}

// Principal is who shows this key.
func (k Key) Principal() Principal {
	return Principal{Kind: k.Kind, ID: k.ID, Name: k.Name, Trusted: k.Trusted || k.Kind == API, Scopes: k.Scopes}
}

// subject names the key in the audit log.
func (k Key) subject() string { return "key:" + strconv.FormatInt(k.ID, 10) }

// NewKey is what a key is made from.
type NewKey struct {
	Kind    Kind
	Name    string
	Trusted bool    // write keys: used by a server, not by browsers
	Scopes  []Scope // API keys; none: read
}

func (n NewKey) check() error {
	switch {
	case n.Kind != Write && n.Kind != API:
		return fault.New(fault.Invalid, "%q is not a kind of key", n.Kind).WithField("kind").
			WithHint("write keys send events (write), API keys read and change things (api)")
	case n.Name == "" || utf8.RuneCountInString(n.Name) > nameMax:
		return fault.New(fault.Invalid, "a key needs a name of 1 to %d characters", nameMax).WithField("name").
			WithHint("name it after what will use it, such as \"website\"")
	case n.Kind == Write && len(n.Scopes) > 0:
		return fault.New(fault.Invalid, "a write key has no scopes").WithField("scopes").
			WithHint("leave the scopes out, or make an API key")
	case n.Kind == API && n.Trusted:
		return fault.New(fault.Invalid, "an API key is always trusted").WithField("trusted").
			WithHint("leave it out; it is meant for write keys of servers")
	}
	return nil
}

// Create makes a key and returns it with its secret, which is stored nowhere.
func (k *Keys) Create(ctx context.Context, n NewKey) (Key, string, error) {
	if err := n.check(); err != nil {
		return Key{}, "", err
	}
	secret, err := seal.NewToken(k.random, markOf(n.Kind))
	if err != nil {
		return Key{}, "", err
	}
	key := Key{
		Kind: n.Kind, Name: n.Name, Prefix: secret[:prefixShown], Trusted: n.Trusted,
		Scopes: n.Scopes, CreatedAt: lead.At(k.now()), hash: seal.Hash(secret),
	}
	if key.Kind == API && len(key.Scopes) == 0 {
		key.Scopes = []Scope{ScopeRead}
	}
	err = k.db.Write(ctx, func(tx *db.Tx) error {
		if err := insertKey(tx, &key); err != nil {
			return err
		}
		return Record(tx, Change{What: "key.created", Subject: key.subject(), After: key, At: key.CreatedAt})
	})
	if err != nil {
		return Key{}, "", err
	}
	k.forget()
	return key, secret, nil
}

// List is every key, the revoked ones included, in the order in which they were made.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := k.db.Read(ctx, func(tx *db.Tx) (err error) {
		keys, err = listKeys(tx)
		return err
	})
	return keys, err
}

// Revoke ends a key for good. Revoking it again changes nothing.
func (k *Keys) Revoke(ctx context.Context, id int64) error {
	err := k.db.Write(ctx, func(tx *db.Tx) error {
		at := lead.At(k.now())
		if err := revokeKey(tx, id, at); err != nil {
			return err
		}
		return Record(tx, Change{What: "key.revoked", Subject: "key:" + strconv.FormatInt(id, 10), After: "revoked", At: at})
	})
	k.forget()
	return err
}

// Lookup finds who shows a secret: [fault.Unauthentic] when the secret is unknown, revoked or disabled.
func (k *Keys) Lookup(ctx context.Context, secret string) (Principal, error) {
	key, err := k.Find(ctx, secret)
	if err != nil {
		return Principal{}, err
	}
	if key.DisabledAt != 0 {
		return Principal{}, fault.New(fault.Unauthentic, "this key is switched off").WithCode("disabled_key")
	}
	return key.Principal(), nil
}

// Find is the key that a secret opens; it may be disabled. [fault.Unauthentic] when the secret is unknown
// or revoked.
func (k *Keys) Find(ctx context.Context, secret string) (Key, error) {
	if secret == "" || len(secret) > seal.MaxLength {
		return Key{}, unknownKey()
	}
	h, now := seal.Hash(secret), k.now()
	f, ok := k.cached(h, now)
	if !ok {
		var err error
		if f, err = k.load(ctx, h, now); err != nil {
			return Key{}, err
		}
	}
	if !f.known || !seal.Equal(f.key.hash, h) {
		return Key{}, unknownKey()
	}
	if f.key.RevokedAt != 0 {
		return Key{}, fault.New(fault.Unauthentic, "this key was revoked").WithCode("revoked_key").
			WithHint("make another with cusp key create")
	}
	k.touch(f.key.ID, lead.At(now))
	return f.key, nil
}

func unknownKey() error {
	return fault.New(fault.Unauthentic, "this key is not known").WithCode("unknown_key").
		WithHint("check it, or make one with cusp key create")
}

func (k *Keys) cached(h string, now time.Time) (found, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, ok := k.cache[h]
	return f, ok && now.Before(f.until)
}

// load reads a key. The time at which reading began counts, so that a revocation that happens meanwhile
// is not overlooked for longer than cachedFor.
func (k *Keys) load(ctx context.Context, h string, now time.Time) (found, error) {
	f := found{until: now.Add(cachedFor)}
	err := k.db.Read(ctx, func(tx *db.Tx) (err error) {
		f.key, err = findKey(tx, h)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return found{}, err
	}
	f.known = err == nil
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cache) >= cacheMax {
		clear(k.cache)
	}
	k.cache[h] = f
	return f, nil
}

func (k *Keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.cache)
}

// touch notes that a key was used.
func (k *Keys) touch(id int64, at lead.Instant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used[id] = at
}

// Flush stores when keys were last used. It is called now and then: a write for every request would
// cost more than the answer is worth.
func (k *Keys) Flush(ctx context.Context) error {
	k.mu.Lock()
	used := k.used
	k.used = map[int64]lead.Instant{}
	k.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return k.db.Write(ctx, func(tx *db.Tx) error { return storeUse(tx, used) })
}
