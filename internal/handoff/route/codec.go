package route

import (
	"encoding/binary"

	"cusp/internal/fault"
)

// layout is the version of an encoded pool. Version 1: turns, made good, reps (id, weight, at, owed,
// last, had, given back by reason), handoffs (difference to the one before, rep, given back), all as
// varints and length-prefixed texts.
const layout = 1

// Bounds of what [Decode] accepts.
const (
	maxReps = 1 << 20
	maxID   = 1 << 16 // bytes
)

// Encode packs a pool: some 15 bytes a rep and 4 a remembered handoff.
func (p Pool) Encode() []byte {
	b := make([]byte, 1, 16+32*len(p.Reps)+4*len(p.Recent))
	b[0] = layout
	b = binary.AppendUvarint(b, p.Turns)
	b = appendFlag(b, p.MadeGood)
	b = binary.AppendUvarint(b, uint64(len(p.Reps)))
	for _, s := range p.Reps {
		b = appendText(b, string(s.Rep))
		b = binary.AppendUvarint(b, uint64(s.Weight))
		b = binary.AppendVarint(b, s.At)
		b = binary.AppendUvarint(b, uint64(s.Owed))
		b = binary.AppendUvarint(b, s.Last)
		b = binary.AppendUvarint(b, s.Had)
		for _, n := range s.Back {
			b = binary.AppendUvarint(b, n)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(p.Recent)))
	var last HandoffID
	for _, g := range p.Recent {
		b = binary.AppendVarint(b, int64(g.Handoff-last))
		last = g.Handoff
		b = p.appendRep(b, g.Rep)
		b = appendFlag(b, g.Back)
	}
	return b
}

// appendRep packs a rep as a place in the list, or as 0 and a text when no longer on it.
func (p Pool) appendRep(b []byte, r RepID) []byte {
	if i, ok := p.search(r); ok {
		return binary.AppendUvarint(b, uint64(i)+1)
	}
	return appendText(append(b, 0), string(r))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFlag(b []byte, set bool) []byte {
	if set {
		return append(b, 1)
	}
	return append(b, 0)
}

// Decode unpacks what [Pool.Encode] packed; nothing at all is the pool that has not begun. It fails with
// fault.Internal for anything else: a pool is stored state, not input.
func Decode(b []byte) (Pool, error) {
	if len(b) == 0 {
		return Pool{}, nil
	}
	if b[0] != layout {
		return Pool{}, fault.New(fault.Internal, "the pool has layout %d; this program reads %d", b[0], layout)
	}
	d := decoder{b: b[1:]}
	p := Pool{Turns: d.uint(1 << 62), MadeGood: d.flag()}
	for n := d.uint(maxReps); n > 0 && !d.bad; n-- {
		s := Standing{Rep: RepID(d.text()), Weight: int(d.uint(MaxWeight)), At: d.int(), Owed: int(d.uint(MaxOwed))}
		s.Last, s.Had = d.uint(p.Turns), d.uint(p.Turns)
		for i := range s.Back {
			s.Back[i] = d.uint(1 << 62)
		}
		if s.Weight == 0 || held(s.At) != s.At || len(p.Reps) > 0 && p.Reps[len(p.Reps)-1].Rep >= s.Rep {
			d.bad = true
		}
		p.Reps = append(p.Reps, s)
	}
	var last HandoffID
	for n := d.uint(Memory); n > 0 && !d.bad; n-- {
		last += HandoffID(d.int())
		p.Recent = append(p.Recent, Given{Handoff: last, Rep: d.rep(p), Back: d.flag()})
	}
	if d.bad || len(d.b) > 0 {
		return Pool{}, fault.New(fault.Internal, "the stored pool is damaged").WithHint("restore it from a backup, or delete it: turns then begin anew")
	}
	return p, nil
}

// decoder reads until something is wrong.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uint(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	return d.taken(v, n, v <= most)
}

func (d *decoder) taken(v uint64, n int, ok bool) uint64 {
	if d.bad = d.bad || n <= 0 || !ok; d.bad {
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	return int64(d.taken(uint64(v), n, true))
}

func (d *decoder) flag() bool { return d.uint(1) == 1 }

func (d *decoder) text() string {
	n := int(d.uint(maxID))
	if d.bad = d.bad || n > len(d.b); d.bad {
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) rep(p Pool) RepID {
	place := d.uint(uint64(len(p.Reps)))
	if place > 0 && !d.bad {
		return p.Reps[place-1].Rep
	}
	return RepID(d.text())
}
