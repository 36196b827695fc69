package ingest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/lead"
)

var (
	findSegments = db.SQL("ingest.findSegments", `select data from segment where id between $1 and $2 order by id`)
	scanSegments = db.SQL("ingest.scanSegments", `select id, data from segment where id >= $1 and id < $2 order by id`)
	lastSegment  = db.SQL("ingest.lastSegment", `select coalesce(max(id), 0) from segment`)
)

// Timeline is the history of a few profiles, usually those of one person, in fold order.
func Timeline(tx *db.Tx, profiles []lead.ProfileID) ([]Stored, error) {
	var out []Stored
	var raw sql.RawBytes
	for _, p := range profiles {
		err := tx.Query(findSegments, []any{segmentID(p, 0), segmentID(p, openNumber)}, func(rows *sql.Rows) error {
			err := rows.Scan(&raw)
			if err == nil {
				out, err = unpack(out, p, bytes.Clone(raw))
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read profile %d: %w", p, err)
		}
	}
	inFoldOrder(out)
	return out, nil
}

// unpack appends the events of a segment. They share its memory, which must not change any more.
func unpack(out []Stored, p lead.ProfileID, data []byte) ([]Stored, error) {
	s, err := readSegment(data)
	if err != nil {
		return out, err
	}
	for {
		if len(out) < cap(out) {
			out = out[:len(out)+1]
		} else {
			out = append(out, Stored{})
		}
		last := &out[len(out)-1]
		if !s.next(last) {
			out = out[:len(out)-1]
			break
		}
		last.Profile = p
	}
	if s.bad {
		return out, errCorrupt
	}
	return out, nil
}

// inFoldOrder sorts what usually is in order already: events arrive as they happen.
func inFoldOrder(events []Stored) {
	compare := func(a, b Stored) int { return a.Event.Compare(&b.Event) }
	for i := 1; i < len(events); i++ {
		if events[i-1].Event.Compare(&events[i].Event) > 0 {
			slices.SortFunc(events, compare)
			return
		}
	}
}

// Scan reads all of history, profile by profile in the order of their ids, and hands each profile's
// events to fn in fold order. It begins at the profile from and ends after n profiles; n ≤ 0 means all.
// The slice is used again for the next profile; the events in it may be kept. fn runs inside the
// transaction that reads: it must be quick, and must not begin another with its context.
func Scan(ctx context.Context, d *db.DB, from lead.ProfileID, n int, fn func(lead.ProfileID, []Stored) error) error {
	return scan(ctx, d, from, endOfProfiles, n, fn)
}

// ScanRange is [Scan] for the profiles from ≤ id < to, so that several workers can share the work.
func ScanRange(ctx context.Context, d *db.DB, from, to lead.ProfileID, fn func(lead.ProfileID, []Stored) error) error {
	return scan(ctx, d, from, to, 0, fn)
}

// LastProfile is the largest id of a profile that has events; 0 when there are none.
func LastProfile(tx *db.Tx) (lead.ProfileID, error) {
	var id int64
	err := tx.QueryRow(lastSegment, nil, &id)
	return lead.ProfileID(id >> numberBits), err
}

const endOfProfiles = lead.ProfileID(1)<<(63-numberBits) - 1

// errEnough ends a scan that has seen as many profiles as were asked for.
var errEnough = errors.New("enough")

func scan(ctx context.Context, d *db.DB, from, to lead.ProfileID, n int, fn func(lead.ProfileID, []Stored) error) error {
	s := scanner{fn: fn, left: n}
	args := []any{segmentID(max(from, 0), 0), segmentID(min(to, endOfProfiles), 0)}
	var failed error
	err := d.Read(ctx, func(tx *db.Tx) error {
		failed = nil
		err := tx.Query(scanSegments, args, func(rows *sql.Rows) error {
			failed = s.row(rows)
			return failed
		})
		if err == nil {
			failed = s.flush()
			err = failed
		}
		return err
	})
	switch {
	case errors.Is(failed, errEnough):
		return nil
	case failed != nil:
		return failed // as fn gave it
	}
	return err
}

// scanner gathers the segments of one profile at a time.
type scanner struct {
	fn     func(lead.ProfileID, []Stored) error
	left   int
	at     lead.ProfileID
	events []Stored
	raw    sql.RawBytes
	block  []byte // room for the next segments
}

// blockSize is how much memory segments get at once: one allocation for some forty of them.
const blockSize = 64 << 10

// own copies a row's bytes, which the driver will use again, into memory that events may keep.
func (s *scanner) own(raw []byte) []byte {
	if len(raw) > cap(s.block)-len(s.block) {
		s.block = make([]byte, 0, max(blockSize, len(raw)))
	}
	at := len(s.block)
	s.block = append(s.block, raw...)
	return s.block[at:len(s.block):len(s.block)]
}

func (s *scanner) row(rows *sql.Rows) error {
	var id int64
	if err := rows.Scan(&id, &s.raw); err != nil {
		return err
	}
	if p := lead.ProfileID(id >> numberBits); p != s.at {
		if err := s.flush(); err != nil {
			return err
		}
		s.at = p
	}
	var err error
	if s.events, err = unpack(s.events, s.at, s.own(s.raw)); err != nil {
		return fmt.Errorf("read profile %d: %w", s.at, err)
	}
	return nil
}

// flush hands over the profile that is complete.
func (s *scanner) flush() error {
	if len(s.events) == 0 {
		return nil
	}
	inFoldOrder(s.events)
	err := s.fn(s.at, s.events)
	s.events = s.events[:0]
	if s.left--; err == nil && s.left == 0 {
		return errEnough
	}
	return err
}
