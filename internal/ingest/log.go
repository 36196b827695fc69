package ingest

import (
	"database/sql"
	"slices"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/lead"
)

const (
	numberBits = 24 // of a segment's id: its number within the profile
	openNumber = 1<<numberBits - 1
)

// segmentSize is how large the open segment of a profile grows; it is rewritten with every commit that adds
// to it. On SQLite a segment fills a page of 4 kB, so that reading touches no other and writing none twice.
// PostgreSQL would compress rows beyond 2 kB, which costs more than it saves.
func segmentSize(d db.Dialect) int {
	if d == db.SQLite {
		return 3900
	}
	return 1600
}

// Placed is an event and the profile under which it is stored, for good.
type Placed struct {
	Profile lead.ProfileID
	Event   lead.Event
}

// Stored is an event in the log. Seq is its place in the order of arrival: it grows with every commit of
// one process, and with every commit that touches the same profile.
type Stored struct {
	Seq     uint64
	Profile lead.ProfileID
	Event   lead.Event
}

var (
	findOpen = db.SQL("ingest.findOpen", `select id, sealed, data from segment where id in ($1) order by id /*for update*/`)
	claim    = db.SQL("ingest.claim", `insert into segment (id, sealed, data) values ($1, $2, $3) on conflict (id) do nothing`)
	store    = db.SQL("ingest.store", `insert into segment (id, sealed, data) values ($1, $2, $3)
		on conflict (id) do update set sealed = excluded.sealed, data = excluded.data`)
	number = db.SQL("ingest.number", `insert into log_commit (at, events) values ($1, $2) returning no`)
)

// open is the open segment of a profile while a transaction adds to it.
type open struct {
	sealed int64
	data   []byte
}

// Append stores events that are no duplicates, each under its profile, and returns them as stored, in
// fold order per profile and by profile. Its cost depends on the events, not on what is stored already.
func Append(tx *db.Tx, placed []Placed) ([]Stored, error) {
	if len(placed) == 0 {
		return nil, nil
	}
	opens, err := loadOpen(tx, len(placed), func(i int) lead.ProfileID { return placed[i].Profile })
	if err != nil {
		return nil, err
	}
	out, err := numbered(tx, placed)
	if err != nil {
		return nil, err
	}
	if err := pack(tx, opens, out); err != nil {
		return nil, err
	}
	slices.SortFunc(out, compareStored)
	return out, nil
}

// pack adds events to the open segments of their profiles and stores these, in the order of ids.
func pack(tx *db.Tx, opens map[lead.ProfileID]*open, events []Stored) error {
	size := segmentSize(tx.Dialect())
	rows := make([][]any, 0, len(opens)+len(events)/4)
	for i := range events {
		rows = opens[events[i].Profile].add(rows, &events[i], size)
	}
	for profile, o := range opens {
		rows = append(rows, []any{segmentID(profile, openNumber), o.sealed, o.data})
	}
	slices.SortFunc(rows, func(a, b []any) int { return compareID(a[0], b[0]) })
	_, err := tx.Bulk(store, rows)
	return err
}

func compareID(a, b any) int {
	x, _ := a.(int64)
	y, _ := b.(int64)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareStored(a, b Stored) int {
	if a.Profile != b.Profile {
		return compareID(int64(a.Profile), int64(b.Profile))
	}
	return a.Event.Compare(&b.Event)
}

func segmentID(p lead.ProfileID, number int64) int64 { return int64(p)<<numberBits | number }

// loadOpen reads and locks the open segments of the profiles, in the order of their ids.
func loadOpen(tx *db.Tx, n int, profile func(int) lead.ProfileID) (map[lead.ProfileID]*open, error) {
	opens := make(map[lead.ProfileID]*open, n)
	keys := make([]any, 0, n)
	for i := range n {
		p := profile(i)
		if p <= 0 || p >= 1<<(63-numberBits) {
			return nil, fault.New(fault.Internal, "an event has no profile")
		}
		if _, ok := opens[p]; !ok {
			opens[p] = nil
			keys = append(keys, segmentID(p, openNumber))
		}
	}
	slices.SortFunc(keys, compareID)
	if err := readOpen(tx, keys, opens); err != nil {
		return nil, err
	}
	return opens, fill(tx, keys, opens)
}

func readOpen(tx *db.Tx, keys []any, opens map[lead.ProfileID]*open) error {
	return tx.QueryIn(findOpen, keys, nil, func(rows *sql.Rows) error {
		var id int64
		o := &open{}
		err := rows.Scan(&id, &o.sealed, &o.data)
		opens[lead.ProfileID(id>>numberBits)] = o
		return err
	})
}

// fill makes the open segments that do not exist. On PostgreSQL another server may be making the same
// one: then it is read again, once that server has committed.
func fill(tx *db.Tx, keys []any, opens map[lead.ProfileID]*open) error {
	var rows [][]any
	missing := keys[:0:0]
	for _, key := range keys {
		id, _ := key.(int64)
		if p := lead.ProfileID(id >> numberBits); opens[p] == nil {
			opens[p] = &open{data: []byte{}}
			rows = append(rows, []any{id, int64(0), []byte{}})
			missing = append(missing, key)
		}
	}
	if tx.Dialect() == db.SQLite || len(rows) == 0 {
		return nil
	}
	made, err := tx.Bulk(claim, rows)
	if err != nil || made == int64(len(rows)) {
		return err
	}
	return readOpen(tx, missing, opens)
}

// numbered gives the events their place in the order of arrival. Locks are held by now, so that the
// order of numbers is the order of commits for each profile.
func numbered(tx *db.Tx, placed []Placed) ([]Stored, error) {
	out := make([]Stored, len(placed))
	var no int64
	for i := range placed {
		if i%indexLimit == 0 {
			n := min(len(placed)-i, indexLimit)
			if err := tx.QueryRow(number, []any{int64(placed[i].Event.ReceivedAt), int64(n)}, &no); err != nil {
				return nil, err
			}
		}
		out[i] = Stored{Seq: uint64(no)<<indexBits | uint64(i%indexLimit), Profile: placed[i].Profile, Event: placed[i].Event}
	}
	return out, nil
}

// add packs an event into the open segment. What is full goes to rows as a segment of its own.
func (o *open) add(rows [][]any, s *Stored, size int) [][]any {
	at := len(o.data)
	if at == 0 {
		o.data = append(o.data, formatV1)
	}
	o.data = appendRecord(o.data, s.Seq, &s.Event)
	if len(o.data) <= size {
		return rows
	}
	if at <= 1 { // a record that fills a segment alone
		rows = o.seal(rows, s.Profile, o.data)
		o.data = []byte{}
		return rows
	}
	rest := append([]byte{formatV1}, o.data[at:]...)
	rows = o.seal(rows, s.Profile, o.data[:at:at])
	if o.data = rest; len(rest) > size {
		rows = o.seal(rows, s.Profile, rest)
		o.data = []byte{}
	}
	return rows
}

func (o *open) seal(rows [][]any, p lead.ProfileID, data []byte) [][]any {
	rows = append(rows, []any{segmentID(p, o.sealed), int64(0), data})
	o.sealed++
	return rows
}
