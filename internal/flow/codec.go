package flow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"cusp/internal/canon"
	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// stateVersion is the layout of an encoded lead. A lead with another one is folded again from its
// events: states are derived and never migrated.
const stateVersion = 1

// errStale says that an encoded lead cannot be used and must be folded again.
var errStale = errors.New("the state was written by another version")

// Encode packs a lead. Only signals that were counted take room.
func (l *Lead) Encode(dst []byte) ([]byte, error) {
	person, err := l.Person.Raw()
	if err != nil {
		return nil, err
	}
	company, err := l.Company.Raw()
	if err != nil {
		return nil, err
	}
	w := writer{append(dst, stateVersion)}
	w.bytes(person)
	w.bytes(company)
	w.text(l.UserID)
	w.text(l.GroupID)
	w.flags(l.Known, l.Fit.Known)
	w.float(l.Fit.Score)
	w.float(l.Fit.Coverage)
	w.int(int64(l.Excluded))
	w.int(int64(l.Barred))
	w.outcome(l.Outcome)
	w.int(int64(l.Events))
	w.text(l.Last.MessageID)
	w.int(int64(l.Last.Source))
	for _, at := range [...]lead.Instant{l.Last.Time, l.First, l.Since, l.Answered, l.Rejected, l.Checked, l.Quiet, l.Score.SumAt, l.Score.SeriousAt} {
		w.int(int64(at))
	}
	w.float(l.Score.FastSum)
	w.float(l.Score.SlowSum)
	w.signals(l)
	w.bytes(l.Recent.Append(nil))
	return w.b, nil
}

// Decode unpacks what [Lead.Encode] packed under the same playbook into l, which must be new or reset.
func (l *Lead) Decode(p *playbook.Playbook, b []byte) error {
	if len(b) == 0 || b[0] != stateVersion {
		return errStale
	}
	r := reader{b: b[1:]}
	l.Person = canon.LazyRaw(r.bytes())
	l.Company = canon.LazyRaw(r.bytes())
	l.UserID, l.GroupID = r.text(), r.text()
	l.Known, l.Fit.Known = r.flags()
	l.Fit.Score, l.Fit.Coverage = r.float(), r.float()
	l.Excluded, l.Barred = int(r.int()), int(r.int())
	l.Outcome = r.outcome()
	l.Events = int(r.int())
	l.Last.MessageID, l.Last.Source = r.text(), lead.SourceID(r.int())
	for _, at := range [...]*lead.Instant{&l.Last.Time, &l.First, &l.Since, &l.Answered, &l.Rejected, &l.Checked, &l.Quiet, &l.Score.SumAt, &l.Score.SeriousAt} {
		*at = lead.Instant(r.int())
	}
	l.Score.FastSum, l.Score.SlowSum = r.float(), r.float()
	r.signals(p, l)
	if recent := r.bytes(); r.err == nil {
		r.err = l.Recent.Decode(recent)
	}
	if r.err != nil {
		return fmt.Errorf("decode lead: %w", r.err)
	}
	return nil
}

func (w *writer) signals(l *Lead) {
	n := 0
	for i := range l.Score.Signals {
		if l.Score.Signals[i].Counted > 0 {
			n++
		}
	}
	w.int(int64(n))
	for i := range l.Score.Signals {
		s := &l.Score.Signals[i]
		if s.Counted == 0 {
			continue
		}
		w.int(int64(i))
		w.float(s.Value)
		w.int(int64(s.Last))
		w.int(int64(s.Counted))
		w.int(int64(len(s.Times)))
		last := s.Last
		for _, at := range slices.Backward(s.Times) {
			w.int(int64(last - at))
			last = at
		}
	}
}

func (r *reader) signals(p *playbook.Playbook, l *Lead) {
	for n := r.int(); n > 0 && r.err == nil; n-- {
		i := int(r.int())
		if i < 0 || i >= len(p.Signals) {
			r.err = errStale
			return
		}
		s := &l.Score.Signals[i]
		s.Value, s.Last, s.Counted = r.float(), lead.Instant(r.int()), int(r.int())
		times := int(r.int())
		if times < 0 || times > condition.MaxCount {
			r.err = errStale
			return
		}
		s.Times = append(s.Times[:0], make([]lead.Instant, times)...)
		last := s.Last
		for j := times - 1; j >= 0; j-- {
			last -= lead.Instant(r.int())
			s.Times[j] = last
		}
	}
}

// The outcome is packed by place in these lists; new members go to the end.
var (
	packedDecisions = []decide.Decision{decide.None, decide.Nurture, decide.Review, decide.Engage, decide.Deflect, decide.Disqualify, decide.Ignore}
	packedTracks    = []decide.Track{"", decide.TrackNurture, decide.TrackInbound}
	packedQuadrants = []decide.Quadrant{"", decide.QuadrantEngage, decide.QuadrantNurture, decide.QuadrantDeflect, decide.QuadrantIgnore}
	packedRules     = []decide.Rule{
		"", decide.RuleExcluded, decide.RuleInbound, decide.RuleInboundUnfit, decide.RuleEngage, decide.RuleReview, decide.RuleReviewUnknown,
		decide.RuleHighIntentUnfit, decide.RuleCooldown, decide.RuleUntrusted, decide.RuleNurture, decide.RuleIgnore,
	}
)

func (w *writer) outcome(o decide.Outcome) {
	place(w, packedDecisions, o.Decision)
	place(w, packedTracks, o.Track)
	place(w, packedQuadrants, o.Quadrant)
	place(w, packedRules, o.Rule)
	w.int(int64(o.Level))
}

func (r *reader) outcome() decide.Outcome {
	return decide.Outcome{
		Decision: placed(r, packedDecisions), Track: placed(r, packedTracks),
		Quadrant: placed(r, packedQuadrants), Rule: placed(r, packedRules), Level: int(r.int()),
	}
}

func place[T comparable](w *writer, list []T, v T) {
	for i := range list {
		if list[i] == v {
			w.int(int64(i))
			return
		}
	}
	w.int(0)
}

func placed[T any](r *reader, list []T) (v T) {
	i := r.int()
	if i < 0 || i >= int64(len(list)) {
		r.err = errStale
		return v
	}
	return list[i]
}

type writer struct{ b []byte }

func (w *writer) int(n int64)     { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) float(f float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) }
func (w *writer) bytes(b []byte)  { w.b = append(binary.AppendUvarint(w.b, uint64(len(b))), b...) }
func (w *writer) text(s string)   { w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...) }

func (w *writer) flags(a, b bool) {
	var f byte
	if a {
		f |= 1
	}
	if b {
		f |= 2
	}
	w.b = append(w.b, f)
}

// reader keeps its first error; after it every read answers zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) float() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *reader) bytes() []byte {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return nil
	}
	r.b = r.b[size:]
	return r.take(n)
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) flags() (bool, bool) {
	b := r.take(1)
	if b == nil {
		return false, false
	}
	return b[0]&1 != 0, b[0]&2 != 0
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errStale
	}
	r.b = nil
}
