package ingest

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/lead"
)

var (
	remember = db.SQL("ingest.remember", `insert into event_key (key, digest) values ($1, $2)
		on conflict (key) do nothing returning key`)
	findKeys = db.SQL("ingest.findKeys", `select key, digest from event_key where key in ($1) order by key`)
)

// keyed is an event's place in the table of keys.
type keyed struct {
	key, digest int64
	index       int
}

// Dedupe says which events were stored before, or come again within the batch: of those the first stays.
// It remembers the others, so that they must be stored by the same transaction. A message id counts
// within its source only: one source cannot take another's ids. A duplicate that says something else than
// the first is counted as a conflict of its source.
func Dedupe(tx *db.Tx, events []lead.Event) ([]bool, error) {
	duplicate := make([]bool, len(events))
	keys := sortedKeys(events)
	fresh, err := rememberKeys(tx, keys)
	if err != nil {
		return nil, err
	}
	var again []keyed
	for i, k := range keys {
		_, isNew := fresh[k.key]
		if !isNew || i > 0 && keys[i-1].key == k.key {
			duplicate[k.index] = true
			again = append(again, k)
		}
	}
	return duplicate, countConflicts(tx, events, again)
}

// sortedKeys are the events' keys in their own order, so that two servers do not wait for each other; of
// equal keys the first event's comes first.
func sortedKeys(events []lead.Event) []keyed {
	keys := make([]keyed, len(events))
	for i := range events {
		keys[i] = keyed{eventKey(&events[i]), digest(&events[i]), i}
	}
	slices.SortFunc(keys, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.index, b.index))
	})
	return keys
}

// rememberKeys stores the keys that are not stored yet and returns them.
func rememberKeys(tx *db.Tx, keys []keyed) (map[int64]struct{}, error) {
	rows := make([][]any, 0, len(keys))
	values := make([]any, 0, 2*len(keys))
	for i, k := range keys {
		if i == 0 || keys[i-1].key != k.key {
			values = append(values, k.key, k.digest)
			rows = append(rows, values[len(values)-2:])
		}
	}
	fresh := make(map[int64]struct{}, len(rows))
	err := tx.BulkQuery(remember, rows, func(rows *sql.Rows) error {
		var key int64
		err := rows.Scan(&key)
		fresh[key] = struct{}{}
		return err
	})
	return fresh, err
}

// countConflicts adds the duplicates that say something else to their sources' accounts.
func countConflicts(tx *db.Tx, events []lead.Event, again []keyed) error {
	if len(again) == 0 {
		return nil
	}
	first := make(map[int64]int64, len(again))
	keys := make([]any, 0, len(again))
	for i, k := range again {
		if i == 0 || again[i-1].key != k.key {
			keys = append(keys, k.key)
		}
	}
	err := tx.QueryIn(findKeys, keys, nil, func(rows *sql.Rows) error {
		var key, digest int64
		err := rows.Scan(&key, &digest)
		first[key] = digest
		return err
	})
	if err != nil {
		return err
	}
	return conflicts(tx, events, again, first)
}

// conflicts counts those of the repeated events that say something else than the first one.
func conflicts(tx *db.Tx, events []lead.Event, again []keyed, first map[int64]int64) error {
	bySource := map[lead.SourceID]int64{}
	for _, k := range again {
		if first[k.key] != k.digest {
			bySource[events[k.index].Source]++
		}
	}
	return countAll(tx, bySource, events)
}

// eventKey is the hash of source and message id. With ten million events, two different ones have the
// same hash with a probability of 3 in a million.
func eventKey(e *lead.Event) int64 {
	var d xxhash.Digest
	d.Reset()
	var source [8]byte
	binary.LittleEndian.PutUint64(source[:], uint64(e.Source))
	_, _ = d.Write(source[:]) // a hash does not fail
	_, _ = d.WriteString(e.MessageID)
	return int64(d.Sum64())
}

// digest is a hash of what an event says, without what a repeated delivery may change: when it was sent,
// over which connection, by which version of a library.
func digest(e *lead.Event) int64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write([]byte{byte(e.Type)})
	for _, s := range [...]string{e.UserID, e.AnonymousID, e.GroupID, e.PreviousID, e.Name} {
		_, _ = d.WriteString(s)
		_, _ = d.Write([]byte{0})
	}
	_, _ = d.Write(canon.Lookup(e.Body, "properties"))
	_, _ = d.Write([]byte{0})
	_, _ = d.Write(canon.Lookup(e.Body, "traits"))
	return int64(d.Sum64() >> 33) // half as many bytes on disk are enough to tell two messages apart
}
