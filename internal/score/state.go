// Package score turns signals and traits into numbers: fit, intent, account intent and momentum.
//
// Everything here is a pure function of a playbook, a [State] and an instant. The arithmetic is that of
// docs/reference/playbook.md, to the last bit: sums run in playbook order, durations are seconds as
// float64, decay is math.Exp2. A result is the list of its parts, which add up to it.
//
// Begin reading at [State.Count] (what one occurrence does) and [State.Intent] (what all are worth).
package score

import (
	"math"
	"slices"

	"cusp/internal/condition"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Signal is what a lead holds of one signal of the playbook.
type Signal struct {
	Value   float64        // worth at Last, before any later decay
	Last    lead.Instant   // the last counted occurrence; 0 when there was none
	Counted int            // counted occurrences in all
	Times   []lead.Instant // counted occurrences inside the signal's largest count() window, oldest first
}

// State is what a lead's signals amount to. It holds one entry for each signal of the playbook it was
// folded with, in playbook order.
type State struct {
	Signals   []Signal
	FastSum   float64      // decayed points under the short half-life of momentum, at SumAt
	SlowSum   float64      // the same under the long one
	SumAt     lead.Instant // when the two sums were last brought up to date
	SeriousAt lead.Instant // the last time that curiosity turned serious; 0 for never
}

// NewState is the state of a lead of which nothing is known.
func NewState(p *playbook.Playbook) State {
	return State{Signals: make([]Signal, len(p.Signals))}
}

// Reset empties the state for another lead and keeps its memory.
func (s *State) Reset() {
	for i := range s.Signals {
		s.Signals[i] = Signal{Times: s.Signals[i].Times[:0]}
	}
	s.FastSum, s.SlowSum, s.SumAt, s.SeriousAt = 0, 0, 0, 0
}

// decay is the share that is left after some seconds; no half-life means that all of it is.
func decay(seconds, halfLife float64) float64 {
	if halfLife == 0 {
		return 1
	}
	return math.Exp2(-seconds / halfLife)
}

// Count applies an occurrence of signal i at instant at and reports whether it was counted: it is not
// when the last counted one is less than once_per ago. Occurrences must come in the order of time.
// window is the largest count() window that the playbook uses for the signal, in seconds.
func (s *State) Count(p *playbook.Playbook, i int, at lead.Instant, window float64) bool {
	def, sig := &p.Signals[i], &s.Signals[i]
	if sig.Counted > 0 && at.Seconds(sig.Last) < def.OncePer {
		return false
	}
	value := def.Points
	if sig.Counted > 0 {
		value += sig.Value * decay(at.Seconds(sig.Last), def.HalfLife)
	}
	if def.Cap > 0 {
		value = math.Max(-def.Cap, math.Min(def.Cap, value))
	}
	sig.Value, sig.Last = value, at
	sig.Counted++
	if window > 0 {
		sig.remember(at, window)
	}
	if !def.ThirdParty && def.Points > 0 {
		s.addMomentum(p, def.Points, at)
	}
	return true
}

// remember keeps the times that count() may still ask for. A count saturates at MaxCount, so that a
// lead's state stays small whatever its history.
func (sig *Signal) remember(at lead.Instant, window float64) {
	sig.Times = append(sig.Times, at)
	drop := max(0, len(sig.Times)-condition.MaxCount)
	for drop < len(sig.Times) && at.Seconds(sig.Times[drop]) >= window {
		drop++
	}
	if drop > 0 {
		sig.Times = append(sig.Times[:0], sig.Times[drop:]...)
	}
}

// CountIn is the number of counted occurrences of signal i in (at−window, at], window in seconds.
func (s *State) CountIn(i int, at lead.Instant, window float64) int {
	n := 0
	for _, t := range slices.Backward(s.Signals[i].Times) {
		if at.Seconds(t) >= window {
			break
		}
		n++
	}
	return n
}

// Worth is what signal i is worth at an instant not before its last occurrence.
func (s *State) Worth(p *playbook.Playbook, i int, now lead.Instant) float64 {
	sig := &s.Signals[i]
	if sig.Counted == 0 {
		return 0
	}
	return sig.Value * decay(now.Seconds(sig.Last), p.Signals[i].HalfLife)
}
