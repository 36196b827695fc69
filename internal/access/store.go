package access

import (
	"database/sql"
	"maps"
	"slices"
	"strings"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

var insertKeySQL = db.SQL("access.insertKey", `
	insert into access_key (kind, name, prefix, hash, trusted, scopes, created_at, revoked_at, disabled_at, last_used_at)
	values ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0)
	returning id`)

func insertKey(tx *db.Tx, k *Key) error {
	args := []any{string(k.Kind), k.Name, k.Prefix, k.hash, k.Trusted, joinScopes(k.Scopes), int64(k.CreatedAt)}
	return tx.QueryRow(insertKeySQL, args, &k.ID)
}

var listKeysSQL = db.SQL("access.listKeys", `
	select id, kind, name, prefix, hash, trusted, scopes, created_at, revoked_at, disabled_at, last_used_at
	from access_key
	order by id`)

func listKeys(tx *db.Tx) ([]Key, error) {
	var keys []Key
	err := tx.Query(listKeysSQL, nil, func(rows *sql.Rows) error {
		k, err := scanKey(rows.Scan)
		keys = append(keys, k)
		return err
	})
	return keys, err
}

var findKeySQL = db.SQL("access.findKey", `
	select id, kind, name, prefix, hash, trusted, scopes, created_at, revoked_at, disabled_at, last_used_at
	from access_key
	where hash = $1`)

func findKey(tx *db.Tx, hash string) (Key, error) {
	return scanKey(func(dest ...any) error { return tx.QueryRow(findKeySQL, []any{hash}, dest...) })
}

func scanKey(scan func(dest ...any) error) (Key, error) {
	var k Key
	var scopes string
	err := scan(&k.ID, &k.Kind, &k.Name, &k.Prefix, &k.hash, &k.Trusted, &scopes,
		&k.CreatedAt, &k.RevokedAt, &k.DisabledAt, &k.LastUsedAt)
	if err != nil {
		return Key{}, err
	}
	k.Scopes, err = ParseScopes(scopes)
	return k, err
}

var findKindSQL = db.SQL("access.findKind", `select kind from access_key where id = $1`)

var revokeKeySQL = db.SQL("access.revokeKey", `update access_key set revoked_at = $2 where id = $1 and revoked_at = 0`)

// revokeKey answers [fault.NotFound] when there is no such key; the product's own sources are none.
func revokeKey(tx *db.Tx, id int64, at lead.Instant) error {
	var kind Kind
	err := tx.QueryRow(findKindSQL, []any{id}, &kind)
	if err != nil || kind != Write && kind != API {
		return noSuchKey(id, err)
	}
	_, err = tx.Exec(revokeKeySQL, id, int64(at))
	return err
}

var storeUseSQL = db.SQL("access.storeUse", `update access_key set last_used_at = $2 where id = $1 and last_used_at < $2`)

func noSuchKey(id int64, err error) error {
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.New(fault.NotFound, "there is no key %d", id).WithCode("unknown_key_id").WithField("id").
		WithHint("cusp key list shows the ids")
}

func storeUse(tx *db.Tx, used map[int64]lead.Instant) error {
	for _, id := range slices.Sorted(maps.Keys(used)) {
		if _, err := tx.Exec(storeUseSQL, id, int64(used[id])); err != nil {
			return err
		}
	}
	return nil
}

func joinScopes(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}
