package ingest

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Log is the event log of one process, for its one writer. On PostgreSQL, where several processes write,
// every commit lays its events down in segments and keys at once. An embedded database belongs to one
// process: there a commit writes its events in one piece to a journal and keeps them in memory, and
// [Log.Settle] lays many commits down together, in the order of ids. That writes a fraction of the pages.
//
// A Log is used by one goroutine at a time. What it has not settled, the package's other readers do not
// see.
type Log struct {
	direct bool
	last   uint64 // number of the newest commit
	tail   tail
	staged *tail // of a transaction that has not committed yet
}

// tail is what is in the journal and nowhere else.
type tail struct {
	keys   map[int64]int64 // of events: key and digest
	events map[lead.ProfileID][]Stored
	count  int
}

func newTail() tail {
	return tail{keys: map[int64]int64{}, events: map[lead.ProfileID][]Stored{}}
}

func (t *tail) add(s *Stored, k keyed) {
	t.keys[k.key] = k.digest
	t.events[s.Profile] = append(t.events[s.Profile], *s)
	t.count++
}

var (
	readJournal   = db.SQL("ingest.readJournal", `select no, data from journal order by no`)
	insertJournal = db.SQL("ingest.insertJournal", `insert into journal (no, data) values ($1, $2)`)
	clearJournal  = db.SQL("ingest.clearJournal", `delete from journal where no <= $1`)
	insertCommit  = db.SQL("ingest.insertCommit", `insert into log_commit (no, at, events) values ($1, $2, $3)`)
	lastCommit    = db.SQL("ingest.lastCommit", `select coalesce(max(no), 0) from log_commit`)
	settleKeys    = db.SQL("ingest.settleKeys", `insert into event_key (key, digest) values ($1, $2) on conflict (key) do nothing`)
)

// OpenLog opens the log of a migrated database. What a stopped process left in the journal is in the tail
// again; the caller settles it.
func OpenLog(ctx context.Context, d *db.DB) (*Log, error) {
	l := &Log{direct: d.Dialect() == db.Postgres, tail: newTail()}
	if l.direct {
		return l, nil
	}
	err := d.Read(ctx, func(tx *db.Tx) error {
		l.tail = newTail()
		if err := tx.QueryRow(lastCommit, nil, &l.last); err != nil {
			return err
		}
		return tx.Query(readJournal, nil, func(rows *sql.Rows) error {
			var no uint64
			var data []byte
			if err := rows.Scan(&no, &data); err != nil {
				return err
			}
			return l.tail.read(data)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	return l, nil
}

// read unpacks one commit of the journal: a segment's records, each after its profile.
func (t *tail) read(data []byte) error {
	s, err := readSegment(data)
	if err != nil {
		return err
	}
	for s.pos < len(s.data) && !s.bad {
		x := Stored{Profile: lead.ProfileID(s.uint())}
		if s.next(&x) {
			t.add(&x, keyed{key: eventKey(&x.Event), digest: digest(&x.Event)})
		}
	}
	if s.bad {
		return errCorrupt
	}
	return nil
}

// Unsettled is the number of events that wait to be laid down.
func (l *Log) Unsettled() int { return l.tail.count }

// Waiting are the profiles of the events that wait to be laid down, sorted.
func (l *Log) Waiting() []lead.ProfileID {
	return slices.Sorted(maps.Keys(l.tail.events))
}

// Tail are the events of profiles that wait to be laid down, in the order of arrival for each profile.
func (l *Log) Tail(profiles []lead.ProfileID) []Stored {
	var out []Stored
	for _, p := range profiles {
		out = append(out, l.tail.events[p]...)
	}
	return out
}

// Dedupe is [Dedupe] for the log's writer.
func (l *Log) Dedupe(tx *db.Tx, events []lead.Event) ([]bool, error) {
	if l.direct {
		return Dedupe(tx, events)
	}
	duplicate := make([]bool, len(events))
	keys := sortedKeys(events)
	known, err := l.known(tx, keys)
	if err != nil {
		return nil, err
	}
	var again []keyed
	for i, k := range keys {
		_, stored := known[k.key]
		if !stored && (i == 0 || keys[i-1].key != k.key) {
			continue
		}
		if !stored {
			known[k.key] = keys[i-1].digest
		}
		duplicate[k.index] = true
		again = append(again, k)
	}
	return duplicate, conflicts(tx, events, again, known)
}

// known are the digests of those keys that are stored.
func (l *Log) known(tx *db.Tx, keys []keyed) (map[int64]int64, error) {
	known := map[int64]int64{}
	ask := make([]any, 0, len(keys))
	for i, k := range keys {
		if i > 0 && keys[i-1].key == k.key {
			continue
		}
		if d, ok := l.tail.keys[k.key]; ok {
			known[k.key] = d
		} else {
			ask = append(ask, k.key)
		}
	}
	return known, tx.QueryIn(findKeys, ask, nil, func(rows *sql.Rows) error {
		var key, digest int64
		err := rows.Scan(&key, &digest)
		known[key] = digest
		return err
	})
}

// Append is [Append] for the log's writer.
func (l *Log) Append(tx *db.Tx, placed []Placed) ([]Stored, error) {
	if l.direct || len(placed) == 0 {
		return Append(tx, placed)
	}
	staged := newTail()
	l.staged = &staged
	out := make([]Stored, len(placed))
	data := []byte{formatV1}
	no := l.last
	for i := range placed {
		if i%indexLimit == 0 {
			no++
		}
		out[i] = Stored{Seq: no<<indexBits | uint64(i%indexLimit), Profile: placed[i].Profile, Event: placed[i].Event}
		data = binary.AppendUvarint(data, uint64(out[i].Profile))
		data = appendRecord(data, out[i].Seq, &out[i].Event)
		staged.add(&out[i], keyed{key: eventKey(&out[i].Event), digest: digest(&out[i].Event)})
	}
	if _, err := tx.Exec(insertCommit, int64(no), int64(placed[0].Event.ReceivedAt), len(placed)); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(insertJournal, int64(no), data); err != nil {
		return nil, err
	}
	tx.OnCommit(func() { l.take(no, &staged) })
	slices.SortFunc(out, compareStored)
	return out, nil
}

// take makes a committed transaction's events part of the tail.
func (l *Log) take(no uint64, staged *tail) {
	l.last, l.staged = no, nil
	l.tail.merge(staged)
}

func (t *tail) merge(o *tail) {
	maps.Copy(t.keys, o.keys)
	for p, events := range o.events {
		t.events[p] = append(t.events[p], events...)
	}
	t.count += o.count
}

// Timeline is [Timeline] for the log's writer: it sees what is not settled yet, the transaction's own
// events included.
func (l *Log) Timeline(tx *db.Tx, profiles []lead.ProfileID) ([]Stored, error) {
	out, err := Timeline(tx, profiles)
	if err != nil || l.direct {
		return out, err
	}
	out = append(out, l.Tail(profiles)...)
	for _, p := range profiles {
		if l.staged != nil {
			out = append(out, l.staged.events[p]...)
		}
	}
	inFoldOrder(out)
	return out, nil
}

// Begin forgets what a transaction staged that did not commit. It belongs at the start of each one.
func (l *Log) Begin() { l.staged = nil }

// Settle lays everything that waits down in segments and keys and empties the journal, with the commit of
// the transaction.
func (l *Log) Settle(tx *db.Tx) error {
	if l.tail.count == 0 {
		return nil
	}
	profiles := l.Waiting()
	opens, err := loadOpen(tx, len(profiles), func(i int) lead.ProfileID { return profiles[i] })
	if err != nil {
		return fmt.Errorf("settle event log: %w", err)
	}
	events := make([]Stored, 0, l.tail.count)
	for _, p := range profiles {
		events = append(events, l.tail.events[p]...)
	}
	if err := pack(tx, opens, events); err != nil {
		return fmt.Errorf("settle event log: %w", err)
	}
	rows := make([][]any, 0, len(l.tail.keys))
	for _, key := range slices.Sorted(maps.Keys(l.tail.keys)) {
		rows = append(rows, []any{key, l.tail.keys[key]})
	}
	if _, err := tx.Bulk(settleKeys, rows); err != nil {
		return fmt.Errorf("settle event keys: %w", err)
	}
	if _, err := tx.Exec(clearJournal, int64(l.last)); err != nil {
		return fmt.Errorf("empty journal: %w", err)
	}
	staged := l.staged // by this very transaction: it is not laid down yet
	tx.OnCommit(func() {
		l.tail = newTail()
		if staged != nil {
			l.tail.merge(staged)
		}
	})
	return nil
}
